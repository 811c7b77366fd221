import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.peers.rows import ADDED_UP, COLUMNS, own_rows, read_rows, rows
from library.peers.conftest import PLACES
from repository import ROOT, read

MEASUREMENTS = ["throughput_tps", "energy_per_token_j"]


def test_every_run_has_a_name_of_its_own_and_a_measurement(runs):
    assert list(runs) == COLUMNS
    assert runs["id"].is_unique
    assert runs.index.tolist() == list(range(len(runs)))
    assert runs[MEASUREMENTS].notna().any(axis=1).all()
    described = runs.drop(columns=["method_model", "engine_version", "protocol", *MEASUREMENTS])
    assert described.notna().all().all()


def test_measurements_are_those_of_the_tables(runs, tables):
    by_id = runs.set_index("id")
    run = tables["mlenergy"].iloc[100]
    found = by_id.loc[f"mlenergy.{run['row']}"]
    assert found["throughput_tps"] == run["throughput_tps"]
    assert found["energy_per_token_j"] == run["energy_per_token_j"]
    run = tables["inferencex"].query("disaggregated == 'no'").iloc[0]
    found = by_id.loc[f"inferencex.{run['id']}"]
    assert found["energy_per_token_j"] == run["energy_per_output_token_j"]


def row_of(runs, name):
    """Cells of a run that are not empty."""
    return runs.set_index("id").loc[name].dropna().to_dict()


def test_a_run_that_states_its_power_is_told_by_what_its_table_and_its_source_say(runs, tables):
    """An input that the table does not state is a chat's, and one engine is that of all runs."""
    run = tables["mlenergy"].query("model == 'DeepSeek-R1' and expert_parallel > 1").iloc[0]
    kept = ["source_id", "precision", "gpu", "gpus", "expert_parallel", "output_tokens"]
    kept += ["concurrency", "throughput_tps", "energy_per_token_j"]
    model = tables["models"].set_index("model").loc["DeepSeek-R1"]
    known = ["architecture", "params_total_b", "params_active_b"]
    assert row_of(runs, f"mlenergy.{run['row']}") == {
        **run[kept],
        **model[known],
        "table": "mlenergy_v3",
        "model": "DeepSeek-R1",
        "method_model": "DeepSeek-R1",
        "tensor_parallel": run["gpus"],
        "attention_data_parallel": 1,
        "engine": "vLLM",
        "engine_version": "0.11.1",
        "protocol": "steady",
        "input_tokens": 300,
    }


def test_a_run_of_the_other_table_with_power_knows_neither_version_nor_protocol(runs, tables):
    run = tables["inferencex"].query("disaggregated == 'no'").iloc[-1]
    found = row_of(runs, f"inferencex.{run['id']}")
    kept = ["source_id", "precision", "gpu", "gpus", "input_tokens", "output_tokens"]
    assert {name: found[name] for name in [*kept, "concurrency"]} == {**run[[*kept, "concurrency"]]}
    told = ["table", "method_model", "tensor_parallel", "engine"]
    expected = ["inferencex_power", run["model"], run["gpus"], "vLLM"]
    assert [found[name] for name in told] == expected
    assert [found[name] for name in ("attention_data_parallel", "expert_parallel")] == [1, 1]
    assert not {"throughput_tps", "engine_version", "protocol"} & set(found)


def test_a_run_at_a_load_is_told_as_its_table_has_it(runs, tables):
    table = tables["at_load"]
    table = table[~table["note"].fillna("").str.startswith(ADDED_UP)]
    row = table.query("confidence != 'low' and attention_data_parallel > 1").iloc[0]
    found = row_of(runs, "at_load." + row["locator"].rpartition(", ")[2])
    kept = ["source_id", "precision", "gpu", "engine", "engine_version", "input_tokens"]
    kept += ["output_tokens", "concurrency", "throughput_tps"]
    kept += ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
    assert {name: found[name] for name in kept} == {**row[kept]}
    assert found["gpus"] == row["attention_data_parallel"] * row["tensor_parallel"]
    assert (found["table"], found["method_model"]) == ("at_load", row["model"])
    assert "protocol" not in found


def test_gpus_are_those_of_all_copies_of_the_attention(runs, tables):
    row = tables["at_load"].query("attention_data_parallel == 8").iloc[0]
    name = "at_load." + row["locator"].rpartition(", ")[2]
    found = runs.set_index("id").loc[name]
    assert found["gpus"] == 8 * row["tensor_parallel"]


def test_split_runs_and_guessed_layouts_are_left_out(runs, tables):
    table = tables["at_load"]
    dropped = table["note"].fillna("").str.startswith(ADDED_UP) | (table["confidence"] == "low")
    split = tables["inferencex"]["disaggregated"] == "yes"
    assert dropped.any()
    assert split.any()
    counts = runs["table"].value_counts()
    assert counts["at_load"] == len(table) - dropped.sum()
    assert counts["inferencex_power"] == (~split).sum()
    assert counts["mlenergy_v3"] == len(tables["mlenergy"])


