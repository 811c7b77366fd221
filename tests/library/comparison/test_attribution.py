"""Which setting moves the headline: shares that add up to the whole."""

from copy import deepcopy
from itertools import permutations
from math import log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.comparison.attribution import _joined, attribution, owen, shapley
from inference_energy.comparison.medians import ExactMedians
from inference_energy.errors import InputError
from inference_energy.method.differences import differing
from library.comparison.methods import PAPER, V1, V2, paper
from repository import METHODS, materials


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


def test_settings_none_of_which_differ_are_joined_to_nothing():
    settings = {"pue": [("pue",)], "blend": [("blend",)]}
    assert _joined(settings, {"serving"}) == settings
    assert _joined(settings, {"blend", "pue"}) == {"pue + blend": [("pue",), ("blend",)]}


def test_a_method_without_enough_models_is_refused():
    head = deepcopy(V2)
    head["benchmarks"]["sources"] = ["nobody"]
    with pytest.raises(InputError, match="0 models"):
        attribution(V2, head, ExactMedians(paper))


def settings_of(shares):
    """Settings that have shares, in their order."""
    return list(dict.fromkeys(shares["setting"]))


def changed(names, by=2):
    """Two synthetic methods that differ in these sections, by a factor of two in each."""
    return factors(**dict.fromkeys(names, 1)), factors(**dict.fromkeys(names, by))


def test_what_comes_after_the_headline_is_joined_only_where_more_than_ten_settings_differ():
    plain = [f"f{i}" for i in range(8)]
    base, head = changed([*plain, "fleet", "pathways"])
    assert settings_of(attribution(base, head, product)[0]) == [*plain, "fleet", "pathways"]
    base, head = changed([*plain, "f8", "fleet", "pathways"])
    shares, _, _ = attribution(base, head, product)
    assert settings_of(shares) == [*plain, "f8", "fleet + pathways"]
    expected = dict.fromkeys([*plain, "f8"], log(2)) | {"fleet + pathways": log(4)}
    assert shares_of(shares, "shapley") == pytest.approx(expected)
    assert shares[shares["part"] != ""].empty, "settings that were joined cannot be taken apart"


def test_where_one_method_says_how_its_models_are_served_that_is_one_setting():
    # the blend follows from how models are served where other rows are taken with it
    for chosen, joined in (
        (["benchmarks", "blend"], ["pue", "benchmarks + blend + node_power + serving"]),
        (["blend"], ["pue", "blend", "node_power + serving"]),
        (["benchmarks"], ["pue", "benchmarks", "node_power + serving"]),
        ([], ["pue", "node_power + serving"]),
    ):
        base, head = changed([*chosen, "node_power", "pue"])
        # a section that one method lacks has a quantity that the other does not state
        served = head | factors(serving=3)
        for first, second in ((base, served), (served, base)):
            found, _, _ = attribution(first, second, product)
            assert sorted(settings_of(found), key=len) == joined
        both = attribution(base | factors(serving=2), served, product)
        assert settings_of(both[0]) == [*chosen, "node_power", "pue", "serving"]


@pytest.mark.parametrize("name", ["blend", "benchmarks"])
def test_what_cannot_be_mixed_with_how_models_are_served_is_joined_to_it(name):
    base, head = changed([name, "node_power", "pue"])
    served = head | factors(serving=2)

    def of_one(method):
        if (method[name]["value"] == 2) != ("serving" in method):
            raise InputError("too few models")
        return product(method)

    shares, _, _ = attribution(base, served, of_one)
    joined = f"{name} + node_power + serving"
    assert shares_of(shares, "shapley") == pytest.approx({"pue": log(2), joined: 3 * log(2)})


def test_the_blend_of_a_method_without_serving_is_a_setting_of_its_own():
    """The example of config/README.md, with another PUE and another blend besides."""
    base, traces = METHODS["revised"], materials([METHODS["revised"]])
    plain = base["power_utilisation"] | {"distribution": "fixed", "value": 0.7}
    reference = base["throughput_law"]["reference"]
    law = {"name": "additive", "gpus_per_node": 8, "reference": reference, "source": "a test"}
    head = {key: value for key, value in base.items() if key != "serving"} | {
        "throughput_law": law,
        "power_utilisation": plain,
        "pue": {"distribution": "fixed", "value": 1.3, "unit": "1", "source": "a test"},
        "blend": base["blend"] | {"models": 3},
    }
    shares, _, ends = attribution(base, head, ExactMedians(traces, ["traditional"]))
    whole = shares_of(shares, "shapley")
    assert set(whole) == {"throughput_law + power_utilisation + serving", "pue", "blend"}
    change = log(ends["head"][0] / ends["base"][0])
    assert sum(whole.values()) == pytest.approx(change)
    assert whole["blend"] > 0.1


def test_parts_are_told_of_settings_of_few():
    def several(count, value):
        return {"f": factors(**{f"p{i}": value for i in range(count)}), **factors(g=value)}

    def nested(method):
        return {"headline": prod(part["value"] for part in method["f"].values())}

    for count in (1, 2, 4, 5):
        shares, _, _ = attribution(several(count, 1), several(count, 3), nested)
        parts = [f"f.p{i}" for i in range(count)] if 1 < count <= 4 else []
        expected = dict.fromkeys(parts, log(3))
        for statistic in ("from base", "from head", "shapley"):
            assert shares_of(shares, statistic, "parts") == pytest.approx(expected)
            assert shares_of(shares, statistic) == pytest.approx({"f": count * log(3), "g": 0})


