"""Energy, cost and carbon of a deployment."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.deployments import answers, build, files
from inference_energy.method.lengths import FixedLength
from inference_energy.tables import write_table
from library.deployments.made_up import (
    FIXED,
    HOST,
    LADDER,
    SCHEMAS,
    WHERE,
    bench,
    own,
    quantity,
    refusal,
    resolved,
)
from repository import METHOD_FILES, ROOT, read


def test_energy_by_hand():
    """All factors fixed and one shape: E = PUE P L / (3.6 TPS), so every token costs the same."""
    method = resolved(keys=FIXED)
    found = build.build(method, bench([(500, 300, 1000)], node_power_w=6000.0), WHERE)
    token = 1.5 * 6.0 / 3.6 / 1000  # Wh
    tokens = answers.energy_per_million_tokens(found)
    assert tokens["value"].to_numpy() == pytest.approx(token * 1e6 / 1e3)
    day = answers.per_day(found).set_index(["quantity", "regime", "statistic"])["value"]
    total = day["output tokens", "all", "mean"] * token / 1e3
    assert day["queries", "long", "mean"] == 250
    for statistic in ("mean", "p5", "p95"):
        assert day["energy", "all", statistic] == pytest.approx(total)
        assert day["cost", "all", statistic] == pytest.approx(total * 0.1)
        assert day["carbon", "all", statistic] == pytest.approx(total * 0.4)
    busy = day["output tokens", "all", "mean"] / 1000 / 86400
    assert day["nodes", "all", "mean"] == pytest.approx(busy)
    assert found.runs["energy_wh"].item() == pytest.approx(300 * token)
    by_length = answers.energy_by_length(found)
    per_token = by_length["energy_wh"] / by_length["output_tokens"]
    assert per_token.to_numpy() == pytest.approx(token, rel=1e-9)


def test_a_day_of_one_length_on_two_nodes_by_hand():
    """The exponential lengths of the regimes have a spread that is their mean."""
    runs = bench([(500, 300, 1000)], node_power_w=6000.0, n_gpus=16)
    found = build.build(resolved(keys=FIXED), runs, WHERE)
    same = {
        name: replace(regime, output_tokens=FixedLength(300))
        for name, regime in found.regimes.items()
    }
    table = answers.per_day(replace(found, regimes=same))
    day = table.set_index(["quantity", "regime", "statistic"])["value"]
    queries = day["queries", "all", "mean"]
    assert day["output tokens", "all", "mean"] == pytest.approx(300 * queries)
    assert day["nodes", "all", "mean"] == pytest.approx(2 * 300 * queries / 1000 / 86400)


@pytest.mark.parametrize(("inputs", "told"), [((500, 900), 0), ((500, None), 0), ((None, None), 1)])
def test_an_input_that_some_runs_tell_is_known(inputs, told):
    runs = bench([(length, 300, 1000) for length in inputs], node_power_w=6000.0)
    method = resolved(keys=FIXED)
    facts = answers.assumptions(method, list(FIXED), build.build(method, runs, WHERE))["fact"]
    assert (facts == "input tokens of the benchmark").sum() == told


def test_a_day_adds_up_and_its_range_holds_the_mean():
    found = build.build(resolved(), bench(LADDER), WHERE)
    table = answers.per_day(found)
    day = table.set_index(["quantity", "regime", "statistic"])["value"]
    for quantity_ in ("queries", "output tokens", "nodes", "energy", "cost", "carbon"):
        parts = [day[quantity_, regime, "mean"] for regime in ("traditional", "long", "all")]
        assert parts[0] + parts[1] == pytest.approx(parts[2])
    assert day["energy", "all", "p5"] < day["energy", "all", "mean"] < day["energy", "all", "p95"]
    assert set(table.loc[table["quantity"] == "cost", "unit"]) == {"EUR/day"}
    assert set(table.loc[table["quantity"] == "carbon", "unit"]) == {"kgCO2e/day"}


def test_a_day_of_more_than_a_table_holds_is_refused_by_its_key():
    queries = {"queries_per_day": quantity(1e14, "queries/day"), "long_share": quantity(0.1, "1")}
    found = build.build(resolved(traffic=queries), bench(LADDER), WHERE)
    told = refusal(answers.per_day, found, WHERE)
    # a ten-thousandth of it is a number that a table holds
    few = {"queries_per_day": quantity(1e10, "queries/day")}
    held = answers.per_day(build.build(resolved(traffic=queries | few), bench(LADDER), WHERE))
    tokens = 1e4 * float(held.loc[held["quantity"] == "output tokens", "value"].max())
    most = 1e14 * 2**53 / tokens
    assert told == (
        f"{WHERE}: key deployment.traffic.queries_per_day.value: value 1e+14: makes {tokens:.3g}"
        " tokens/day of output tokens; allowed are numbers up to 2^53, beyond which neighbours"
        f" cannot be told apart; state at most {most:.3g}"
    )
    assert refusal(answers.per_day, found) == told.replace(WHERE, "the deployment")
    queries["queries_per_day"] = quantity(0.99 * most, "queries/day")
    answers.per_day(build.build(resolved(traffic=queries), bench(LADDER), WHERE), WHERE)


def test_the_papers_own_rows_give_the_papers_own_answer():
    """A deployment of the paper's rows is the paper's model: same law, power and factors."""
    name = "Llama 3.1 405B"
    rows = read("data/throughput/oviedo.csv", "throughput")
    rows = rows[(rows["model"] == name) & (rows["precision"] == "FP8")]
    runs = bench(
        rows[["input_tokens", "output_tokens", "throughput_tps"]].to_numpy(),
        model=name,
        concurrency=np.nan,
    )
    found = build.build(resolved(model=name), runs, WHERE)
    table = read("results/oviedo2026/energy_per_query.csv", "energy_per_query")
    answer = answers.energy_per_query(found, table, "oviedo2026")
    keys = ["regime", "statistic"]
    papers = table[(table["engine"] == "exact") & (table["subject"] == name)].set_index(keys)[
        "value"
    ]
    mine = answer[answer["subject"] == name].set_index(keys)["value"]
    assert mine.to_dict() == pytest.approx(papers.to_dict(), rel=1e-5)


def test_limits_count_what_lies_outside():
    found = build.build(resolved(), bench(LADDER), WHERE)
    table = answers.limits(found).set_index(["regime", "quantity"])["value"]
    assert table["measured", "shapes"] == 4
    assert table["measured", "output tokens, largest"] == 4500
    outside = table["long", "queries outside the measured lengths"]
    # exponential of median 5000, rounded: below 300 or above 4500 tokens
    expected = 1 - 2 ** (-299.5 / 5000) + 2 ** (-4500.5 / 5000)
    assert outside == pytest.approx(expected, abs=1e-6)
    assert table["traditional", "p95 of output tokens over the longest measured"] < 1


def test_assumptions_tell_measured_stated_and_inherited_apart():
    content = own(keys=FIXED, host_power=HOST)
    method = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    found = build.build(method, bench([(np.nan, 300, 900)], gpu_power_w=4e3), WHERE)
    basis = answers.assumptions(method, list(content), found).set_index("fact")["basis"]
    assert basis["PUE"] == "stated"
    assert basis["output tokens, long"] == "inherited"
    assert basis["accelerator power"] == "measured"
    assert basis["input tokens of the benchmark"] == "assumed"
    unmeasured = build.build(method, bench(LADDER), WHERE)
    facts = answers.assumptions(method, list(content), unmeasured).set_index("fact")
    assert facts.loc["node power", "value"] == "10.2 kW"
    assert "input tokens of the benchmark" not in facts.index


def test_energy_by_length_is_at_the_input_that_queries_have():
    found = build.build(resolved(), bench(LADDER), WHERE)
    table = answers.energy_by_length(found)
    assert list(table) == ["input_tokens", "output_tokens", "energy_wh"]
    assert set(table["input_tokens"]) == {found.regimes["traditional"].input_tokens}
    assert table["energy_wh"].is_monotonic_increasing


def test_power_is_told_with_where_it_was_measured_or_stated():
    content = own(keys=FIXED, host_power=HOST)
    method = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    shape = [(500, 300, 900)]
    for columns, expected in (
        (
            {"node_power_w": 6e3},
            {
                "node power": ("6 kW", "measured"),
                "host power": (
                    f"{answers._quantity(HOST)} per node, not used, as the node was measured",
                    "stated",
                ),
            },
        ),
        (
            {"gpu_power_w": 4e3},
            {
                "accelerator power": ("4 kW", "measured"),
                "host power": (f"{answers._quantity(HOST)} per node", "stated"),
            },
        ),
    ):
        found = build.build(method, bench(shape, **columns), WHERE)
        facts = answers.assumptions(method, list(content), found).set_index("fact")
        told = {name: line for name, line in facts.iterrows() if "power" in name}
        assert {n: (f["value"], f["basis"]) for n, f in told.items()} == expected
        assert set(facts.loc[facts["basis"] == "measured", "source"]) == {"runs.json"}
    named = {"models": {method["deployment"]["model"]: {"value": 9, "unit": "kW", "source": "s"}}}
    own_node = method | {"node_power": method["node_power"] | named}
    unmeasured = build.build(method, bench(shape), WHERE)
    facts = answers.assumptions(own_node, ["node_power"], unmeasured).set_index("fact")
    assert facts.loc["node power"].tolist() == ["9 kW", "stated", "s"]
    assert facts.loc["power utilisation", "basis"] == "inherited"


def test_facts_that_are_stated_beside_the_benchmarks_are_not_called_measured():
    content = own(keys=FIXED, host_power=HOST)
    method = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    for column, fact in (("node_power_w", "node power"), ("gpu_power_w", "accelerator power")):
        found = build.build(method, bench([(500, 300, 900)], **{column: 6e3}), WHERE)
        stated = {column: WHERE, "precision": "facts.yaml"}
        facts = answers.assumptions(method, list(content), found, stated).set_index("fact")
        assert facts.loc[fact, ["basis", "source"]].tolist() == ["stated", WHERE]
        assert facts.loc["configuration", ["basis", "source"]].tolist() == ["stated", "facts.yaml"]
        other = answers.assumptions(method, list(content), found, {"model": WHERE})
        basis = other.set_index("fact")["basis"]
        assert basis[fact] == basis["configuration"] == "measured"


def test_the_places_of_several_stated_facts_are_named_once_each():
    method, found = resolved(), build.build(resolved(), bench(LADDER), WHERE)
    for stated, source in (
        ({"gpu": "b.yaml"}, "b.yaml"),
        ({"n_gpus": "a.yaml"}, "a.yaml"),
        ({"precision": "b.yaml", "gpu": "a.yaml", "n_gpus": "b.yaml"}, "a.yaml, b.yaml"),
    ):
        facts = answers.assumptions(method, [], found, stated).set_index("fact")
        assert facts.loc["configuration", ["basis", "source"]].tolist() == ["stated", source]


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ({"value": 1e6, "unit": "queries/day"}, "1,000,000 queries/day"),
        ({"value": 1.5, "unit": "1"}, "1.5"),
        ({"distribution": "log-normal", "p5": 1, "p95": 2, "unit": "kW"}, "1 to 2 kW (P5 to P95)"),
        (
            {"distribution": "gamma", "median": 300, "shape": 2, "unit": "tokens"},
            "gamma, median 300, shape 2 tokens",
        ),
        (
            {"distribution": "empirical", "longest": 9, "trace": "chat", "unit": "tokens"},
            "empirical, longest 9, chat tokens",
        ),
    ],
)
def test_a_quantity_is_told_in_words(quantity, words):
    assert answers._quantity(quantity) == words


def test_what_was_assumed_is_told_as_such_and_all_files_are_named():
    runs = bench(LADDER, source_file=["b.json", "a.json", "b.json", "b.json"])
    found = replace(build.build(resolved(), runs, WHERE), assumed=(("a", "1 of 2", "c"),))
    facts = answers.assumptions(resolved(), [], found).set_index("fact")
    assert facts.loc["a"].tolist() == ["1 of 2", "assumed", "c"]
    assert facts.loc["configuration", "source"] == "a.json, b.json"


def test_what_is_unusual_is_among_the_assumptions():
    content = own(keys={"pue": FIXED["pue"] | {"value": 2.4}})
    method = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    found = build.build(method, bench(LADDER), WHERE)
    facts = answers.assumptions(method, list(content), found).set_index("fact")
    assert facts.loc["unusual: pue.value", "value"].startswith("value 2.4: unusual; usual is")
    assert facts.loc["unusual: pue.value", "source"] == WHERE
    assert facts.loc["unusual: pue.value", "basis"] == "stated"
    more = replace(found, unusual=(f"{WHERE}: key a.b: value 1: c",))
    facts = answers.assumptions(method, list(content), more).set_index("fact")
    assert facts.loc["unusual: a.b"].tolist() == ["value 1: c", "stated", WHERE]
    assert "unusual: pue.value" in facts.index


def test_a_host_power_beside_runs_without_power_is_told_and_not_used():
    method = resolved(host_power=HOST | {"value": 0.4})
    found = build.build(method, bench(LADDER), WHERE)
    facts = answers.assumptions(method, [], found).set_index("fact")["value"]
    assert (
        facts["host power"] == "0.4 kW per node, not used, as no power of the accelerators counts"
    )
    told = facts["unusual: deployment.host_power"]
    assert told.startswith("unusual; 0.4 kW are stated and not used, as no run has a power")
    rated = method["node_power"]["default"]["value"]
    assert f"charged are the method's {rated:g} kW of a node times its utilisation" in told
    alone = build.build(resolved(), bench(LADDER), WHERE)
    assert "host power" not in answers.assumptions(resolved(), [], alone)["fact"].tolist()


def test_a_key_that_is_unusual_in_two_ways_is_told_twice(tmp_path):
    told = [f"{WHERE}: key a.b: unusual; {what}" for what in ("it is low", "it is late")]
    found = replace(build.build(resolved(), bench(LADDER), WHERE), unusual=(*told, told[0]))
    table = answers.assumptions(resolved(), [], found)
    write_table(table, tmp_path / "assumptions.csv", "assumptions")
    assert files.unusual_told(tmp_path / "assumptions.csv") == told


def make_tables(method, stated, found):
    """Tables of a deployment, and of the law."""
    reference = read("results/oviedo2026/energy_per_query.csv", "energy_per_query")
    return {
        "energy_per_query": answers.energy_per_query(found, reference, "oviedo2026"),
        "energy_per_million_tokens": answers.energy_per_million_tokens(found),
        "per_day": answers.per_day(found),
        "limits": answers.limits(found),
        "assumptions": answers.assumptions(method, stated, found),
    }


def test_the_committed_results_of_the_examples_are_current(example, tmp_path):
    name, method, stated, _, found = example
    for table, frame in make_tables(method, stated, found).items():
        write_table(frame, tmp_path / f"{table}.csv", table)
        fresh = (tmp_path / f"{table}.csv").read_text(encoding="utf-8")
        assert fresh == (ROOT / f"results/deployments/{name}/{table}.csv").read_text(
            encoding="utf-8"
        )


def test_time_beyond_the_measured_lengths_follows_the_law():
    """A throughput that falls with length makes long queries take longer than if it were held."""
    rows = [(500, n, 1e5 * n**-0.5) for n in (300, 1200, 4500)]
    falling = build.build(resolved(), bench(rows), WHERE)
    held = build.build(resolved(), bench(rows[:1]), WHERE)
    key = ("long", "node time if held at the nearest measured length")
    tables = [answers.limits(d).set_index(["regime", "quantity"])["value"] for d in (falling, held)]
    assert tables[0][key] < 0.9
    assert tables[1][key] == pytest.approx(1)
