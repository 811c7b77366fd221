"""Models on nodes and at loads."""

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.registry import LAWS
from inference_energy.method import serving
from inference_energy.method.build import build
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import fixed_regime
from inference_energy.power.node import find_node
from inference_energy.power.node import node_power as power_at_socket
from repository import hardware_tables, read, read_yaml


@pytest.fixture(scope="module")
def hardware():
    return hardware_tables()


@pytest.fixture(scope="module")
def table():
    return read("data/throughput/at_load.csv", "throughput")


@pytest.fixture(scope="module")
def method():
    """The method `revised` at one load on one kind of node, with one engine."""
    found = deepcopy(read_yaml("results/revised/method.yaml"))
    found["benchmarks"]["models"] = ["Llama 3.1 405B", "DeepSeek-R1"]
    found["blend"]["models"] = 2
    lengths = {"distribution": "exponential", "median": 300, "unit": "tokens", "source": "test"}
    found["regimes"]["traditional"]["output_tokens"] = lengths
    node = {"kinds": {"H200-SXM-141GB FP8": 1.0}, "unit": "1", "source": "test"}
    engine = {"kinds": {"vLLM": 1.0}, "unit": "1", "source": "test"}
    load = {"distribution": "fixed", "value": 64, "unit": "requests", "source": "test"}
    found["serving"] = {"nodes": node, "engines": engine, "load": load}
    return found


def at(method, **load):
    changed = deepcopy(method)
    changed["serving"]["load"] = {"unit": "requests", "source": "test"} | load
    return changed


def test_gpus_are_those_of_the_nodes_in_whatever_format(method):
    kinds = {"B200 FP8": 1, "B200 FP4": 2, "H200-SXM-141GB FP8": 1}
    one = deepcopy(method)
    one["serving"]["nodes"]["kinds"] = kinds
    assert serving.served_gpus(one) == ["B200", "H200-SXM-141GB"]


def test_the_loads_have_the_moments_of_the_distribution():
    quantity = {"distribution": "log-normal", "p5": 8.0, "p95": 400.0}
    spread = LogNormal.from_percentiles(8.0, 400.0)
    points, weights = serving.loads(quantity, 1.645)
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.log(points) == pytest.approx(spread.mu)
    # three standard deviations hold all but 0.3 % of the queries and 3 % of the variance
    assert weights @ (np.log(points) - spread.mu) ** 2 == pytest.approx(spread.sigma**2, rel=0.04)
    assert serving.loads({"distribution": "fixed", "value": 5}, 1.645)[0] == [5.0]


def test_the_energy_falls_with_the_load(method, table, hardware):
    medians = []
    for load in (1, 8, 64, 512):
        setup = build(at(method, distribution="fixed", value=load), table, {}, hardware)
        energy = exact.model_energy(setup, fixed_regime(1000, 300), setup.models[1])
        medians.append(energy.quantile(0.5))
    assert medians == sorted(medians, reverse=True)
    assert medians[0] > 8 * medians[-1]


def test_the_power_is_that_of_the_node_at_the_load(method, table, hardware):
    """Median power of a share, by hand from the law's throughput: between idle and rated."""
    setup = build(method, table, {}, hardware)
    node = find_node("H200-SXM-141GB", hardware["nodes"], hardware["gpus"])
    idle, full = (float(power_at_socket(watts, node)) / 1000 for watts in (0.0, 700.0))
    for model in setup.models:
        (way,) = model.law.shares()
        drawn = way.power * model.node_power * np.exp(setup.power_utilisation.mu)
        assert idle < drawn < full
        assert (way.node, way.engine, way.load) == ("H200-SXM-141GB FP8", "vLLM", 64)


def test_a_models_own_node_power_cancels(method, table, hardware):
    """What is drawn was measured, whatever maximum the method states."""
    changed = deepcopy(method)
    changed["node_power"]["models"] = {
        "DeepSeek-R1": {"value": 99.0, "unit": "kW", "source": "test"}
    }
    regime = fixed_regime(1000, 300)
    energies = [
        exact.model_energy(setup, regime, setup.models[1]).quantile(0.5)
        for setup in (build(m, table, {}, hardware) for m in (method, changed))
    ]
    assert energies[0] == pytest.approx(energies[1], rel=1e-12)


