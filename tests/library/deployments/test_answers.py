"""From benchmark runs of one's own nodes to energy, cost and carbon."""

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from inference_energy.deployments import answers, build, files
from inference_energy.deployments import law as deployments_law
from inference_energy.deployments import power as deployments_power
from inference_energy.deployments import runs as deployments_runs
from inference_energy.deployments.readers import detect_and_read
from inference_energy.errors import InputError
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "benchmarks"
WHERE = "mine.yaml"
GPU = "H100-SXM-80GB"
HOST = {"distribution": "fixed", "value": 2.0, "unit": "kW", "source": "a meter"}


def read_yaml(path):
    """Content of a YAML file of the repository."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


METHODS = {p.stem: read_yaml(p) for p in sorted((ROOT / "config/methods").glob("*.yaml"))}
SCHEMAS = {
    n: read_yaml(f"workflow/schemas/{n}.schema.yaml") for n in ("method", "deployment", "facts")
}
HARDWARE = {name: read_table(ROOT / f"data/{name}.csv", name) for name in ("models", "gpus")}
VENDOR = read_table(ROOT / "data/throughput/trtllm.csv", "throughput")
EXAMPLE = "config/deployments/8xh100-llama-405b.yaml"


def quantity(value, unit):
    """A quantity of a method file."""
    return {"value": value, "unit": unit, "source": "a test"}


def own(extends="oviedo2026", keys=None, **section):
    """Content of a deployment file."""
    needed = {
        "model": "M",
        "benchmarks": "runs.json",
        "gpus_per_node": quantity(8, "GPUs"),
        "traffic": {
            "queries_per_day": quantity(1000, "queries/day"),
            "long_share": quantity(0.25, "1"),
        },
        "electricity_price": quantity(0.1, "EUR/kWh"),
        "grid_intensity": quantity(400, "gCO2e/kWh"),
    }
    return {"extends": extends, "deployment": needed | section} | (keys or {})


def resolved(*args, **kwargs):
    """A deployment file, merged and checked."""
    return files.resolve(own(*args, **kwargs), "mine", WHERE, METHODS, SCHEMAS)


def bench(rows, **columns):
    """Benchmark table of runs (input tokens, output tokens, throughput)."""
    frame = pd.DataFrame(rows, columns=["input_tokens", "output_tokens", "throughput_tps"])
    common = {
        "model": "M",
        "gpu": GPU,
        "n_gpus": 8,
        "tensor_parallel": 8,
        "pipeline_parallel": 1,
        "precision": "FP8",
        "concurrency": 64.0,
        "gpu_power_w": np.nan,
        "node_power_w": np.nan,
        "energy_per_output_token_j": np.nan,
        "power_boundary": None,
        "status": "ok",
        "source_id": "own",
        "source_file": "runs.json",
        "sha256": "0" * 64,
    }
    frame = frame.assign(**(common | columns), run=range(1, len(frame) + 1))
    return frame.astype({"input_tokens": float, "output_tokens": float, "throughput_tps": float})


def refusal(call, *args, **kwargs):
    """Message with which a call is refused."""
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


FIXED = {
    "pue": {"distribution": "fixed", "value": 1.5, "unit": "1", "source": "a test"},
}
LADDER = [(500, 300, 4000), (500, 600, 3600), (500, 1200, 3000), (500, 4500, 1500)]


def test_repetitions_are_one_shape_with_the_tokens_over_time_of_all():
    runs = bench([(500, 300, 100), (505, 297, 300), (500, 600, 90)])
    shapes = deployments_runs.distinct_shapes(runs)
    assert shapes["throughput_tps"].tolist() == pytest.approx([150, 90])
    assert shapes["output_tokens"].tolist() == pytest.approx([298.5, 600])


def test_runs_without_input_lengths_are_still_told_apart_by_output():
    shapes = deployments_runs.distinct_shapes(
        bench([(np.nan, 300, 100), (np.nan, 302, 100), (np.nan, 900, 50)])
    )
    assert len(shapes) == 2


@pytest.mark.parametrize(
    ("rows", "name", "law"),
    [
        (LADDER, "log-linear", "log-linear"),
        (LADDER, "additive", "additive"),
        (LADDER[:2], "additive", "peak"),
        (LADDER[:1], "log-linear", "peak"),
        ([(np.nan, 300, 4000), (np.nan, 600, 3600), (np.nan, 1200, 3000)], "additive", "peak"),
    ],
)
def test_the_number_of_shapes_chooses_the_law(rows, name, law):
    settings = METHODS["oviedo2026"]["throughput_law"] | {"name": name}
    found, basis = deployments_law.fit_law(bench(rows), settings)
    assert found.name == law
    assert ("input length" in basis) == bool(np.isnan(rows[0][0]))


def test_one_measured_shape_conditions_the_vendors_law():
    shape = (1000, 1000)
    unmeasured = bench([(*shape, np.nan)], model="Llama 3.1 405B", concurrency=np.nan)
    background = VENDOR[(VENDOR["model"] == "Llama 3.1 405B") & (VENDOR["precision"] == "FP8")]
    pooled = Hierarchical.fit(add_serving_times(background, **HARDWARE))
    prior = pooled.condition(add_serving_times(unmeasured, **HARDWARE)).predict(*shape)
    settings = METHODS["revised"]["throughput_law"]
    for copies in (1, 2):
        run = unmeasured.assign(throughput_tps=0.5 * prior * copies, n_gpus=8 * copies)
        law, _ = deployments_law.fit_law(run, settings, background, HARDWARE)
        assert law.name == "hierarchical"
        assert 0.5 <= law.predict(*shape) / (prior * copies) < 0.7
        assert law.predict(300, 2000) < prior * copies * 1.5


def test_power_measured_at_the_node_counts_as_it_is():
    runs = bench(LADDER, node_power_w=6000.0, gpu_power_w=4000.0)
    power = deployments_power.measured_power(runs, own()["deployment"], WHERE)
    assert power.boundary == "node"
    assert power.factor.quantile(0.5) == pytest.approx(6)
    assert power.factor.sigma == 0


@pytest.mark.parametrize(("gpus", "total"), [(8, 6.0), (4, 5.0), (16, 8.0)])
def test_power_measured_at_the_accelerators_gets_the_hosts_of_its_nodes(gpus, total):
    runs = bench(LADDER, gpu_power_w=4000.0, n_gpus=gpus)
    power = deployments_power.measured_power(runs, own(host_power=HOST)["deployment"], WHERE)
    assert power.factor.quantile(0.5) == pytest.approx(total)
    message = refusal(deployments_power.measured_power, runs, own()["deployment"], WHERE)
    assert "deployment.host_power" in message and WHERE in message


def test_a_range_of_host_power_is_the_range_of_the_sum():
    runs = bench(LADDER[:1], gpu_power_w=4000.0)
    host = {"distribution": "log-normal", "p5": 1.0, "p95": 3.0, "unit": "kW", "source": "a test"}
    power = deployments_power.measured_power(runs, own(host_power=host)["deployment"], WHERE)
    assert power.factor.quantile([0.05, 0.95]) == pytest.approx([5, 7], rel=1e-3)


def test_power_that_the_reader_doubts_is_not_used():
    runs = bench(LADDER, gpu_power_w=4000.0, status="marked: power: no sample for 9 s")
    assert deployments_power.measured_power(runs, own()["deployment"], WHERE) is None


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


def test_the_papers_own_rows_give_the_papers_own_answer():
    """A deployment of the paper's rows is the paper's model: same law, power and factors."""
    name = "Llama 3.1 405B"
    rows = read_table(ROOT / "data/throughput/oviedo.csv", "throughput")
    rows = rows[(rows["model"] == name) & (rows["precision"] == "FP8")]
    runs = bench(
        rows[["input_tokens", "output_tokens", "throughput_tps"]].to_numpy(),
        model=name,
        concurrency=np.nan,
    )
    found = build.build(resolved(model=name), runs, WHERE)
    table = read_table(ROOT / "results/oviedo2026/energy_per_query.csv", "energy_per_query")
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
    method = files.resolve(content, "mine", WHERE, METHODS, SCHEMAS)
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


@pytest.mark.parametrize(
    ("section", "columns", "words"),
    [
        ({"model": "N"}, {}, ["deployment.model", "value N", "allowed are M"]),
        ({"gpu": "B200"}, {}, ["deployment.gpu", "value B200", GPU]),
        ({}, {"gpu": [GPU, GPU, "B200", "B200"]}, ["differ in gpu", "B200", "state gpu"]),
        ({}, {"concurrency": [1.0, 1.0, 8.0, np.nan]}, ["1, 8, not known", "state concurrency"]),
        ({"concurrency": quantity(2, "requests")}, {}, ["value 2", "allowed are 64"]),
        ({}, {"status": "marked: requests failed"}, ["requests failed", "accept_marked"]),
    ],
)
def test_runs_that_do_not_fit_are_refused_in_words(section, columns, words):
    message = refusal(
        deployments_runs.select_runs, bench(LADDER, **columns), own(**section)["deployment"], WHERE
    )
    assert message.startswith(WHERE) and "\n" not in message
    assert all(word in message for word in words)


def test_only_the_runs_at_the_operators_load_count():
    runs = bench(
        LADDER, concurrency=[64.0, 64.0, 8.0, 64.0], status=["ok", "marked: x", "ok", "ok"]
    )
    section = own(concurrency=quantity(64, "requests"))["deployment"]
    use = deployments_runs.select_runs(runs, section, WHERE)["use"].tolist()
    assert use == ["yes", "marked", "other concurrency", "yes"]
    accepted = deployments_runs.select_runs(runs, section | {"accept_marked": True}, WHERE)
    assert (accepted["use"] == "yes").sum() == 3


def without(key):
    """Deployment file that lacks a key of its section."""
    content = own()
    del content["deployment"][key]
    return content


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (own(colour="red"), "mine", ["deployment", "unknown key colour"]),
        (own(keys={"colour": "red"}), "mine", ["unknown key colour"]),
        (without("traffic"), "mine", ["missing key traffic"]),
        (own(facts={"gpus": 8}), "mine", ["deployment.facts", "unknown key gpus"]),
        (
            own(electricity_price=quantity(1, "EUR/MWh")),
            "mine",
            ["electricity_price.unit", "EUR/MWh"],
        ),
        (own(extends="oviedo2062"), "mine", [WHERE, "oviedo2062", "did you mean oviedo2026"]),
        ({"deployment": {}}, "mine", ["missing key extends"]),
        ({"extends": "oviedo2026"}, "mine", ["missing key deployment"]),
        (own(), "revised", ["name of a method"]),
        (None, "mine", ["holds no keys"]),
        (
            own(keys={"pue": {**FIXED["pue"], "distribution": "log-normal"}}),
            "mine",
            ["key pue", "missing key p5"],
        ),
        (
            own(
                host_power={
                    "distribution": "log-normal",
                    "p5": 3,
                    "p95": 2,
                    "unit": "kW",
                    "source": "x",
                }
            ),
            "mine",
            ["deployment.host_power", "p5 < p95"],
        ),
    ],
)
def test_a_wrong_file_is_refused_in_words(content, name, words):
    message = refusal(files.resolve, content, name, WHERE, METHODS, SCHEMAS)
    assert all(line.startswith(WHERE) for line in message.splitlines())
    assert all(word in message for word in words)


def test_all_problems_of_a_file_are_told_at_once():
    content = own(colour="red", keys={"taste": "sweet"})
    message = refusal(files.resolve, content, "mine", WHERE, METHODS, SCHEMAS)
    assert "colour" in message and "taste" in message


def aiperf(folder):
    """Two AIPerf exports at one concurrency: the fixture, and one of twice the length."""
    record = json.loads((FIXTURES / "aiperf/dcgm.json").read_text(encoding="utf-8"))
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


@pytest.fixture(scope="module", params=["8xh100-llama-405b", "8xb200-deepseek-r1"])
def example(request):
    """An example that ships: its method, benchmark file content and answer."""
    path = f"config/deployments/{request.param}.yaml"
    content = read_yaml(path)
    method = files.resolve(content, request.param, path, METHODS, SCHEMAS)
    section = method["deployment"]
    file = ROOT / "config/deployments" / section["benchmarks"]
    found = build.build(method, detect_and_read(file, section["facts"]), path)
    return request.param, method, list(content), json.loads(file.read_text(encoding="utf-8")), found


def test_the_examples_hold_the_measurements_of_the_data(example):
    """The files in the client's own format say what data/measured says."""
    *_, found = example
    table = read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")
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


def make_tables(method, stated, found):
    """Tables of a deployment, and of the law."""
    reference = read_table(ROOT / "results/oviedo2026/energy_per_query.csv", "energy_per_query")
    return {
        "energy_per_query": answers.energy_per_query(found, reference, "oviedo2026"),
        "energy_per_million_tokens": answers.energy_per_million_tokens(found),
        "per_day": answers.per_day(found),
        "limits": answers.limits(found),
        "assumptions": answers.assumptions(method, stated, found),
    }


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