def test_every_headline_has_its_own_lines_and_one_of_zero_has_no_shares():
    def values(method):
        return {"a": method["f"]["value"], "none": 0.0, "b": method["f"]["value"] ** 2}

    shares, interactions, ends = attribution(*changed(["f", "g"]), values)
    assert ends.columns.tolist() == ["headline", "base", "head"]
    assert ends["headline"].tolist() == ["a", "none", "b"]
    assert ends["head"].tolist() == pytest.approx([2, np.nan, 4], nan_ok=True)
    assert shares.columns.tolist() == ["headline", "setting", "part", "statistic", "value"]
    for name, share in (("a", log(2)), ("none", np.nan), ("b", log(4))):
        own = shares[(shares["headline"] == name) & (shares["setting"] == "f")]
        assert own["value"].tolist() == pytest.approx([share] * 3, nan_ok=True)
    assert interactions.columns.tolist() == ["headline", "first", "second", "value"]
    assert interactions[["headline", "first", "second"]].to_numpy().tolist() == [
        [name, "f", "g"] for name in ("a", "none", "b")
    ]


def test_a_mixture_that_no_joining_mends_is_refused_with_its_own_words():
    def never(method):
        raise InputError("no")

    with pytest.raises(InputError, match=r"^no$"):
        attribution(*changed(["f", "g"]), never)
    with pytest.raises(InputError, match=r"^no$"):
        attribution(*changed(["blend", "benchmarks"]), never)


@pytest.mark.parametrize(
    ("served", "apart", "joined"),
    [
        # the table of one has no row of what the other is served by
        (["benchmarks", "serving"], ["node_power", "pue"], "benchmarks + blend + serving"),
        # nor of the node whose power it states
        (["benchmarks", "node_power"], ["pue"], "benchmarks + blend + node_power + serving"),
        # what nobody knows to be of one piece
        (["serving", "pue"], [], "benchmarks + blend + node_power + pue + serving"),
    ],
)
def test_as_few_settings_are_joined_as_leave_mixtures_that_are_methods(served, apart, joined):
    base, head = changed(["benchmarks", "blend", "node_power", "pue", "serving"])

    def of_one(method):
        if len({method[name]["value"] for name in served}) > 1:
            raise InputError("no such engine")
        return product(method)

    shares, _, _ = attribution(base, head, of_one)
    together = joined.split(" + ")
    expected = dict.fromkeys(apart, log(2)) | {joined: len(together) * log(2)}
    assert shares_of(shares, "shapley") == pytest.approx(expected)


def test_the_parts_of_a_setting_that_cannot_be_mixed_are_one():
    base, head = ({"serving": factors(engines=value, nodes=value)} for value in (1, 2))

    def of_one(method):
        if len({part["value"] for part in method["serving"].values()}) > 1:
            raise InputError("no such engine on the node")
        return product(method["serving"])

    shares, pairs, ends = attribution(base, head, of_one)
    assert shares_of(shares, "shapley") == pytest.approx({"serving": log(4)})
    assert shares[shares["part"] != ""].empty
    assert pairs.empty
    assert ends["head"].tolist() == pytest.approx([4])


def test_choices_of_a_section_that_cannot_be_mixed_are_one_beside_others():
    base, head = (
        factors(pue=value) | {"blend": {"models": value, "trim": value, "source": "a test"}}
        for value in (1, 2)
    )

    def of_any(method):
        blend = method["blend"]["models"] * method["blend"]["trim"] ** 2
        return {"headline": method["pue"]["value"] * blend}

    def of_one(method):
        if method["blend"]["models"] != method["blend"]["trim"]:
            raise InputError("so few models cannot be trimmed")
        return of_any(method)

    for headline, parts in (
        (of_any, {"blend.models": log(2), "blend.trim": log(4)}),
        (of_one, {}),
    ):
        shares, _, _ = attribution(base, head, headline)
        assert shares_of(shares, "shapley") == pytest.approx({"pue": log(2), "blend": log(8)})
        assert shares_of(shares, "shapley", "parts") == pytest.approx(parts)


def test_each_mixture_is_computed_once():
    calls = []

    def counted(method):
        calls.append(tuple(quantity["value"] for quantity in method.values()))
        return product(method)

    attribution(*changed(["f", "g", "h"]), counted)
    assert sorted(calls) == sorted(set(calls))
    assert len(calls) == 8


def test_parts_of_a_setting_share_what_they_do_together_and_with_others():
    """Owen values of a game of two parts and one setting, from its definition by hand."""
    values = dict(zip(("", "a", "b", "ab", "c", "ac", "bc", "abc"), range(8), strict=True))
    values |= {"ab": 10.0, "abc": 17.0}
    groups = {"first": ["a", "b"], "second": ["c"]}
    found = owen(groups, "first", lambda chosen: values["".join(sorted(chosen))])
    # the quotient's shares: of a alone (1 - 0 + 5 - 4) / 2 = 1, of b (2 + 2) / 2 = 2, of both 11.5
    assert found == pytest.approx({"a": (1 + 11.5 - 2) / 2, "b": (2 + 11.5 - 1) / 2})
