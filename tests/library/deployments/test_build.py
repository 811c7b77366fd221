"""From benchmark runs and a deployment file to a deployment."""

import ast
import json
import math
import re
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from inference_energy.deployments import answers, build
from inference_energy.deployments.power import HOSTS_APART, POWERS_APART
from inference_energy.errors import InputError
from inference_energy.laws.at_load import throughput_before_fit
from inference_energy.laws.hardware import LONGEST
from inference_energy.method.distributions import LogNormal
from inference_energy.method.plausible import USUAL_MEDIAN
from inference_energy.method.setup import Coupling
from inference_energy.power.measured import USUAL_DRAWN, USUAL_DRAWN_OF_NODE
from inference_energy.readers import detect_and_read
from library.deployments.made_up import (
    FIXED,
    GPU,
    HARDWARE,
    HOST,
    LADDER,
    VENDOR,
    WHERE,
    bench,
    quantity,
    refusal,
    resolved,
)
from repository import METHOD_FILES, ROOT, read


def aiperf(folder):
    """Two AIPerf exports at one concurrency: the fixture, and one of twice the length."""
    record = json.loads(
        (ROOT / "tests/fixtures/benchmarks" / "aiperf/dcgm.json").read_text(encoding="utf-8")
    )
    longer = deepcopy(record)
    for key in ("output_sequence_length", "output_token_count"):
        if key in longer:
            longer[key] = {
                k: v * 2 if isinstance(v, int | float) else v for k, v in longer[key].items()
            }
    paths = []
    for name, content in (("a", record), ("b", longer)):
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(content), encoding="utf-8")
    return paths


def test_stress_test_files_flow_into_a_deployment(tmp_path):
    facts = {"model": "M", "gpu": GPU, "n_gpus": 2, "tensor_parallel": 2, "precision": "FP8"}
    runs = pd.concat([detect_and_read(path, facts) for path in aiperf(tmp_path)], ignore_index=True)
    method = resolved(host_power=HOST, accept_marked=True)
    found = build.build(method, runs, WHERE)
    measured = runs["gpu_power_w"].iloc[0] / 1000
    assert found.power.boundary == "accelerator"
    assert found.power.factor.quantile(0.5) == pytest.approx(measured + 2.0 * 2 / 8)
    assert len(found.shapes) == 2
    tokens = answers.energy_per_million_tokens(found).set_index(["regime", "statistic"])["value"]
    power = found.power.factor.quantile(0.5) * found.pue.quantile(0.5)
    expected = power / 3.6 / runs["throughput_tps"].max() * 1e6 / 1e3
    assert tokens["long", "p50"] == pytest.approx(expected, rel=1e-6)


def test_power_that_only_a_law_of_load_knows_is_asked_for(tmp_path):
    """As `revised` takes it, where the meter is doubted and nothing else was measured."""
    facts = {"model": "M", "gpu": GPU, "n_gpus": 8, "tensor_parallel": 8, "precision": "FP8"}
    runs = pd.concat([detect_and_read(path, facts) for path in aiperf(tmp_path)], ignore_index=True)
    method = resolved(host_power=HOST, accept_marked=True)
    method["power_utilisation"] = {"distribution": "by-load", "unit": "1", "source": "a law"}
    with pytest.raises(InputError) as caught:
        build.build(method, runs, WHERE)
    text = str(caught.value)
    assert "telemetry covers 2 GPUs but 8 served the run" in text
    assert "gpu_power_w or node_power_w in deployment.facts" in text


def test_power_that_is_doubted_is_refused_with_the_remedy_that_takes_it():
    method = resolved()
    method["power_utilisation"] = {"distribution": "by-load", "unit": "1", "source": "a law"}
    busy = "power: busy before the first request (gpu 0 90 %)"
    runs = bench(LADDER, node_power_w=6000.0, status=f"marked: {busy}")
    assert refusal(build.build, method, runs, WHERE) == (
        f"{WHERE}: the power of these runs is doubted ({busy}), and this method takes it from the"
        " load of its own law: allowed is power that nobody doubts, accept_marked: true, which"
        " takes it all the same, or power_utilisation with a distribution other than by-load;"
        " state one of them"
    )
    of_paper = build.build(resolved(), runs, WHERE).power
    assert (of_paper.boundary, of_paper.doubted) == ("not measured", True)
    method["deployment"]["accept_marked"] = True
    power = build.build(method, runs, WHERE).power
    assert (power.boundary, power.doubted) == ("node", False)


def test_the_examples_hold_the_measurements_of_the_data(example):
    """The files in the client's own format say what data/measured says."""
    *_, found = example
    table = read("data/measured/mlenergy_v3.csv", "mlenergy")
    first = found.runs.iloc[0]
    columns = {"model": first["model"], "gpu": first["gpu"], "gpus": first["n_gpus"]}
    own_rows = table[(table[list(columns)] == pd.Series(columns)).all(axis=1)]
    own_rows = own_rows[own_rows["precision"] == first["precision"]]
    for theirs, mine in (
        ("throughput_tps", "throughput_tps"),
        ("accelerator_power_w", "gpu_power_w"),
        ("output_tokens", "output_tokens"),
        ("concurrency_limit", "concurrency"),
    ):
        assert sorted(own_rows[theirs]) == pytest.approx(sorted(found.runs[mine]), rel=1e-5)


