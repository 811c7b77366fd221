"""Which setting moves the headline: shares that add up to the whole."""

from copy import deepcopy
from itertools import permutations
from math import log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.comparison.attribution import attribution, owen, shapley
from inference_energy.comparison.medians import ExactMedians
from inference_energy.errors import InputError
from inference_energy.method.differences import differing
from library.comparison.methods import PAPER, V1, V2, paper


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
    shares, _, ends = attribution(V1, V2, ExactMedians(paper))
    for end in ends.to_dict("records"):
        own = shares[shares["headline"] == end["headline"]]
        change = log(end["head"] / end["base"])
        assert shares_of(own, "shapley") == pytest.approx({"node_power": change}, abs=1e-12)
        assert sum(shares_of(own, "shapley", "parts").values()) == pytest.approx(change, abs=1e-12)
    # both node powers fall to about 0.905 of what they were
    assert (ends["head"] / ends["base"]).between(10.2 / 11.3, 12.8 / 14.1).all()


def test_settings_that_cannot_be_mixed_are_joined():
    head = deepcopy(V2)
    head["benchmarks"]["table"] = "few.csv"
    head["blend"]["models"] = 1

    def tables(method):
        few = method["benchmarks"]["table"] == "few.csv"
        return {"table": PAPER[PAPER["model"] == "Llama 3.1 405B"] if few else PAPER}

    shares, _, ends = attribution(V2, head, ExactMedians(tables))
    own = shares[shares["headline"] == "long median"]
    (end,) = ends[ends["headline"] == "long median"].to_dict("records")
    joined = {"benchmarks + blend": log(end["head"] / end["base"])}
    assert shares_of(own, "shapley") == pytest.approx(joined, abs=1e-12)


def test_a_method_without_enough_models_is_refused():
    head = deepcopy(V2)
    head["benchmarks"]["sources"] = ["nobody"]
    with pytest.raises(InputError, match="0 models"):
        attribution(V2, head, ExactMedians(paper))
