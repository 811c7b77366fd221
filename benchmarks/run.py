"""Measure what the project promises about speed, in one run; write benchmarks/results.md."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from inference_energy import units
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from inference_energy.energy.equation import query_energy
from inference_energy.laws.log_linear import RELEASED_FLOOR
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.tables import read_table, write_text
from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]
METHOD = "config/methods/oviedo2026.yaml"
DRAFT = "config/methods/draft.yaml"
DRAFTED = """extends: revised
pue: {distribution: fixed, value: 1.2, unit: "1", source: assumption}
"""
SEVERAL = "config/methods/several.yaml"
SEVERAL_DRAFTED = """extends: revised
throughput_law:
  name: at-load
  error: ignored
  gpus_per_node: 8
  reference: {input_tokens: 1000, output_tokens: 500, unit: tokens}
  source: assumption
pue: {distribution: fixed, value: 1.2, unit: "1", source: assumption}
serving:
  load: {distribution: log-normal, p5: 4, p95: 200, unit: requests, source: assumption}
regimes:
  traditional:
    input_tokens: {value: 500, unit: tokens, source: assumption}
    output_tokens: {distribution: exponential, median: 300, unit: tokens, source: assumption}
  long:
    input_tokens: {value: 500, unit: tokens, source: assumption}
    output_tokens: {distribution: exponential, median: 5000, unit: tokens, source: assumption}
blend: {models: 3, source: assumption}
fleet:
  long_share: {value: 0.2, unit: "1", source: assumption}
pathways:
  model: {distribution: log-normal, p5: 2, p95: 8, unit: "1", source: assumption}
"""
# a row of the tables that the law which knows load learns from: nothing is fitted to more of them
ROWS = "data/throughput/at_load.csv"
ROW, EDITED_ROW = ",0.0307598,8154.05,", ",0.0307598,8100.00,"
REPETITIONS = 5
REPETITIONS_OF_RUNS = 3
SAMPLES_ONE_BY_ONE = 2000


def paper():
    """Setup of the paper's method."""
    files = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (ROOT / "config" / "methods").glob("*.yaml")
    }
    table = read_table(ROOT / "data" / "throughput" / "oviedo.csv", "throughput")
    return build(resolve("oviedo2026", files), table)


def seconds(function):
    """Least time of a few calls, after one that fills caches. [s]"""
    function()
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def copy_to(folder):
    """Copy the tracked files into a new repository and commit them."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, names.split("\0")):
        target = Path(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    author = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    subprocess.run(["git", *author, "commit", "--quiet", "-m", "copy"], cwd=folder, check=True)


def run_seconds(folder, *arguments, **variables):
    """Wall time of a snakemake command. [s]"""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        env=os.environ | variables,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def forced_run(folder, times):
    """Wall time of a run of everything, as of `make` [s], and path of its jobs' times."""
    path = Path(folder, times)
    targets = ("all", "audit", "build/report.html")
    return run_seconds(folder, "--forceall", *targets, JOB_TIMES=str(path)), path


def asked_seconds(folder, *asked, cold=False):
    """Least wall time of a what-if [s]; cold, no fit of an earlier question is found."""
    times = []
    for _ in range(REPETITIONS_OF_RUNS):
        if cold:
            shutil.rmtree(Path(folder, "build", "fits"), ignore_errors=True)
        times.append(run_seconds(folder, "whatif", "--config", *asked))
    return min(times)


def edit(folder, path, old, new):
    """Edit a file in a folder in one place, which has to be there."""
    file = Path(folder, path)
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise SystemExit(f"{path}: {old!r} stands there {text.count(old)} times; allowed is once")
    file.write_text(text.replace(old, new), encoding="utf-8")


def job_times(path):
    """Jobs of each rule and their CPU time [s], the costliest rule first, and of all."""
    table = pd.read_csv(path, sep=" ", names=["rule", "seconds"])
    rules = table.groupby("rule")["seconds"].agg(["size", "sum"]).sort_values("sum").iloc[::-1]
    each = {rule: (jobs, seconds) for rule, jobs, seconds in rules.itertuples()}
    return each | {"all": (len(table), float(table["seconds"].sum()))}


def page(**measured):
    """Write what was measured, times in seconds, by results.md.jinja."""
    lines = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    template = (ROOT / "benchmarks" / "results.md.jinja").read_text(encoding="utf-8")
    made = Environment(undefined=StrictUndefined, **lines).from_string(template)
    return made.render(units=units, **measured)