def test_the_examples_charge_what_was_measured(example):
    """The source's own energy per request, scaled to host and PUE, is the charged energy."""
    _, method, _, raw, found = example
    for configuration, run in zip(
        raw["configurations"], found.runs.to_dict("records"), strict=True
    ):
        scale = run["power_kw"] * 1000 / configuration["avg_power_watts"] * run["pue"]
        measured = configuration["energy_per_request_joules"] / 3600
        assert run["energy_wh"] == pytest.approx(measured * scale, rel=1e-3)
    assert (found.runs["use"] == "yes").sum() == 1
    assert found.power.factor.quantile(0.05) == pytest.approx(
        found.power.accelerators + method["deployment"]["host_power"]["p5"], rel=1e-3
    )


def test_a_node_that_was_measured_is_charged_its_power_and_no_other():
    method = resolved(keys=FIXED)
    found = build.build(method, bench(LADDER, node_power_w=6000.0), WHERE)
    assert (found.model.name, found.model.node_power, found.model.peak) == ("M", 1.0, 4000.0)
    assert found.models == (found.model,)
    assert (found.power.boundary, found.pue) == ("node", LogNormal.fixed(1.5))
    assert found.power_utilisation == found.power.factor
    assert found.model.domain == {"input_tokens": (500, 500), "output_tokens": (300, 4500)}
    assert found.basis == "The log-linear law, fitted to 4 measured shapes."
    assert found.input_tokens_per_output_token is None
    assert list(found.regimes) == ["traditional", "long"]
    assert (found.section, found.assumed) == (method["deployment"], ())
    assert not found.model.uncertain


def test_the_error_of_the_law_and_the_input_count_where_the_method_says_so():
    charge = {"input_tokens_per_output_token": quantity(30, "1")}
    law = {"error": "included", "source": "a test"}
    keys = {"throughput_law": law, "input_charge": charge}
    found = build.build(resolved(keys=keys), bench(LADDER), WHERE)
    assert found.model.uncertain
    assert found.input_tokens_per_output_token == 30


def test_a_node_that_was_not_measured_has_the_rated_power_of_as_many_nodes_as_the_gpus_fill():
    runs = bench(LADDER, n_gpus=16, tensor_parallel=16)
    found = build.build(resolved(), runs, WHERE)
    assert found.model.node_power == pytest.approx(2 * 10.2)
    assert found.power.boundary == "not measured"
    middle = math.sqrt(0.4 * 0.9)
    assert math.exp(found.power_utilisation.mu) == pytest.approx(middle)
    assert math.exp(found.power.factor.mu) == pytest.approx(2 * 10.2 * middle)
    assert found.power.factor.sigma == found.power_utilisation.sigma > 0
    rated = {"node_power": {"models": {"M": quantity(7.0, "kW")}}}
    assert build.build(resolved(keys=rated), runs, WHERE).model.node_power == pytest.approx(14)


@pytest.mark.parametrize("gpus", [1, 72])
def test_a_rated_power_that_the_gpus_of_a_node_cannot_make_up_is_refused(gpus):
    method = resolved(gpus_per_node=quantity(gpus, "GPUs"))
    with pytest.raises(InputError) as caught:
        build.build(method, bench(LADDER), WHERE, hardware=HARDWARE)
    told = f"{WHERE}: key node_power: value 10.2 kW for a node of {gpus} x {GPU}"
    assert str(caught.value).startswith(told)
    assert "allowed is 0.3 to 6 times that; state" in str(caught.value)
    assert str(caught.value).endswith("such a node, or correct deployment.gpus_per_node")
    build.build(method, bench(LADDER, gpu="Another"), WHERE, hardware=HARDWARE)
    right = {"node_power": {"default": quantity(10.2 * gpus / 8, "kW")}}
    stated = resolved(keys=right, gpus_per_node=quantity(gpus, "GPUs"))
    build.build(stated, bench(LADDER), WHERE, hardware=HARDWARE)


@pytest.mark.parametrize(
    ("gpus", "host", "refused"),
    [(8, 2.0, False), (1, 2.0, False), (72, 2.0, False), (1000, 2.0, True), (8, 60.0, True)],
)
def test_a_host_power_that_is_none_of_so_many_gpus_is_refused(gpus, host, refused):
    stated = HOST | {"value": host}
    method = resolved(gpus_per_node=quantity(gpus, "GPUs"), host_power=stated)
    runs = bench(LADDER, gpu_power_w=4000.0, power_boundary="accelerator")
    if not refused:
        build.build(method, runs, WHERE, hardware=HARDWARE)
        return
    with pytest.raises(InputError) as caught:
        build.build(method, runs, WHERE, hardware=HARDWARE)
    told = f"{WHERE}: key deployment.host_power: value {host:g} kW for a node of {gpus} x {GPU}"
    assert str(caught.value).startswith(told)
    assert "allowed is 0.01 to 10 times that; state deployment.host_power" in str(caught.value)