def test_a_range_of_loads_is_the_mixture_of_its_loads(method, table, hardware):
    wide = build(at(method, distribution="log-normal", p5=8, p95=400), table, {}, hardware)
    model, regime = wide.models[0], fixed_regime(1000, 300)
    whole = exact.model_energy(wide, regime, model)
    ways = model.law.shares()
    assert len(ways) == serving.LOADS
    assert sum(way.weight for way in ways) == pytest.approx(1)
    one = model.law.at(64.0)
    assert [way.load for way in one.shares()] == [64.0]
    loads = [way.load for way in ways]
    near = int(np.argmin(np.abs(np.log(loads) - np.log(64))))
    assert one.shares()[0].power == pytest.approx(ways[near].power, rel=0.15)
    assert whole.quantile(0.95) / whole.quantile(0.05) > 3


def test_a_model_that_no_node_holds_is_refused(method, table, hardware):
    changed = deepcopy(method)
    changed["serving"]["nodes"]["kinds"] = {"L40S FP8": 1.0}
    with pytest.raises(InputError, match="no node holds the weights of Llama"):
        build(changed, table, {}, hardware)


def test_models_are_served_by_the_nodes_that_hold_them(method, table, hardware):
    changed = deepcopy(method)
    changed["serving"]["nodes"]["kinds"]["H100-SXM-80GB FP8"] = 0.5
    setup = build(changed, table, {}, hardware)
    found = {m.name: [way.node for way in m.law.shares()] for m in setup.models}
    assert len(found["Llama 3.1 405B"]) == 2
    assert found["DeepSeek-R1"] == ["H200-SXM-141GB FP8"]
    (law,) = (m.law for m in setup.models if m.name == "Llama 3.1 405B")
    of_node = serving.on_node(law, "H100-SXM-80GB FP8")
    assert [way.node for way in of_node.shares()] == ["H100-SXM-80GB FP8"]
    with pytest.raises(ValueError, match=r"^B200 FP4: none of the ways is on it: "):
        serving.on_node(law, "B200 FP4")


def test_nodes_and_engines_that_no_table_has_are_refused_with_the_nearest(method, table, hardware):
    changed = deepcopy(method)
    changed["serving"]["nodes"]["kinds"] = {"H200-SXM-141 FP8": 1.0}
    changed["serving"]["engines"]["kinds"] = {"vLMM": 1.0}
    with pytest.raises(InputError) as refused:
        build(changed, table, {}, hardware)
    gpu, engine = refused.value.problems
    assert "serving.nodes.kinds" in gpu and "did you mean H200-SXM-141GB" in gpu
    assert "serving.engines.kinds" in engine and "did you mean vLLM" in engine


def test_a_model_elsewhere_is_served_as_the_methods_own_are(method, table, hardware):
    """On the method's own node the law is the method's; on another one the power is another."""
    own = serving.fit_serving(method, table, hardware)
    kinds = pd.DataFrame(
        {
            "model": ["Llama 3.1 8B", "DeepSeek-R1", "DeepSeek-R1"],
            "gpu": ["B200", "H200-SXM-141GB", "A100-SXM-80GB"],
            "precision": ["FP8", "FP8", "BF16"],
        }
    )
    utilisation = own["DeepSeek-R1"].utilisation
    found = serving.serve_elsewhere(method, table, hardware, kinds, utilisation)
    # eight A100 do not hold it
    assert list(found) == [tuple(row) for row in kinds.to_numpy()[:2]]
    other, here = found.values()
    lengths = 1000.0, 300.0
    assert here.law.predict(*lengths) == pytest.approx(own["DeepSeek-R1"].law.predict(*lengths))
    assert set(here.rows["gpu"]) == {"H200-SXM-141GB"} and set(here.rows["precision"]) == {"FP8"}
    (way,) = other.law.shares()
    assert (way.node, way.engine, way.load) == ("B200 FP8", "vLLM", 64)
    assert other.law.predict(*lengths) > here.law.predict(*lengths)


