"""Tables of a log's answer."""

import json
import tracemalloc
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from inference_energy.drawing import described, save
from inference_energy.errors import InputError
from inference_energy.requests import answers, figures
from inference_energy.requests.energies import Serving, energies, steps, total
from inference_energy.requests.flight import in_flight
from inference_energy.requests.formats import HIDDEN
from inference_energy.requests.log import find_files
from inference_energy.tables import read_table, write_table
from library.requests.by_itself import by_itself
from library.requests.grouped import by_hour, by_tenant
from library.requests.loaded import with_load


def test_hours_are_those_of_their_requests(answered, rows):
    serving, counts, table = answered
    whole = total(serving.factor, table)["p50"]
    hours = by_hour(serving, counts, table, whole)
    assert hours["energy_wh_p50"].sum() == pytest.approx(whole, rel=1e-9)
    for hour, own in rows.groupby(rows["start"].dt.floor("h")):
        (row,) = hours[hours["hour"] == hour.strftime("%Y-%m-%dT%H:00Z")].to_dict("records")
        expected = total(serving.factor, by_itself(serving, own))
        assert row["requests"] == len(own)
        assert row["energy_wh_p50"] == pytest.approx(expected["p50"], rel=2e-3)


@pytest.mark.parametrize("name", ["hours", "tenants"])
def test_every_group_of_requests_has_its_rates(answered, name):
    serving, counts, table = answered
    of_cells = answers.rates(serving, counts["lengths"], table)
    groups = counts[name].assign(model=counts[name]["model"].fillna(""))[of_cells.index.names]
    assert set(groups.itertuples(index=False, name=None)) == set(of_cells.index)


def test_a_log_of_which_no_start_is_a_time_has_no_hours(answered, tmp_path):
    serving, counts, table = answered
    none = by_hour(serving, counts | {"hours": counts["hours"].iloc[:0]}, table)
    write_table(none, tmp_path / "by_hour.csv", "requests_by_hour")
    assert (tmp_path / "by_hour.csv").read_text().count("\n") == 1


def test_tenants_are_numbered_unless_they_may_be_named(answered, rows):
    serving, counts, table = answered
    numbered, named = (by_tenant(serving, counts, table, flag) for flag in (False, True))
    assert set(numbered["tenant"]) == {"tenant 1", "tenant 2", "not stated"}
    assert set(named["tenant"]) == {"one", "two", "not stated"}
    assert named["tenant"].iloc[0] == "two"
    assert named["energy_wh_p50"].is_monotonic_decreasing
    own = by_itself(serving, rows[rows["tenant"] == "one"])
    (one,) = named[named["tenant"] == "one"]["energy_wh_p50"]
    assert one == pytest.approx(total(serving.factor, own)["p50"], rel=2e-3)


def test_many_tenants_are_summed_behind_the_largest(answered, monkeypatch):
    serving, counts, table = answered
    monkeypatch.setattr(answers, "TENANTS", 1)
    short = by_tenant(serving, counts, table, True)
    assert short["tenant"].tolist() == ["two", "2 others"]
    assert short["requests"].sum() == counts["lengths"]["n"].sum()


def test_percentiles_are_those_of_the_requests(answered, rows):
    serving, counts, _ = answered
    members = serving.members("ours")[0]
    assert set(members.values()) == {1 / 3}
    # every third of the requests to the blend is one of its models'
    charged = [by_itself(replace(serving, names={"ours": name}), rows) for name in members]
    energy = np.concatenate([table["energy"] for table in charged])
    found = answers.percentiles(serving, steps(serving, counts["lengths"])).set_index("percentile")
    middle = np.exp(serving.factor.mu)
    for percentile in (5, 25, 50, 75, 95):
        expected = np.percentile(energy, percentile) * middle
        assert found["energy_wh_p50"][percentile] == pytest.approx(expected, rel=2e-3)
    assert found["energy_wh_p50"].is_monotonic_increasing
    assert found["energy_share_above"].is_monotonic_decreasing