@pytest.mark.parametrize(
    ("stated", "keys"),
    [
        ({"distribution": "fixed", "value": 2.0}, []),
        ({"distribution": "fixed", "value": 9.0}, ["value"]),
        ({"distribution": "log-normal", "p5": 0.2, "p95": 3.0}, ["p5"]),
        ({"distribution": "log-normal", "p5": 0.2, "p95": 9.0}, ["p5", "p95"]),
    ],
)
def test_each_end_of_a_host_power_is_held_against_the_gpus_of_its_node(stated, keys):
    """By hand: 8 x 700 W are 5.6 kW, of which 0.28 to 8.4 kW are usual beside them."""
    method = resolved(host_power=stated | {"unit": "kW", "source": "a meter"})
    runs = bench(LADDER, gpu_power_w=4000.0, power_boundary="accelerator")
    assert list(build.build(method, runs, WHERE, hardware=HARDWARE).unusual) == [
        f"{WHERE}: key deployment.host_power.{key}: value {stated[key]:g}: unusual;"
        f" {stated[key] / 5.6:.3g} times the thermal design power of a node of 8 x {GPU}, 5.6 kW"
        " (data/gpus.csv); usual is 0.05 to 1.5 times"
        for key in keys
    ]
    another = bench(LADDER, gpu="Another", gpu_power_w=4000.0, power_boundary="accelerator")
    assert build.build(method, another, WHERE, hardware=HARDWARE).unusual == ()


@pytest.mark.parametrize(
    ("gpus", "words"),
    [
        (1, "on 8 GPUs at once, which one node on sale has, and 8 nodes are counted"),
        (8, None),
        (72, f"the largest node or rack of {GPU} on sale has 8"),
    ],
)
def test_nodes_that_nobody_sells_are_unusual(gpus, words):
    host = HOST | {"value": HOST["value"] * gpus / 8}
    method = resolved(gpus_per_node=quantity(gpus, "GPUs"), host_power=host)
    runs = bench(LADDER, gpu_power_w=4000.0, power_boundary="accelerator")
    told = build.build(method, runs, WHERE, hardware=HARDWARE).unusual
    if words is None:
        assert told == ()
    else:
        (warning,) = told
        assert warning.startswith(f"{WHERE}: key deployment.gpus_per_node: value {gpus}: unusual; ")
        assert warning.endswith(words)
    another = bench(LADDER, gpu="Another", gpu_power_w=4000.0, power_boundary="accelerator")
    assert build.build(method, another, WHERE, hardware=HARDWARE).unusual == ()


def test_more_gpus_than_share_a_switch_are_unusual():
    (warning,) = resolved(gpus_per_node=quantity(73, "GPUs"))["warnings"]
    assert "key deployment.gpus_per_node.value: value 73: unusual; usual is" in warning


def test_an_utilisation_that_follows_the_throughput_is_none_of_the_power_that_is_told():
    coupled = {"distribution": "coupled", "intercept": 0.24, "slope": 0.56, "unit": "1"}
    method = resolved()
    method["power_utilisation"] = coupled | {"source": "a test"}
    found = build.build(method, bench(LADDER), WHERE)
    assert found.power_utilisation == Coupling(0.24, 0.56)
    assert (math.exp(found.power.factor.mu), found.power.factor.sigma) == pytest.approx((10.2, 0))


def test_every_run_of_the_configuration_is_charged_and_no_other():
    columns = {"model": ["M", "M", "M", "N"], "concurrency": [64.0, 8.0, 64.0, 64.0]}
    columns["status"] = ["ok", "ok", "marked: requests failed", "ok"]
    section = {"concurrency": quantity(64, "requests")}
    measured = {
        "node": ({"node_power_w": 6000.0}, 6.0),
        "accelerator": ({"gpu_power_w": 4000.0}, 6.0),
        "not measured": ({}, 10.2 * math.sqrt(0.4 * 0.9)),
    }
    for boundary, (power, kilowatts) in measured.items():
        method = resolved(keys=FIXED, host_power=HOST, **section)
        found = build.build(method, bench(LADDER, **columns, **power), WHERE)
        assert found.power.boundary == boundary
        runs = found.runs
        assert runs["use"].tolist() == ["yes", "other concurrency", "marked", "other model"]
        assert runs["power_kw"].tolist() == pytest.approx([*[kilowatts] * 3, math.nan], nan_ok=True)
        assert runs["pue"].tolist() == pytest.approx([1.5] * 4)
        energy = [1.5 * kilowatts * n / tps / 3.6 for _, n, tps in LADDER[:3]]
        assert runs["energy_wh"].tolist() == pytest.approx([*energy, math.nan], nan_ok=True)