def test_methods_that_are_served_otherwise_share_a_fit(method, table, hardware, monkeypatch):
    known = serving.Servers.fit(method, table, hardware)

    def fitted_anew(*_):
        raise AssertionError("fitted anew")

    monkeypatch.setattr(serving, "usable_rows", fitted_anew)
    other = at(method, distribution="fixed", value=8)
    assert serving.Servers.fit(other, table.copy(), hardware).throughput is known.throughput
    changed = hardware | {"gpus": hardware["gpus"].assign(tdp_w=1.0)}
    for tables in ((table[1:], hardware), (table, changed)):
        with pytest.raises(AssertionError, match="fitted anew"):
            serving.Servers.fit(method, *tables)


def number(value):
    return {"value": value}


MADE_UP = {
    "id": "mine",
    "benchmarks": {"models": ["A", "B"], "precision": ["FP8"]},
    "throughput_law": {
        "name": "at-load",
        "gpus_per_node": 6,
        "reference": {"input_tokens": 500, "output_tokens": 300},
    },
    "serving": {
        "nodes": {"kinds": {"RTX PRO 6000 FP4": 0.25, "H1 FP8": 0.5}},
        "engines": {"kinds": {"vLLM": 1.0, "TensorRT LLM": 3.0}},
        "load": {"distribution": "log-normal", "p5": 1.0, "p95": 100.0},
    },
    "node_power": {"default": number(10.0), "models": {"A": number(20.0)}},
    "monte_carlo": {"normal_quantile_95": 2.0},
}
"""A made-up method, whose names of GPUs and engines have blanks."""

LAW = Peak(100.0, 3)
ROWS = pd.DataFrame(
    {"network": ["a", "a", "b"], "gpu": ["H1", "RTX PRO 6000", "H1"], "precision": "FP8"}
)


def made_up_ways(candidates, loads):
    """A way of every candidate at every load, whose copies and power follow from it."""
    ways = candidates.merge(pd.DataFrame({"load": loads}), how="cross")
    model = ways["model"].eq("A")
    return ways.assign(law=LAW, network=np.where(model, "a", "b"), copies=np.where(model, 2.0, 3.0))


def kw(ways):
    return 4 + np.log(ways["load"]) + ways["gpu"].eq("H1")


def over(ways):
    """P95 of a way's power over its median, larger at larger loads."""
    return ways["copies"] * np.where(ways["load"] > 50, 3.0, 1.0)


@pytest.fixture
def served(monkeypatch):
    """Laws of the made-up method, with layouts and powers made up as well, and what was asked."""
    asked = {}

    def fitting(kinds, gpus, lengths, hardware):
        asked["fitting"] = kinds, gpus, lengths, hardware
        # one kind of GPU does not hold B
        return kinds[kinds["model"].eq("A") | kinds["gpu"].eq("H1")]

    def best_layouts(law, candidates, loads):
        asked["law"] = law
        return made_up_ways(candidates, loads)

    def node_kw(law, ways, gpus, hardware, percentiles):
        asked["power"] = law, gpus, hardware, percentiles
        power = kw(ways)
        ends = {"p5_kw": power / 2, "p95_kw": power * over(ways)}
        of_gpus = {"gpu_kw": power**0.9 / 3, "gpu_p5_kw": power / 9, "gpu_p95_kw": power * 2}
        return pd.DataFrame({"node_kw": power, **ends, **of_gpus})

    for function in (fitting, best_layouts, node_kw):
        monkeypatch.setattr(serving, function.__name__, function)
    servers = serving.Servers(MADE_UP, {"a": "table"}, ROWS, None, "throughput", "power")
    monkeypatch.setattr(serving.Servers, "fit", lambda *given: servers)
    return serving.fit_serving(MADE_UP, None, {}), asked


def test_every_node_and_engine_is_a_kind_with_its_share(served):
    kinds, gpus, lengths, hardware = served[1]["fitting"]
    expected = [
        (model, gpu, precision, engine, of_gpu * of_engine)
        for model in ("A", "B")
        for gpu, precision, of_gpu in (("RTX PRO 6000", "FP4", 0.25), ("H1", "FP8", 0.5))
        for engine, of_engine in (("vLLM", 1.0), ("TensorRT LLM", 3.0))
    ]
    assert list(kinds.itertuples(index=False, name=None)) == expected
    assert list(kinds.columns) == ["model", "gpu", "precision", "engine", "share"]
    assert (gpus, lengths, hardware) == (6, (500, 300), {"a": "table"})
    assert served[1]["law"] == "throughput"
    assert served[1]["power"] == ("power", 6, {"a": "table"}, (5, 95))