def exact_percentiles(setup):
    """Every percentile of one regime: models, blend and pathways."""
    models, names = energy_exact.regime_energy(setup, setup.regimes["long"])
    blend = energy_exact.blend_energy(setup, models, names)
    return [energy.describe() for energy in energy_exact.with_pathways(setup, blend).values()]


def dot_product(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] with as little as NumPy needs."""
    row = np.array([1.0, np.log(input_tokens), np.log(max(tokens, RELEASED_FLOOR))])
    coefficients = np.array([law.intercept, law.input_exponent, law.output_exponent])
    return min(np.exp(np.dot(row, coefficients)), law.peak)


def fitted_law(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] with the fitted law's own method."""
    return law.predict(input_tokens, tokens)


def one_row_table(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] from a table of one row, as statistics packages take it."""
    logs = {"input": [np.log(input_tokens)], "output": [np.log(max(tokens, RELEASED_FLOOR))]}
    design = pd.DataFrame({"constant": [1.0]} | logs)
    coefficients = np.array([law.intercept, law.input_exponent, law.output_exponent])
    return min(np.exp(design.to_numpy() @ coefficients)[0], law.peak)


def one_by_one(setup, regime, predict):
    """Energies of some queries, calling the regression once per query."""
    random, model, n = monte_carlo.generator(setup), setup.models[0], SAMPLES_ONE_BY_ONE
    lengths = regime.output_tokens.sample(random, n)
    utilisation, pue = setup.power_utilisation.sample(random, n), setup.pue.sample(random, n)
    return [
        query_energy(
            tokens,
            predict(model.law, regime.input_tokens, tokens),
            model.node_power,
            utilisation[i],
            pue[i],
        )
        for i, tokens in enumerate(lengths)
    ]


def main():
    """Measure and write."""
    setup = paper()
    regime = setup.regimes["long"]
    with tempfile.TemporaryDirectory() as folder:
        copy_to(folder)
        Path(folder, "build").mkdir()
        runs = sorted(
            forced_run(folder, f"build/times_{i}.txt") for i in range(REPETITIONS_OF_RUNS)
        )
        jobs = job_times(runs[0][1])
        dry = min(run_seconds(folder, "--dry-run") for _ in range(REPETITIONS_OF_RUNS))
        edit(folder, METHOD, "value: 10.2, unit: kW", "value: 10.1, unit: kW")
        for path, drafted in ((DRAFT, DRAFTED), (SEVERAL, SEVERAL_DRAFTED)):
            Path(folder, path).write_text(drafted, encoding="utf-8")
        questions = {
            "one": ["method=oviedo2026"],
            # most time goes into the factor of every setting
            "many": ["method=full-load"],
            # no law takes longer to fit than the one that knows load
            "draft": [f"method={DRAFT}"],
            # nothing else asks that law for as many mixtures
            "several": [f"method={SEVERAL}"],
            "loaded": ["method=revised", "base=oviedo2026"],
        }
        whatif = {name: asked_seconds(folder, *asked) for name, asked in questions.items()}
        # last, and alone: of an edited row committed and edited tables are both fitted
        edit(folder, METHOD, "value: 10.1, unit: kW", "value: 10.2, unit: kW")
        edit(folder, ROWS, ROW, EDITED_ROW)
        for name, cold in (("row", True), ("row again", False)):
            whatif[name] = asked_seconds(folder, "method=revised", cold=cold)
    exact = seconds(lambda: exact_percentiles(setup))
    samples = setup.monte_carlo.samples * len(setup.models)
    vectorised = seconds(lambda: monte_carlo.simulate(setup, regime, monte_carlo.generator(setup)))
    per_sample = vectorised / samples
    called = {
        name: seconds(lambda predict=predict: one_by_one(setup, regime, predict))
        / SAMPLES_ONE_BY_ONE
        for name, predict in (
            ("dot product", dot_product),
            ("fitted law", fitted_law),
            ("one-row table", one_row_table),
        )
    }
    text = page(
        runs=[run for run, _ in runs],
        dry=dry,
        whatif=whatif,
        exact=exact,
        per_sample=per_sample,
        called=called,
        rules=jobs,
    )
    write_text(ROOT / "benchmarks" / "results.md", text)
    print(text)


if __name__ == "__main__":
    main()