def test_accelerators_of_a_run_are_charged_with_the_hosts_of_all():
    runs = bench(LADDER[:2], gpu_power_w=[4000.0, 9000.0])
    found = build.build(resolved(keys=FIXED, host_power=HOST), runs, WHERE)
    assert found.runs["power_kw"].tolist() == pytest.approx([6, 11])


def test_without_a_reason_the_power_is_just_not_known():
    method = resolved()
    method["power_utilisation"] = {"distribution": "by-load", "unit": "1", "source": "a law"}
    assert refusal(build.build, method, bench(LADDER), WHERE) == (
        f"{WHERE}: the power of these runs is not known, and this method takes it from the load of"
        " its own law: allowed is measured power, as gpu_power_w or node_power_w in"
        " deployment.facts [W], or power_utilisation with a distribution other than by-load; state"
        " one of them"
    )
    doubted = bench(LADDER, status="marked: requests failed; power: no sample for 9 s")
    message = refusal(
        build.build,
        method | {"deployment": method["deployment"] | {"accept_marked": True}},
        doubted,
        WHERE,
    )
    assert message.startswith(
        f"{WHERE}: the power of these runs is not known (power: no sample for 9 s), and this"
    )
    measured = bench(LADDER, node_power_w=6000.0)
    assert build.build(method, measured, WHERE).power.boundary == "node"


def test_what_no_table_knows_of_a_run_is_assumed_in_words():
    vendor = VENDOR[(VENDOR["model"] == "Llama 3.1 405B") & (VENDOR["precision"] == "FP8")]
    law = METHOD_FILES["full-load"]["throughput_law"] | {"source": "a test"}
    known = {"background": vendor, "hardware": HARDWARE}
    found = build.build(resolved(keys={"throughput_law": law}), bench(LADDER), WHERE, **known)
    assert found.assumed == (("architecture", "that of the nearest known to M", "data/models.csv"),)
    # of these runs, not of the many that the law is fitted to
    assert found.model.domain["output_tokens"] == (300, 4500)
    elsewhere = bench(LADDER, model="Llama 3.1 405B", gpu="X1")
    method = resolved(keys={"throughput_law": law}, model="Llama 3.1 405B")
    found = build.build(method, elsewhere, WHERE, **known)
    assert found.assumed == (
        ("data of the GPU", "that of the nearest known to X1", "data/gpus.csv"),
    )


SPELLINGS = ["H100", "NVIDIA H100 80GB HBM3", GPU.lower()]


@pytest.mark.parametrize("gpu", SPELLINGS)
def test_a_gpu_in_another_spelling_is_the_same_to_the_law(gpu):
    vendor = VENDOR[(VENDOR["model"] == "Llama 3.1 405B") & (VENDOR["precision"] == "FP8")]
    law = METHOD_FILES["revised"]["throughput_law"] | {"source": "a test"}
    method = resolved(keys={"throughput_law": law}, model="Llama 3.1 405B")
    throughput, told = [], []
    for spelt in (GPU, gpu):
        runs = bench(LADDER, model="Llama 3.1 405B", gpu=spelt)
        found = build.build(method, runs, WHERE, background=vendor, hardware=HARDWARE)
        throughput.append(float(found.model.law.predict(1000, 100)))
        told.append(set(found.runs["gpu"]))
    assert throughput[0] == throughput[1]
    assert told == [{GPU}, {gpu}]


@pytest.mark.parametrize("gpu", SPELLINGS)
def test_a_power_is_held_against_a_gpu_in_any_spelling(gpu):
    method = resolved(gpus_per_node=quantity(72, "GPUs"))
    message = refusal(build.build, method, bench(LADDER, gpu=gpu), WHERE, hardware=HARDWARE)
    assert f"value 10.2 kW for a node of 72 x {GPU}" in message


def test_names_that_no_table_has_are_kept_with_the_nearest():
    """Whatever the law: nothing that they can do or draw was held against the runs."""
    runs = bench(LADDER, gpu="H100-SXM-80", model="Llama 3.1 405")
    found = build.build(resolved(model="Llama 3.1 405"), runs, WHERE, hardware=HARDWARE)
    assert found.unlisted == (
        ("model", "Llama 3.1 405", "; did you mean Llama 3.1 405B?"),
        ("gpu", "H100-SXM-80", "; did you mean H100-SXM-80GB?"),
    )
    for name in (GPU, "h100"):
        known = bench(LADDER, gpu=name, model="llama3.1-405b")
        assert (
            build.build(resolved(model="llama3.1-405b"), known, WHERE, hardware=HARDWARE).unlisted
            == ()
        )
    assert build.build(resolved(), bench(LADDER), WHERE).unlisted == ()