def test_names_of_a_source_lead_to_one_model(runs, tables):
    run = tables["mlenergy"].query("model_id == 'Qwen/Qwen3-235B-A22B-Thinking-2507-FP8'").iloc[0]
    found = runs.set_index("id").loc[f"mlenergy.{run['row']}"]
    assert (found["model"], found["architecture"]) == ("Qwen3 235B A22B", "moe")


def test_cells_of_own_stress_tests_stand_apart_from_the_runs(runs, tables):
    cells = read("data/measured/own_node/cells.csv", "own_node")
    own = own_rows(cells, tables["models"])
    assert list(own) == COLUMNS and len(own) == len(cells)
    assert own["id"].is_unique and not set(own["id"]) & set(runs["id"])
    assert own.drop(columns="method_model").notna().all().all()
    # of the window's tokens
    each = cells["energy_j"] / cells["window_tokens"]
    assert own["energy_per_token_j"].to_numpy() == pytest.approx(each.to_numpy(), rel=1e-4)
    first, cell = own.iloc[0], cells.iloc[0]
    assert (first["architecture"], first["gpus"], first["tensor_parallel"]) == ("dense", 1, 1)
    assert first["id"] == f"own_node.{cell['test']}.{cell['cell']}"
    assert (first["table"], first["protocol"], first["method_model"]) == (
        "own_node",
        "steady",
        cell["model"],
    )
    assert (first["attention_data_parallel"], first["expert_parallel"]) == (1, 1)
    (model,) = tables["models"].query(f"model == '{cell['model']}'").to_dict("records")
    sizes = ["params_total_b", "params_active_b"]
    assert first[sizes].tolist() == [model[name] for name in sizes]


def test_unknown_model_is_named(tables):
    runs = tables["mlenergy"].assign(model_id="made/up-9B")
    with pytest.raises(InputError) as refused:
        rows(**(tables | {"mlenergy": runs}))
    assert refused.value.problems == [
        "data/models.csv: column model: no name or alias made/up-9B; allowed are the models of the"
        " measured runs; add a row or an alias"
    ]


def test_gpus_are_those_of_all_stages_of_a_pipeline(tables):
    table = tables["at_load"].assign(pipeline_parallel=2)
    staged = rows(**{**tables, "at_load": table})
    plain = rows(**tables)
    at_load = plain["table"].eq("at_load")
    assert (staged["gpus"][at_load] == 2 * plain["gpus"][at_load]).all()
    assert staged["gpus"][~at_load].equals(plain["gpus"][~at_load])


def test_the_tables_are_read_from_their_files(runs):
    read_again = read_rows({name: ROOT / place for name, place in PLACES.items()})
    pd.testing.assert_frame_equal(read_again, runs)


def test_all_names_that_no_model_has_are_told_at_once_in_order(tables):
    spelt = tables["mlenergy"]["model_id"].where(tables["mlenergy"]["row"] > 2, "z/other-1B")
    at_load = tables["at_load"]
    other = at_load.assign(model=at_load["model"].where(at_load.index != 0, "A model"))
    with pytest.raises(InputError) as refused:
        rows(**(tables | {"mlenergy": tables["mlenergy"].assign(model_id=spelt), "at_load": other}))
    told = [problem.partition("alias ")[2].partition(";")[0] for problem in refused.value.problems]
    assert told == ["A model", "z/other-1B"]


def test_names_are_one_whatever_their_case_blanks_and_dashes(tables):
    """But for points, which tell versions apart."""
    mlenergy = tables["mlenergy"].head(3)
    names = ["DEEPSEEK R1", "deepseek_r1", "DeepSeek-R1"]
    few = {"inferencex": tables["inferencex"].head(0), "at_load": tables["at_load"].head(0)}
    found = rows(**(tables | few | {"mlenergy": mlenergy.assign(model_id=names)}))
    assert found["model"].tolist() == ["DeepSeek-R1"] * 3
    assert found.index.tolist() == [0, 1, 2]
    with pytest.raises(InputError, match=r"no name or alias DeepSeek-R\.1;"):
        rows(**(tables | few | {"mlenergy": mlenergy.assign(model_id="DeepSeek-R.1")}))


def test_a_run_at_a_load_that_states_no_layout_is_of_one_copy_on_gpus_that_share_all(tables):
    few = {name: tables[name].head(0) for name in ("mlenergy", "inferencex")}
    table = tables["at_load"].query("confidence != 'low'").head(2)
    places = ["page 4, table 5, row a b", "row c d"]
    changed = {"locator": places, "note": None, "model": ["A", "An older name"]}
    changed |= {"tensor_parallel": 4, "attention_data_parallel": np.nan, "expert_parallel": np.nan}
    known = tables["models"].head(2)
    models = known.assign(model=["A", "B"], aliases=[None, "an old name;an-older name"])
    found = rows(**few, at_load=table.assign(**changed), models=models)
    assert found["id"].tolist() == ["at_load.row a b", "at_load.row c d"]
    assert found["model"].tolist() == ["A", "B"]
    layout = ["gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"]
    assert found[layout].to_numpy().tolist() == [[4, 4, 1, 1]] * 2