@pytest.mark.parametrize(("share", "within"), [(0.0, 4e-3), (0.6, 2e-2)])
def test_percentiles_of_answers_that_are_much_alike(share, within, paper, count, tmp_path):
    """Most lie in few cells, which are wide where input is cached."""
    random = np.random.default_rng(5)
    lengths = {"input_tokens": random.lognormal(7, 1.2, 50_000).astype(int)}
    lengths["output_tokens"] = random.lognormal(5.7, 0.3, 50_000).astype(int)
    lengths["cached_tokens"] = (share * lengths["input_tokens"]).astype(int)
    rows = pd.DataFrame(lengths).assign(model=paper.models[0].name)
    rows.to_parquet(tmp_path / "log.parquet")
    serving, counts = Serving.of_method(paper, {}), count(tmp_path / "log.parquet")
    found = answers.percentiles(serving, steps(serving, counts["lengths"]))
    expected = np.percentile(by_itself(serving, rows)["energy"], found["percentile"])
    ratio = found["energy_wh_p50"] / (expected * np.exp(serving.factor.mu))
    assert ratio.to_numpy() == pytest.approx(1, abs=within)
    if share:
        assert abs(ratio - 1).max() > 4e-3


def test_long_and_rest_are_everything(answered, settings):
    serving, counts, table = answered
    long_from = settings["long_from"]["value"]
    found = answers.long_against_rest(serving, counts["lengths"], table, long_from)
    assert found["requests"].sum() == counts["lengths"]["n"].sum()
    assert found["energy_share"].sum() == pytest.approx(1)
    assert found["request_share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("cached", [0, 500])
def test_long_requests_are_those_of_so_many_output_tokens(cached, settings, paper, count, tmp_path):
    """A cell that the edge lies in is no request's reason to be long or not."""
    long_from = settings["long_from"]["value"]
    rows = pd.DataFrame({"input_tokens": 1000, "output_tokens": np.arange(900, 1600)})
    rows.assign(cached_tokens=cached).to_parquet(tmp_path / "log.parquet")
    lengths, serving = count(tmp_path / "log.parquet")["lengths"], Serving.of_method(paper, {})
    table = energies(serving, lengths)
    found = answers.long_against_rest(serving, lengths, table, long_from).set_index("requests_of")
    long = rows["output_tokens"] >= long_from
    assert found["requests"].to_dict() == {"long": long.sum(), "rest": (~long).sum()}
    one_by_one = by_itself(serving, rows.assign(cached_tokens=cached, model=None))
    expected = total(serving.factor, one_by_one[long])["p50"]
    assert found["energy_wh_p50"]["long"] == pytest.approx(expected, rel=1e-5)


def test_the_papers_query_stands_beside_the_logs(answered, paper):
    serving, counts, _ = answered
    lengths = counts["lengths"]
    found = answers.medians(serving, paper, "the paper", lengths, steps(serving, lengths))
    assert found["energy_wh_p50"].iloc[0] == pytest.approx(0.309, abs=5e-4)
    assert found["output_tokens"].iloc[1] == 300


MEASURED = pd.DataFrame(
    {"model": ["a", None], "mean": [1.0, 2], "seen_by_request": [6.0, 2], "largest": [9.0, 9]}
)


@pytest.mark.parametrize(
    ("load", "copies", "expected"),
    [
        (None, 1, {}),
        (5, 2, {"a": 5, "b": 5, None: 5}),
        ("measured", 1, {"a": 6, None: 2}),
        ("measured", 4, {"a": 1.5, None: 1}),
    ],
)
def test_the_load_is_the_stated_or_the_measured_one(load, copies, expected):
    asked = {"load": load, "copies": copies}
    assert answers.loads(asked, ["a", "b", np.nan], MEASURED) == expected


def measured_loads(serving, flight, models):
    """What is in flight by hour, and by model, of changes that are a frame."""
    with duckdb.connect() as connection:
        connection.register("flight", flight)
        connection.execute("CREATE TABLE moments (model VARCHAR, time BIGINT, change BIGINT)")
        return answers.measured_loads(serving, connection, models, pd.Series([0]))


def test_names_that_are_one_model_share_its_copies(paper):
    """Two names of one model, each with a request in flight all the time, are two on a copy."""
    known = paper.models[0].name
    names = [known, known.lower().replace(" ", "-"), "ours", "theirs", None]
    of = {"remaining": [10**7, -(10**7)], "time": [0, 60], "change": [1, -1], "own": [0, 0]}
    rows = pd.concat([pd.DataFrame(of).assign(model=name) for name in names], ignore_index=True)
    flying, found = measured_loads(Serving.of_method(paper, {}), rows, names)
    seen = dict(zip(found["model"].fillna(""), found["seen_by_request"], strict=True))
    assert seen == {names[0]: 2, names[1]: 2, "ours": 1, "theirs": 1, "": 1}
    assert flying.to_dict() == {0: pytest.approx(5 * 60 / 360)}
    one = Serving(paper, {known: 1.0}, known, {})
    assert set(measured_loads(one, rows, names)[1]["seen_by_request"]) == {5}


def test_the_load_of_a_log_that_names_no_model_is_measured(paper):
    rows = pd.DataFrame({"model": [None], "time": 0, "change": 5, "remaining": 10**7 * 5, "own": 0})
    _, measured = measured_loads(Serving.of_method(paper, {}), rows.astype({"model": str}), [None])
    asked = {"load": "measured", "copies": 1}
    assert answers.loads(asked, [None], measured) == {None: 5.0}


def test_many_models_of_a_long_log_take_no_more_memory_than_few(paper):
    """A year of twenty models has sixty million times at which what is in flight can change."""
    serving, peaks = Serving.of_method(paper, {}), []
    one = pd.DataFrame({"time": np.arange(0, 200_000, 2), "change": 0, "remaining": 5, "own": 1})
    for count in (2, 8):
        names = [f"model {number}" for number in range(count)]
        rows = pd.concat([one.assign(model=name) for name in names], ignore_index=True)
        tracemalloc.start()
        try:
            assert len(measured_loads(serving, rows, names)[1]) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    ("more", "missing"),
    [((True, True, False), 0), ((True, True), 2), ((True, None), 1), ((None, None), 0)],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_pages_of_which_none_is_the_last_are_told(count, tmp_path, more, missing, parts):
    """Of some pages, as of a script that asks for the first alone, the rest is missing."""
    bucket = {"input_tokens": 120, "output_tokens": 30, "num_model_requests": 2, "model": "a"}
    (tmp_path / "log").mkdir()
    for number, one in enumerate(more):
        says = {} if one is None else {"has_more": one, "next_page": "page_2" if one else None}
        of_page = {"data": [{"start_time": 1740823200, "results": [bucket]}]} | says
        (tmp_path / "log" / f"{number}.json").write_text(json.dumps(of_page))
    counts = count(tmp_path / "log", parts)
    found = answers.kinds(counts["kinds"]).set_index("kind")["rows"]
    assert found["no last page"] == missing and found["rows"] == len(more)
    assert counts["lengths"]["n"].sum() == 2 * len(more)


@pytest.mark.parametrize(
    ("pages", "missing"),
    [([(1, 2)], 1), ([(1, 2), (2, 2)], 0), ([(1, 1)], 0), ([(1, 0)], 0), ([(1, "two")], 0)],
)
def test_numbered_pages_of_which_none_is_the_last_are_told(count, tmp_path, pages, missing):
    """Pages of LiteLLM say which they are, and of how many."""
    row = {"request_id": "r", "model": "a", "prompt_tokens": 120, "completion_tokens": 30}
    (tmp_path / "log").mkdir()
    for page, last in pages:
        of_page = {"data": [row], "total": 9, "page": page, "page_size": 1, "total_pages": last}
        (tmp_path / "log" / f"{page}.json").write_text(json.dumps(of_page))
    counts = count(tmp_path / "log")
    found = answers.kinds(counts["kinds"]).set_index("kind")["rows"]
    assert found["no last page"] == missing and found["rows"] == len(pages)


def test_models_of_few_requests_are_measured_together(paper, monkeypatch):
    """One by one, five thousand names take minutes."""
    asked = []
    monkeypatch.setattr(answers, "in_flight", lambda own: asked.append(own) or in_flight(own))
    names = [f"model {number}" for number in range(300)]
    of = {"remaining": [10**7, -(10**7)], "time": [0, 60], "change": [1, -1], "own": [0, 0]}
    rows = pd.concat([pd.DataFrame(of).assign(model=name) for name in names], ignore_index=True)
    flying, found = measured_loads(Serving.of_method(paper, {}), rows, names)
    assert len(asked) == 1
    assert sorted(found["model"]) == sorted(names) and (found["seen_by_request"] == 1).all()
    assert flying.to_dict() == {0: pytest.approx(300 * 60 / 360)}


def test_a_log_of_which_no_request_has_both_times_has_no_load(paper):
    none = pd.DataFrame({"model": "a", "time": [0], "change": 0, "remaining": 0, "own": 0}).iloc[:0]
    flying, measured = measured_loads(Serving.of_method(paper, {}), none, ["a"])
    assert flying.to_dict() == {0: 0.0} and measured.empty
    assert answers.loads({"load": "measured", "copies": 1}, ["a"], measured) == {}


def test_what_of_the_energy_is_load(answered, paper, tmp_path):
    _, counts, _ = answered
    lengths, name = counts["lengths"], paper.models[0].name
    serving = Serving.of_method(with_load(paper), {}).at({name: 16.0, "ours": 16.0})
    table = energies(serving, lengths)
    found = answers.load_table(serving, lengths, table).set_index("model")
    known = found.loc[name]
    assert known["load_share"] == pytest.approx(0.75)
    assert known["energy_wh_p50"] == pytest.approx(4 * known["energy_wh_at_best"])
    assert known["on_a_copy"] == 16 and np.isnan(known["mean"])
    assert found.loc["ours"].isna().all()
    at_best = serving.at({name: np.inf})
    best = answers.load_table(at_best, lengths, energies(at_best, lengths)).set_index("model")
    assert best.loc[name, "load_share"] == 0 and np.isnan(best.loc[name, "on_a_copy"])
    write_table(found.reset_index(), tmp_path / "load.csv", "requests_load")
    assert len(read_table(tmp_path / "load.csv", "requests_load")) == 2


def test_the_load_of_requests_without_a_model_is_told(answered):
    serving, counts, table = answered
    lengths = counts["lengths"].assign(model=counts["lengths"]["model"].replace("ours", None))
    found = answers.load_table(serving, lengths, table, MEASURED).set_index("model")
    assert found.loc["not stated", "largest"] == 9
    assert found.drop("not stated").isna().all(axis=None)


def test_a_log_of_which_nothing_counts_is_refused():
    kinds = pd.DataFrame({"kind": ["rows", "negative"], "n": [3, 3]})
    with pytest.raises(
        InputError, match=r"no row counts, read by the format plain .*negative: 3\); see"
    ):
        answers.check_any(pd.DataFrame(), kinds, "plain")
    kinds = pd.DataFrame({"kind": ["rows", "no tokens"], "n": [3, 3]})
    with pytest.raises(InputError, match=r"no tokens: 3\); .* without decimals"):
        answers.check_any(pd.DataFrame(), kinds, "plain")


def test_a_log_without_output_is_refused_where_input_is_charged_nothing(paper, count, tmp_path):
    """A thousand embeddings of 1,039,447 tokens needed 0 Wh."""

    def free(*rows):
        (tmp_path / "log.csv").write_text("\n".join(["input_tokens,output_tokens", *rows, ""]))
        lengths = count(tmp_path / "log.csv")["lengths"]
        table = energies(Serving.of_method(paper, {}), lengths)
        return answers.free(lengths, table, "log.csv, a method")

    with pytest.raises(InputError) as refused:
        free("300,0", "200,0", "0,0")
    (told,) = refused.value.problems
    assert told.startswith("key log: all 3 requests have 0 output tokens, and 500 input tokens")
    assert "the throughput law of log.csv, a method charges nothing" in told
    assert "method=revised" in told
    assert free("300,0", "200,0", "0,0", "300,5") == 2
    assert free("300,5") == 0


def test_requests_without_output_need_energy_where_input_is_charged(answered):
    _, counts, table = answered
    assert answers.free(counts["lengths"], table.assign(energy=1e-9), "a log") == 0


def test_tables_meet_their_schemas(answered, paper, settings, tmp_path):
    serving, counts, table = answered
    lengths = counts["lengths"]
    tables = {
        "by_model": answers.by_model(serving, lengths, table),
        "by_hour": by_hour(serving, counts, table),
        "by_tenant": by_tenant(serving, counts, table, False),
        "parts": answers.parts(serving, lengths, table),
        "kinds": answers.kinds(counts["kinds"]),
        "examples": answers.examples(counts["examples"], counts["examples"]["file"].unique()),
        "medians": answers.medians(serving, paper, "the paper", lengths, steps(serving, lengths)),
    }
    for name, frame in tables.items():
        write_table(frame, tmp_path / f"{name}.csv", f"requests_{name}")
        if len(frame):
            assert len(read_table(tmp_path / f"{name}.csv", f"requests_{name}")) == len(frame)


def test_examples_of_any_number_of_tokens_can_be_written(count, tmp_path):
    """The run would end at its last step, with nothing written."""
    cells = ["1e300", "-1e300", str(2**63 - 1), str(2**53 + 1), "1e16"]
    rows = "".join(f"{cell},5\n" for cell in cells)
    (tmp_path / "log.csv").write_text(f"input_tokens,output_tokens\n{rows}7,5\n")
    least = {"input_tokens": np.array([-(2**63)]), "output_tokens": [5]}
    pd.DataFrame(least).to_parquet(tmp_path / "log.parquet")
    for name, largest in (("log.csv", 1e15), ("log.parquet", -1e15)):
        found = answers.examples(count(tmp_path / name)["examples"], [str(tmp_path / name)])
        write_table(found, tmp_path / "examples.csv", "requests_examples")
        assert (
            read_table(tmp_path / "examples.csv", "requests_examples")["input_tokens"].iloc[0]
            == largest
        )


def test_examples_of_partitions_of_one_name_are_told_apart(count, tmp_path):
    """Folders of partitions can name a tenant, so that their files are numbered instead."""
    for name in ("tenant=acme/part-0.csv", "tenant=beta/part-0.csv", "other.csv"):
        (tmp_path / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / name).write_text("input_tokens,output_tokens\n-1,5\n")
    found = count(tmp_path / "log")["examples"]
    files = find_files(str(tmp_path / "log"))
    table = answers.examples(found, files)
    assert sorted(table["file"]) == ["other.csv", "part-0.csv (1 of 2)", "part-0.csv (2 of 2)"]
    write_table(table, tmp_path / "examples.csv", "requests_examples")
    assert len(read_table(tmp_path / "examples.csv", "requests_examples")) == 3


def test_a_model_named_as_another_row_is_told_apart(answered):
    serving, counts, _ = answered
    names = ["all", "not stated", "all (model)", None]
    rows = [counts["lengths"].head(5).assign(model=name) for name in names]
    lengths = pd.concat(rows, ignore_index=True)
    table = energies(serving, lengths)
    told = {"all (model) (1 of 2)", "all (model) (2 of 2)", "not stated (model)", "not stated"}
    by_model = answers.by_model(serving, lengths, table)["model"]
    assert set(by_model) == told | {"all"} and by_model.is_unique
    parts = answers.parts(serving, lengths, table).set_index(["model", "part"])
    assert parts.index.is_unique and parts.loc["all", "energy_wh_p50"].ndim == 1


def test_addresses_of_models_are_not_told(answered, paper):
    serving, counts, _ = answered
    names = ["carol@example.net", "dan@example.net", "claude-3-5@20241022", None]
    rows = [counts["lengths"].head(5).assign(model=name) for name in names]
    lengths = pd.concat(rows, ignore_index=True)
    table = energies(serving, lengths)
    told = ["... (1 of 2)", "... (2 of 2)", "claude-3-5@20241022", "not stated"]
    found = {
        "by_model": answers.by_model(serving, lengths, table),
        "parts": answers.parts(serving, lengths, table),
        "load": answers.load_table(serving, lengths, table),
    }
    for name, frame in found.items():
        assert set(frame["model"]) - {"all"} == set(told), name
        assert "example" not in frame.to_csv(), name
    named = answers.model_names(lengths["model"])
    assert [named[name] for name in names] == told


def test_what_looks_like_a_key_is_no_name_in_results(answered):
    """As of a proxy that takes what it cannot tell for the model, or a key for the tenant."""
    serving, counts, table = answered
    keys = [f"sk-proj-{number}aB3dE5gH7jK9mN1pQ3s" for number in range(2)] + ["Bearer hf_abc"]
    names = [*keys, "sk-learn", "x" * 195 + " " + keys[0]]
    told = [f"{HIDDEN} ({number} of 4)" for number in range(1, 5)]
    rows = [counts["lengths"].head(5).assign(model=name) for name in names]
    lengths = pd.concat(rows, ignore_index=True)
    by_model = answers.by_model(serving, lengths, energies(serving, lengths))
    assert set(by_model["model"]) == {"all", "sk-learn", *told}
    first = counts["tenants"].head(1)
    tenants = pd.concat([first.assign(tenant=name) for name in names], ignore_index=True)
    named = by_tenant(serving, counts | {"tenants": tenants}, table, True)
    assert set(named["tenant"]) == {"sk-learn", *told}
    assert answers.file_names([f"log/{keys[0]}.csv"]).tolist() == [HIDDEN]


ODD_NAMES = ["two\nlines", "\x1b[31mred", "\u200b", "m\u2028", "\u3000all", "a\0b", "x" * 200_000]
"""Names that no cell of a table or no figure can hold as they are."""


def test_odd_names_of_models_are_in_tables_and_figures_that_can_be_read(answered, tmp_path):
    serving, counts, _ = answered
    rows = [counts["lengths"].head(5).assign(model=name) for name in ODD_NAMES]
    lengths = pd.concat(rows, ignore_index=True)
    table = energies(serving, lengths)
    told = {"two lines", "?[31mred", "?", "m", "all (model)", "a?b", "x" * 200 + "..."}
    found = {
        "by_model": answers.by_model(serving, lengths, table),
        "parts": answers.parts(serving, lengths, table),
        "load": answers.load_table(serving, lengths, table),
    }
    for name, frame in found.items():
        assert set(frame["model"]) - {"all"} == told, name
        write_table(frame, tmp_path / f"{name}.csv", f"requests_{name}")
    save(figures.parts(found["parts"]), tmp_path / "parts.svg")
    assert "[31mred" in described(tmp_path / "parts.svg")


def test_odd_names_of_tenants_are_in_a_table_that_can_be_read(answered, tmp_path):
    serving, counts, table = answered
    first = counts["tenants"].head(1)
    names = [*ODD_NAMES, "m", "not stated", None]
    tenants = pd.concat([first.assign(tenant=name) for name in names], ignore_index=True)
    found = by_tenant(serving, counts | {"tenants": tenants}, table, True)
    write_table(found, tmp_path / "by_tenant.csv", "requests_by_tenant")
    assert {"m (1 of 2)", "m (2 of 2)", "not stated (tenant)", "not stated"} < set(found["tenant"])
    assert found["tenant"].is_unique and len(found) == len(names)


def test_a_log_without_a_token_is_refused():
    kinds = pd.DataFrame({"kind": ["rows"], "n": [2000]})
    lengths = pd.DataFrame({"n": [2000], "input": [0], "output": [0]})
    with pytest.raises(InputError, match="all 2000 requests have 0 input and 0 output tokens"):
        answers.check_any(lengths, kinds, "plain")
    answers.check_any(lengths.assign(input=1), kinds, "plain")