@pytest.mark.parametrize(
    ("median", "refused"), [(100_000, None), (400_000, False), (1_000_000, True)]
)
def test_queries_are_held_against_the_context_of_the_model(median, refused):
    """That of Llama 3.1 405B is 131,072 tokens."""
    tokens = {"distribution": "exponential", "median": median, "unit": "tokens", "source": "a test"}
    long = {"regimes": {"long": {"output_tokens": tokens}}}
    name = "Llama 3.1 405B"
    method, runs = resolved(keys=long, model=name), bench(LADDER[:1] * 2, model=name)
    times = f"{(median + 500) / 131072:.3g}"
    told = (
        f"{WHERE}: key regimes.long.output_tokens: value {median:g}: {{}}input and median output"
        f" are {times} times the longest context of {name}, 131072 tokens (context_tokens of"
        " data/models.csv)"
    )
    if refused:
        remedy = "; allowed is at most 4 times; shorten them"
        assert (
            refusal(build.build, method, runs, WHERE, hardware=HARDWARE) == told.format("") + remedy
        )
        return
    found = build.build(method, runs, WHERE, hardware=HARDWARE)
    of_context = [text for text in found.unusual if "context" in text]
    assert of_context == ([] if refused is None else [told.format("unusual; ")])
    lines = answers.assumptions(method, [], found)
    unusual = lines[lines["fact"] == "unusual: regimes.long.output_tokens"]
    assert any("131072 tokens" in value for value in unusual["value"]) is (refused is False)


@pytest.mark.parametrize(
    ("speeds", "words"),
    [
        # a token of a short answer takes days, one of a long answer nothing
        ((10, 1_000, 100_000), ["regime traditional", "regime long"]),
        ((100_000, 1_000, 10), ["regime long"]),
    ],
)
def test_a_law_that_leads_beyond_all_measurements_is_refused(speeds, words):
    runs = bench([(500, n, tps) for n, tps in zip((300, 600, 1200), speeds, strict=True)])
    message = refusal(build.build, resolved(), runs, WHERE)
    assert all(line.startswith(f"{WHERE}: the log-linear law") for line in message.splitlines())
    for word in ("allowed are 0.01 to 100 times", "300 to 1200 output tokens", "name: peak"):
        assert word in message
    assert [word for word in words if word not in message] == []


def test_times_and_rated_powers_that_are_just_allowed_are_not_refused(monkeypatch):
    for held in (1 / build.MOST_TIME, build.MOST_TIME):
        monkeypatch.setattr(build, "extrapolation", lambda *_, held=held: {"held": held})
        build.build(resolved(), bench(LADDER), WHERE)
        least_beyond = np.nextafter(held, 0 if held < 1 else np.inf)
        monkeypatch.setattr(build, "extrapolation", lambda *_, held=least_beyond: {"held": held})
        told = f"traditional {1 / held:.3g} times the node time"
        assert told in refusal(build.build, resolved(), bench(LADDER), WHERE)
    monkeypatch.setattr(build, "extrapolation", lambda *_: {"held": 1.0})
    design = 8 * HARDWARE["gpus"].set_index("gpu")["tdp_w"][GPU] / 1000
    for times in build.RATED:
        power = {"node_power": {"default": quantity(float(times * design), "kW")}}
        build.build(resolved(keys=power), bench(LADDER), WHERE, hardware=HARDWARE)


def test_a_law_that_starts_from_other_rows_takes_those_that_the_method_uses(monkeypatch):
    """Of all the method's models: its own choice of them is not that of the deployment."""
    asked = []
    law = METHOD_FILES["full-load"]["throughput_law"] | {"source": "a test"}
    method = resolved(keys={"throughput_law": law})
    rows = {key: [key] for key in ("sources", "exclude_sources", "exclude_confidence")}
    method["benchmarks"] = method["benchmarks"] | rows | {"precision": ["FP8"], "models": ["M"]}

    def usable_rows(table, limits):
        asked.append(limits)
        return table[table["model"] == "Llama 3.1 405B"]

    monkeypatch.setattr(build, "usable_rows", usable_rows)
    build.build(method, bench(LADDER), WHERE, background=VENDOR, hardware=HARDWARE)
    assert asked == [rows | {"precision": ["FP8"]}]


def test_lengths_of_a_trace_that_cannot_be_are_told_with_the_file():
    lengths = {"distribution": "empirical", "trace": "u", "unit": "tokens", "source": "a test"}
    method = resolved()
    method["regimes"]["long"] = method["regimes"]["long"] | {"output_tokens": lengths}
    message = refusal(build.build, method, bench(LADDER), WHERE, traces={"t": (1, 2)})
    assert message.startswith(f"{WHERE}: key regimes.long.output_tokens.trace: value u")
    lengths["trace"] = "t"
    found = build.build(method, bench(LADDER), WHERE, traces={"t": (1000, 2000)})
    assert 1000 <= found.regimes["long"].output_tokens.median_length() <= 2000


