"""What differs between two methods, and which setting moves the headline."""

from copy import deepcopy
from itertools import permutations
from math import log, prod
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.comparison import figures
from inference_energy.comparison.attribution import attribution, exact_medians, owen, shapley
from inference_energy.comparison.compare import comparison, flips, moved
from inference_energy.comparison.page import comparison_page
from inference_energy.errors import InputError
from inference_energy.method.differences import differences, differing, with_settings
from inference_energy.method.files import resolve
from inference_energy.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "config/methods").glob("*.yaml")
}
V1, V2 = resolve("oviedo2025", FILES), resolve("oviedo2026", FILES)
PAPER = read_table(ROOT / "data/throughput/oviedo.csv", "throughput")


def paper(method):
    """Return what every method here is built from."""
    return {"table": PAPER}


def factors(**values):
    """Return a synthetic method with one fixed quantity per section."""
    return {
        name: {"value": value, "unit": "1", "source": f"source of {name}"}
        for name, value in values.items()
    }


def product(method):
    return {"headline": prod(quantity["value"] for quantity in method.values())}


def shares_of(frame, statistic, part=""):
    lines = frame[(frame["statistic"] == statistic) & ((frame["part"] != "") == bool(part))]
    return dict(zip(lines["part" if part else "setting"], lines["value"], strict=True))


positive = st.floats(0.01, 100)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=5))
def test_shares_of_a_product_are_the_logarithms_of_its_factors(pairs):
    base = factors(**{f"f{i}": a for i, (a, _) in enumerate(pairs)})
    head = factors(**{f"f{i}": b for i, (_, b) in enumerate(pairs)})
    expected = {f"f{i}": log(b / a) for i, (a, b) in enumerate(pairs) if a != b}
    shares, interactions, _ = attribution(base, head, product)
    for statistic in ("from base", "from head", "shapley"):
        found = shares_of(shares, statistic)
        assert found == pytest.approx(expected, abs=1e-12)
    assert interactions["value"].abs().max() < 1e-12 or interactions.empty


def test_an_interacting_pair_shares_its_interaction_equally():
    def value(method):
        a, b = (method[name]["value"] for name in ("a", "b"))
        return {"headline": np.exp(2 * a + 3 * b + 5 * a * b)}

    shares, interactions, ends = attribution(factors(a=0, b=0), factors(a=1, b=1), value)
    assert shares_of(shares, "from base") == pytest.approx({"a": 2, "b": 3})
    assert shares_of(shares, "from head") == pytest.approx({"a": 7, "b": 8})
    assert shares_of(shares, "shapley") == pytest.approx({"a": 4.5, "b": 5.5})
    assert interactions["value"].tolist() == pytest.approx([5])
    assert ends["head"].tolist() == pytest.approx([np.exp(10)])


def game(weights):
    """Any game of the players 0, 1, ...: a number for each subset."""
    return lambda chosen: weights[sum(1 << player for player in chosen)]


@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16))
def test_shapley_is_the_mean_over_all_orders_and_sums_to_the_whole(weights):
    value = game(weights)
    found = shapley(range(4), value)
    assert sum(found.values()) == pytest.approx(weights[15] - weights[0], abs=1e-12)
    marginal = [
        value(frozenset(order[: order.index(0) + 1])) - value(frozenset(order[: order.index(0)]))
        for order in permutations(range(4))
    ]
    assert found[0] == pytest.approx(np.mean(marginal), abs=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16))
def test_parts_add_up_to_their_setting(weights):
    value = game(weights)
    groups = {"a": [0, 1], "b": [2], "c": [3]}

    def quotient(chosen):
        return value(frozenset(member for group in chosen for member in groups[group]))

    parts = owen(groups, "a", value)
    assert sum(parts.values()) == pytest.approx(shapley(groups, quotient)["a"], abs=1e-12)


def test_node_power_is_the_whole_story_from_v1_to_v2():
    assert differing(V1, V2) == {
        "node_power": [("node_power", "default"), ("node_power", "models", "DeepSeek-R1")]
    }
    shares, _, ends = attribution(V1, V2, exact_medians(paper))
    for end in ends.to_dict("records"):
        own = shares[shares["headline"] == end["headline"]]
        change = log(end["head"] / end["base"])
        assert shares_of(own, "shapley") == pytest.approx({"node_power": change}, abs=1e-12)
        assert sum(shares_of(own, "shapley", "parts").values()) == pytest.approx(change, abs=1e-12)
    # both node powers fall to about 0.905 of what they were
    assert (ends["head"] / ends["base"]).between(10.2 / 11.3, 12.8 / 14.1).all()


def test_two_percentiles_of_a_quantity_are_one_setting():
    head = deepcopy(V2)
    head["pue"] |= {"p5": 1.1, "p95": 1.3}
    assert differing(V2, head) == {"pue": [("pue",)]}
    lines = differences(V2, head)
    assert lines["path"].tolist() == ["pue.p5", "pue.p95"]
    assert lines["base"].tolist() == ["1.05", "1.6"]
    assert lines["unit"].tolist() == ["1", "1"]


