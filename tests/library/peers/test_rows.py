import pytest
from inference_energy.errors import InputError
from inference_energy.peers.rows import ADDED_UP, COLUMNS, own_rows, rows
from repository import read

MEASUREMENTS = ["throughput_tps", "energy_per_token_j"]


def test_every_run_has_a_name_of_its_own_and_a_measurement(runs):
    assert list(runs) == COLUMNS
    assert runs["id"].is_unique
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
    first = own.iloc[0]
    assert (first["architecture"], first["gpus"], first["tensor_parallel"]) == ("dense", 1, 1)


def test_unknown_model_is_named(tables):
    runs = tables["mlenergy"].assign(model_id="made/up-9B")
    with pytest.raises(InputError, match="no name or alias made/up-9B"):
        rows(**(tables | {"mlenergy": runs}))