def test_what_runs_and_power_lack_is_told_with_the_file():
    for method, runs in (
        (resolved(model="N"), bench(LADDER)),
        (resolved(), bench(LADDER, gpu_power_w=4000.0)),
    ):
        assert refusal(build.build, method, runs, WHERE).startswith(f"{WHERE}: ")


def test_a_range_of_host_power_is_at_the_quantile_of_the_method():
    """1.5 to 3 kW beside 4 kW of the accelerators."""
    host = {"distribution": "log-normal", "p5": 1.5, "p95": 3.0, "unit": "kW", "source": "a meter"}
    method = resolved(host_power=host)
    method["monte_carlo"] = method["monte_carlo"] | {"normal_quantile_95": 1.0}
    power = build.build(method, bench(LADDER, gpu_power_w=4000.0), WHERE).power
    assert power.factor.sigma == pytest.approx(math.log(7 / 5.5) / 2)


def test_a_method_needs_no_power_by_model_and_a_law_of_its_own_runs_no_others(monkeypatch):
    method = resolved()
    method["node_power"] = {"default": quantity(9.0, "kW")}
    monkeypatch.setattr(build, "usable_rows", None)
    found = build.build(method, bench(LADDER), WHERE, background=VENDOR)
    assert found.model.node_power == 9


@pytest.mark.parametrize(("throughput", "words"), [(20, "0.0395"), (60, None), (7000, "13.2")])
def test_a_run_far_from_the_others_is_unusual(throughput, words):
    rows = [(1000, 100, 300), (1000, 300, 500), (1000, 319, throughput), (1000, 1000, 700)]
    runs = bench(rows, model="Llama 3.1 405B", concurrency=32.0)
    method = resolved(model="Llama 3.1 405B")
    told = build.build(method, runs, WHERE, hardware=HARDWARE).unusual
    told = [text for text in told if "deployment.benchmarks" in text]
    if words is None:
        assert told == []
    else:
        (text,) = told
        assert (
            f"value runs.json: unusual; run 3 with 1000/319 tokens has throughput_tps {throughput}"
            in text
        )
        assert f"which is {words} times the median; usual is at most 10 times off" in text
    few = build.build(method, runs.iloc[1:3], WHERE, hardware=HARDWARE).unusual
    assert not [text for text in few if "times off" in text]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([(5000, 500, 400)], ()),
        ([(5001, 500, 400)], ("traditional.input_tokens", "long.input_tokens")),
        ([(49, 3000, 400)], ("traditional.input_tokens", "long.input_tokens")),
        ([(500, 3001, 400)], ("traditional.output_tokens",)),
        ([(500, 300, 400), (500, 499, 400)], ("long.output_tokens",)),
        ([(np.nan, 3001, 400)], ()),
    ],
)
def test_queries_far_from_all_measured_lengths_are_unusual(runs, told):
    """By hand: queries of 500 input and 300 or 5,000 output tokens in the median."""
    found = build.build(resolved(), bench(runs), WHERE).unusual
    reach = [text for text in found if "times from the nearest measured" in text]
    keys = [text.removeprefix(f"{WHERE}: key regimes.").partition(":")[0] for text in reach]
    assert sorted(keys) == sorted(told)


@pytest.mark.parametrize(("factor", "told"), [(0.99, False), (1.01, True)])
@pytest.mark.parametrize("load", [16.0, 256.0])
def test_runs_beyond_what_the_experts_of_all_requests_let_are_unusual(load, factor, told):
    """By hand: a token uses 8 of 256 experts of DeepSeek-R1, which are all but 16.5e9 weights."""
    routed = (671e9 - 37e9) / (1 - 8 / 256)
    read = 671e9 - routed + routed * (1 - (1 - 8 / 256) ** load)
    most = load / (read / (8 * 8e12))
    runs = bench([(1000, 1000, factor * most)], model="DeepSeek-R1", gpu="B200", concurrency=load)
    method = resolved(model="DeepSeek-R1")
    found = build.build(method, runs, WHERE, hardware=HARDWARE).unusual
    words = f"{factor} tokens of each of {load:g} requests at once while the GPUs read the weights"
    assert [words in text for text in found if "while the GPUs read" in text] == [True] * told
    unstated = build.build(method, runs.assign(concurrency=np.nan), WHERE, hardware=HARDWARE)
    assert not [text for text in unstated.unusual if "while the GPUs read" in text]


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize(("factor", "off"), [(1, False), (1 / 8, True), (8, True)])
def test_runs_that_are_off_alike_are_unusual(copies, factor, off):
    """All of one GPU for those of a node, or the reverse; copies serve the requests in parts."""
    rows = [(1000, 100, 500), (1000, 300, 800), (1000, 1000, 950)]
    runs = bench(
        [(*lengths, copies * factor * throughput) for *lengths, throughput in rows],
        model="Llama 3.1 405B",
        n_gpus=8 * copies,
        concurrency=32.0 * copies,
    )
    method = resolved(model="Llama 3.1 405B", gpus_per_node=quantity(8, "GPUs"))
    told = build.build(method, runs, WHERE, hardware=HARDWARE).unusual
    told = [text for text in told if "in the median" in text]
    if not off:
        assert told == []
        return
    one = runs.assign(requests=np.nan, concurrency=32.0)
    alone = throughput_before_fit(one, *HARDWARE.values())
    share = np.exp(np.median(np.log(runs["throughput_tps"] / copies / alone)))
    (text,) = told
    place = f"{WHERE}: key deployment.benchmarks: Llama 3.1 405B on {GPU}: unusual; throughput_tps"
    assert text.startswith(f"{place} of its 3 rows is in the median {share:.3g} times what such")