def test_sources_and_order_of_names_are_no_difference():
    head = deepcopy(V2)
    head["pue"]["source"] = "elsewhere"
    base = deepcopy(V2)
    base["benchmarks"]["precision"] = ["FP8", "FP4"]
    head["benchmarks"]["precision"] = ["FP4", "FP8"]
    assert differing(base, head) == {}
    assert attribution(V2, V2, exact_medians(paper))[0].empty


def test_a_quantity_that_only_one_method_states_comes_and_goes():
    head = deepcopy(V2)
    head["node_power"]["models"] = {}
    (path,) = differing(V2, head)["node_power"]
    assert with_settings(V2, head, [path])["node_power"] == head["node_power"]
    assert with_settings(head, V2, [path])["node_power"] == V2["node_power"]
    assert differences(V2, head)["head"].isna().all()


def test_settings_that_cannot_be_mixed_are_joined():
    head = deepcopy(V2)
    head["benchmarks"]["table"] = "few.csv"
    head["blend"]["models"] = 1

    def tables(method):
        few = method["benchmarks"]["table"] == "few.csv"
        return {"table": PAPER[PAPER["model"] == "Llama 3.1 405B"] if few else PAPER}

    shares, _, ends = attribution(V2, head, exact_medians(tables))
    own = shares[shares["headline"] == "long median"]
    (end,) = ends[ends["headline"] == "long median"].to_dict("records")
    joined = {"benchmarks + blend": log(end["head"] / end["base"])}
    assert shares_of(own, "shapley") == pytest.approx(joined, abs=1e-12)


def test_a_method_without_enough_models_is_refused():
    head = deepcopy(V2)
    head["benchmarks"]["sources"] = ["nobody"]
    with pytest.raises(InputError, match="0 models"):
        attribution(V2, head, exact_medians(paper))


FLEET = pd.DataFrame(
    {
        "engine": "exact",
        "scenario": ["traditional", "long"],
        "pathway": "baseline",
        "statistic": "p50",
        "value": [2.0, 8.0],
        "unit": "GWh/day",
    }
)


def test_results_that_move_have_their_ratio_and_the_others_are_counted():
    found, same = moved("fleet", FLEET, FLEET.assign(value=[2.0, 6.0]))
    assert same == 1
    assert found["item"].tolist() == ["engine=exact; scenario=long; pathway=baseline"]
    assert found[["statistic", "base", "head", "ratio"]].to_numpy().tolist() == [
        ["p50", 8, 6, 0.75]
    ]
    found, same = moved("fleet", FLEET, FLEET.iloc[:1])
    assert (same, found["base"].tolist(), found["ratio"].isna().all()) == (1, [8.0], True)


def claims(*verdicts):
    return pd.DataFrame(
        {
            "claim": [name for name, _ in verdicts],
            "engine": "published",
            "verdict": [verdict for _, verdict in verdicts],
        }
    )


BASE_CLAIMS = claims(("a", "reproduced"), ("b", "reproduced"), ("c", "not testable"))
HEAD_CLAIMS = claims(("a", "reproduced"), ("b", "not reproduced"), ("d", "reproduced"))


def test_a_verdict_flips_only_where_both_methods_have_one():
    assert flips(BASE_CLAIMS, HEAD_CLAIMS).to_numpy().tolist() == [
        ["b", "reproduced", "not reproduced"]
    ]


def whole(head=V1, base=V2):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    other = {"fleet": FLEET.assign(value=[2.0, 6.0]), "claims": HEAD_CLAIMS}
    return comparison(base, head, results, other, exact_medians(paper))


def test_the_comparison_is_a_valid_table_and_page(tmp_path):
    write_table(whole(), tmp_path / "c.csv", "comparison")
    table = read_table(tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {
        *("headline", "attribution", "part", "setting", "verdict", "unchanged", "result")
    }
    page = comparison_page(table, "v2", "v1")
    assert "| traditional median | `node_power` |" in page
    assert "| 100.0 % |" in page
    assert "## Verdicts that flip: 1" in page
    assert "### fleet: 1 move, 1 do not" in page


def test_the_same_method_twice_gives_an_empty_comparison(tmp_path):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    table = comparison(V2, V2, results, results, exact_medians(paper))
    write_table(table, tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {"headline", "unchanged"}
    assert "No setting differs." in comparison_page(table, "v2", "v2")


def test_the_waterfall_goes_from_base_to_head_and_parts_fill_their_setting():
    bars = figures.steps(whole(), "long median")
    labels = [label for label, *_ in bars]
    assert labels == ["base", "node_power", "default", "models.DeepSeek-R1", "head"]
    (_, _, base, _), (_, start, stop, _), first, second, (_, _, head, _) = bars
    assert start == base
    assert stop == pytest.approx(head)
    assert (first[1], second[2]) == (start, pytest.approx(stop))
    assert [bar[3] for bar in bars] == [False, False, True, True, False]