def test_a_way_has_its_weight_and_its_power_over_that_of_the_models_node(served):
    """By hand: models weigh alike, loads as their distribution has it."""
    laws, asked = served
    loads, weights = serving.loads(MADE_UP["serving"]["load"], 2.0)
    kinds = asked["fitting"][0]
    ways = made_up_ways(
        kinds.drop(kinds[kinds["model"].eq("B") & ~kinds["gpu"].eq("H1")].index), loads
    )
    ways["weight"] = ways["share"] * ways["load"].map(dict(zip(loads, weights, strict=True)))
    # shares of A add up to 3, those of B to 2
    of_model = ways["weight"] / np.where(ways["model"] == "A", 3, 2)
    mu = np.average(np.log(kw(ways) / 10), weights=of_model)
    sigma = np.sqrt(np.average((np.log(2 * over(ways)) / 4) ** 2, weights=of_model))
    assert list(laws) == ["A", "B"]
    for name, rated, rows in (("A", 20, [0, 1]), ("B", 10, [2])):
        assert laws[name].utilisation == pytest.approx((mu, sigma))
        assert list(laws[name].rows.index) == rows and laws[name].law.n_rows == len(rows)
        own = ways[ways["model"] == name]
        expected = [
            Share(weight, power, LAW, f"{gpu} {precision}", engine, load, copies, of_gpus, beyond)
            for weight, power, gpu, precision, engine, load, copies, of_gpus, beyond in zip(
                own["weight"] / own["weight"].sum(),
                kw(own) / (rated * np.exp(mu)),
                *(own[column] for column in ("gpu", "precision", "engine", "load", "copies")),
                kw(own) ** 0.9 / 3 / (rated * np.exp(mu)),
                np.sqrt(np.log(18) ** 2 - np.log(2 * over(own)) ** 2) / 4,
                strict=True,
            )
        ]
        found = laws[name].law.shares()
        assert [way[2:7] for way in found] == [way[2:7] for way in expected]
        powers = [
            [(way.weight, way.power, way.accelerators, way.beyond) for way in w]
            for w in (found, expected)
        ]
        np.testing.assert_allclose(*powers)


def test_models_that_no_node_holds_are_all_named(served, monkeypatch):
    monkeypatch.setattr(serving, "fitting", lambda kinds, *_: kinds[:0])
    with pytest.raises(InputError) as refused:
        serving.fit_serving(MADE_UP, None, {})
    assert refused.value.problems == [
        "config/methods/mine.yaml: key serving.nodes: no node holds the weights of A, B; allowed"
        " are nodes of which one holds every model of benchmarks.models; add a larger node or leave"
        " the model out"
    ]


def test_the_power_of_a_node_is_the_models_own_or_the_default():
    assert [serving.node_power(MADE_UP, model) for model in "AB"] == [20.0, 10.0]
    assert serving.node_power({"node_power": {"default": number(7)}}, "A") == 7.0


def test_loads_rise_and_spread_as_the_quantile_of_the_method_has_it():
    points, weights = serving.loads(MADE_UP["serving"]["load"], 2.0)
    assert (np.diff(points) > 0).all()
    # by hand: ln 1 and ln 100 are two standard deviations below and above the mean
    assert weights @ np.log(points) == pytest.approx(np.log(10))
    assert np.log(points[-1] / 10) < 3 * np.log(100) / 4 < np.log(points[-1] / 10) * 1.05


def test_a_node_that_no_way_is_on_is_told_with_those_that_are():
    ways = [Share(1.0, 1.0, LAW, node) for node in ("H1 FP8", "H2 FP8", "H1 FP8")]
    with pytest.raises(ValueError, match=r"^B200 FP4: none of the ways is on it: H1 FP8, H2 FP8$"):
        serving.on_node(Pooled.of(ways), "B200 FP4")