def test_a_copy_over_a_rack_is_not_held_to_one_group_of_gpus():
    """72 GB200 in FP4 serve 5,556 tokens/s a GPU, 17.6 times what one group of 72 should give."""
    runs = bench(
        [(1000, 1000, 400_000)],
        model="DeepSeek-R1",
        gpu="GB200",
        n_gpus=72,
        tensor_parallel=72,
        precision="FP4",
        concurrency=8192.0,
        node_power_w=125_000.0,
    )
    method = resolved(model="DeepSeek-R1", gpus_per_node=quantity(72, "GPUs"))
    assert build.build(method, runs, WHERE, hardware=HARDWARE).unusual == ()
    # a copy of eight still is
    eight = runs.assign(n_gpus=8, tensor_parallel=8, concurrency=4.0, throughput_tps=20_000.0)
    eight = eight.assign(node_power_w=10_000.0)
    method = resolved(model="DeepSeek-R1", gpus_per_node=quantity(8, "GPUs"))
    told = build.build(method, eight, WHERE, hardware=HARDWARE).unusual
    assert any("times what such hardware gives" in text for text in told)


@pytest.mark.parametrize(
    ("power", "words"),
    [
        ({"gpu_power_w": 0.28}, "gpu_power_w of 0.28 times the rated power of 8 x"),
        ({"node_power_w": 0.32}, "node_power_w of 0.32 times the rated power of 8 x"),
        ({"gpu_power_w": 0.29}, None),
        ({"node_power_w": 0.33}, None),
        ({"energy_per_output_token_j": 0.2}, "gpu_power_w of 0.2 times the rated power of 8 x"),
    ],
)
def test_power_of_runs_below_what_was_measured_at_work_is_unusual(power, words):
    """Idle GPUs draw half of it, and nothing was said of what lies between."""
    ((column, share),) = power.items()
    runs = bench(LADDER[:2], model="Llama 3.1 405B", power_boundary="accelerator")
    watts = 5600 * (share + np.array([0.0, 0.03]))
    per_token = column.startswith("energy")
    runs[column] = watts / runs["throughput_tps"] if per_token else watts
    if column == "node_power_w":
        runs["power_boundary"] = "node"
    method = resolved(model="Llama 3.1 405B", host_power=HOST)
    told = build.build(method, runs, WHERE, hardware=HARDWARE).unusual
    told = [text for text in told if "rated power" in text]
    if words is None:
        assert told == []
        return
    (text,) = told
    assert text.startswith(f"{WHERE}: key deployment.benchmarks: unusual; {words}")
    count = "2 runs are" if per_token else "1 run is"
    usual = "0.33" if column == "node_power_w" else "0.29"
    assert f" in run 1 of runs.json; usual at work is at least {usual}; {count} below" in text
    unknown = bench(LADDER[:2], gpu="Another").assign(**{column: runs[column]})
    build_of = resolved(host_power=HOST)
    told = build.build(build_of, unknown, WHERE, hardware=HARDWARE).unusual
    assert not [text for text in told if "rated power" in text]


@pytest.mark.parametrize(
    ("speeds", "rises"),
    [((800, 1100, 1500), True), ((800, 810, 870), False), ((1500, 1100, 800), False)],
)
def test_a_throughput_that_rises_with_the_input_is_unusual(speeds, rises):
    """Inputs of four times the length nearly doubled it, and nothing was said."""
    rows = [(n, 300, tps) for n, tps in zip((1000, 2000, 4000), speeds, strict=True)]
    runs = bench([*rows, (1000, 3000, speeds[0])])
    usual = (
        "; usual is at most 1.1 times, as a longer input is more to compute and to keep; compare"
    )
    place = f"{WHERE}: key deployment.benchmarks: unusual;"
    of_runs = build.build(resolved(), runs, WHERE).unusual
    # of no two runs the output is the same
    apart = runs.assign(output_tokens=[200, 300, 500, 3000])
    of_law = build.build(resolved(), apart, WHERE).unusual
    if not rises:
        assert of_runs == of_law == ()
        return
    (text,) = of_runs
    assert text.startswith(
        f"{place} run 3 of runs.json with 4000 input tokens has throughput_tps 1500, 1.88 times"
        f" that of run 1 of runs.json with 1000 and as many output tokens, 800{usual}"
    )
    (text,) = of_law
    assert text.startswith(f"{place} the log-linear law of these runs gives ")
    assert f" times as many, at 4000 input tokens{usual}" in text
    # the largest throughput, whatever the lengths
    assert build.build(resolved(), apart[1:3], WHERE).unusual == ()


