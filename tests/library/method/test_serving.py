"""Models on nodes and at loads."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy import exact
from inference_energy.errors import InputError
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
            "model": ["DeepSeek-R1", "Llama 3.1 8B", "DeepSeek-R1"],
            "gpu": ["H200-SXM-141GB", "B200", "A100-SXM-80GB"],
            "precision": ["FP8", "FP8", "BF16"],
        }
    )
    utilisation = own["DeepSeek-R1"].utilisation
    found = serving.serve_elsewhere(method, table, hardware, kinds, utilisation)
    # eight A100 do not hold it
    assert list(found) == [tuple(row) for row in kinds.to_numpy()[:2]]
    here, other = found.values()
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