@pytest.fixture
def fitted_to(monkeypatch):
    """Function that fits the servers of a method; and the rows that its law was fitted to."""
    table = pd.DataFrame(
        [
            ("s", "H1", "A", "FP8", "high", "vLLM"),
            ("t", "H1", "A", "FP8", "high", "vLLM"),
            ("s", "RTX PRO 6000", "C", "FP4", "high", "TensorRT LLM"),
            ("s", "H1", "A", "FP8", "low", "SGLang"),
            ("u", "H1", "A", "FP8", "high", "SGLang"),
        ],
        columns=["source_id", "gpu", "model", "precision", "confidence", "engine"],
    ).assign(input_tokens=1.0, output_tokens=1.0)
    fits = []
    kind = replace(LAWS["at-load"], fit_many=lambda rows: fits.append(list(rows.index)))
    monkeypatch.setitem(LAWS, "at-load", kind)
    monkeypatch.setattr(serving, "training_rows", lambda tables, runs, known: tables[0])
    monkeypatch.setattr(serving, "measured_runs", lambda hardware: ("runs", *hardware))
    monkeypatch.setattr(serving, "fit_gpu_power", lambda hardware, runs: ([*hardware], runs))
    monkeypatch.setattr(serving, "_fitted", {})
    gpus = pd.DataFrame({"gpu": ["H1", "H2", "RTX PRO 6000", None]})
    hardware = {"models": gpus, "gpus": gpus, "mlenergy": gpus}

    def fit(method=MADE_UP, **benchmarks):
        method = method | {"benchmarks": MADE_UP["benchmarks"] | {"gpus": ["H1"]} | benchmarks}
        servers = serving.Servers.fit(method, table, hardware)
        assert servers.runs == ("runs", "models", "gpus", "mlenergy")
        assert servers.power == (["models", "gpus", "mlenergy"], servers.runs)
        return fits

    return fit


def test_laws_learn_from_all_rows_but_those_that_a_method_leaves_out(fitted_to):
    """What is served says nothing of what is learnt from, nor does another fit."""
    assert fitted_to() == [[0, 1, 2, 3, 4]]
    assert fitted_to(models=["B"], precision=["FP4"]) == [[0, 1, 2, 3, 4]]
    assert fitted_to(sources=["s", "t"])[1:] == [[0, 1, 2, 3]]
    assert fitted_to(exclude_sources=["t"])[2:] == [[0, 2, 3, 4]]
    assert fitted_to(exclude_confidence=["low"])[3:] == [[0, 1, 2, 4]]


def test_servers_without_a_model_are_fitted_to_what_is_of_another_network(hardware, monkeypatch):
    kind = replace(LAWS["at-load"], fit_many=lambda rows: ("law", rows))
    monkeypatch.setitem(LAWS, "at-load", kind)
    monkeypatch.setattr(serving.GpuPower, "fit", lambda runs, idle: ("power", runs, idle))
    rows = pd.DataFrame({"model": ["Llama 3.1 8B", "dsr1", "Llama 3.1 405B"]}, index=[4, 2, 7])
    runs = pd.DataFrame({"model": ["DeepSeek-R1", "Llama 3.1 8B"]}, index=[5, 3])
    power = SimpleNamespace(idle_share=0.125)
    servers = serving.Servers(MADE_UP, hardware, rows, runs, "throughput", power)
    found = servers.without("DeepSeek-R1")
    pd.testing.assert_frame_equal(found.rows, rows.iloc[[0, 2]].reset_index(drop=True))
    assert found.runs["model"].to_dict() == {3: "Llama 3.1 8B"}
    assert found.throughput == ("law", found.rows)
    assert found.power == ("power", found.runs, 0.125)
    assert found.method is MADE_UP and found.hardware is hardware


def test_names_that_no_table_has_are_told_with_all_that_are_known(fitted_to):
    changed = deepcopy(MADE_UP)
    changed["serving"]["nodes"]["kinds"] |= {"RTX PRO FP8": 1.0, "RTX FP4": 1.0}
    changed["serving"]["engines"]["kinds"] |= {"vLLM two": 1.0}
    with pytest.raises(InputError) as refused:
        fitted_to(changed)
    start = "config/methods/mine.yaml: key serving."
    gpus = "no gpu of that name; allowed are H1, H2, RTX PRO 6000; name one of them"
    engines = "no engine of that name; allowed are SGLang, TensorRT LLM, vLLM; name one of them"
    near = "; did you mean RTX PRO 6000?"
    first, second, third = refused.value.problems
    assert first == f"{start}nodes.kinds: value RTX PRO FP8: {gpus}{near}"
    assert second.startswith(f"{start}nodes.kinds: value RTX FP4: {gpus}")
    assert third.startswith(f"{start}engines.kinds: value vLLM two: {engines}")