def test_runs_that_are_left_out_for_their_marks_are_told():
    """A law of lengths became the largest throughput; why stood in the report alone."""
    slow, failed = "marked: throughput_tps 9 tokens/s where", "marked: 3 requests failed"
    runs = bench(LADDER, status=["ok", slow, "ok", failed])
    found = build.build(resolved(), runs, WHERE)
    assert found.basis.startswith("The largest throughput of 2 measured shapes")
    place = f"{WHERE}: key deployment.benchmarks: unusual; run"
    remedy = "correct what is wrong, repeat the run, or state accept_marked: true, with which it"
    assert list(found.unusual) == [
        f"{place} 2 of runs.json is left out, as throughput_tps 9 tokens/s where; {remedy} counts",
        f"{place} 4 of runs.json is left out, as 3 requests failed; {remedy} counts",
    ]
    assert build.build(resolved(accept_marked=True), runs, WHERE).unusual == ()


def test_what_one_request_gets_at_most_is_known_of_known_models_and_gpus():
    """By hand: 405.85e9 weights of one byte are read from eight GPUs of 3.35 TB/s in 15.1 ms."""
    runs = bench(LADDER, model="Llama 3.1 405B")
    method = resolved(model="Llama 3.1 405B")
    found = build.build(method, runs, WHERE, hardware=HARDWARE)
    assert found.fastest == pytest.approx(8 * 8 * 3.35e12 / 405.85e9)
    assert build.build(method, runs, WHERE).fastest == math.inf
    assert build.build(resolved(), bench(LADDER), WHERE, hardware=HARDWARE).fastest == math.inf


PAGE = (ROOT / "docs" / "deployments.md").read_text(encoding="utf-8")
UNUSUAL_ROWS = [
    line
    for line in PAGE.partition("## What is told as unusual")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| `")
]
"""Rows of the page's table of warnings."""


def keys_that_are_warned_of():
    """Key and file of every text of the library's deployments that says a key is unusual."""
    for path in sorted((ROOT / "workflow/inference_energy/deployments").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            parts = (
                part.value if isinstance(part, ast.Constant) else "NAME"
                for part in ast.iter_child_nodes(node)
            )
            if "unusual" in (text := "".join(parts)):
                yield from re.findall(r": key (\w+(?:\.[a-zA-Z_]+)*)", text)


def test_every_key_that_a_deployment_is_warned_of_is_on_the_page():
    keys = set(keys_that_are_warned_of())
    assert {"regimes.NAME.NAME", "deployment.host_power", "deployment.benchmarks"} < keys
    told = {line.split("`")[1] for line in UNUSUAL_ROWS}
    # what stands for a name of the file's is the page's NAME, or the whole key
    assert {key.partition(".NAME")[0] for key in keys} <= {
        row.partition(".NAME")[0] for row in told
    }


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("the nearest measured", f"more than {build.USUAL_REACH:g} times"),
        ("the context of the model", f"up to {LONGEST:g} times"),
        ("the node of its GPU on sale", "more GPUs than"),
        ("less that of its GPUs", "{:g} to {:g} times".format(*build.USUAL_HOST)),
        ("that no table has", "held to"),
        ("rated power of the node's GPUs", "{:g} to {:g} times".format(*build.USUAL_HOST)),
        ("stated and not used", "no run has a power of its accelerators"),
        ("meters leave to the host", f"{HOSTS_APART:g} times"),
        ("left out for their marks", "accept_marked: true"),
        ("that of the other runs", f"more than {build.USUAL_APART:g} times"),
        ("all runs of a model and GPU", f"more than {USUAL_MEDIAN:g} times"),
        ("the experts of all its requests", f"more than {build.USUAL_FASTEST:g} token"),
        ("with the longer input", f"more than {build.USUAL_RISE:g} times"),
        ("GPUs at work", f"below {USUAL_DRAWN:g}"),
        ("a node at work", f"below {USUAL_DRAWN_OF_NODE:g}"),
        ("the GPUs alone", "charged to all"),
        ("of one concurrency", f"more than {POWERS_APART:g} times"),
    ],
)
def test_every_warning_and_its_bound_stand_on_the_page(words, bound):
    (row,) = (line for line in UNUSUAL_ROWS if words in line)
    assert bound in row


def test_several_deployments_of_which_one_is_wrong_are_on_the_page():
    (line,) = (line for line in PAGE.splitlines() if "several" in line and "the right ones" in line)
    assert "answered" in line
