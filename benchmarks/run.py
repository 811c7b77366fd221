"""Measure what the project promises about speed, in one run; write benchmarks/results.md."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from inference_energy.energy.equation import query_energy
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.tables import read_table, write_text

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("oviedo2025", "oviedo2026", "oviedo2026-as-written")
REPETITIONS = 5
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


def forced_run():
    """Time of `snakemake --forceall` with the paper's methods on a copy of the files. [s]"""
    with tempfile.TemporaryDirectory() as folder:
        names = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for name in filter(None, names.split("\0")):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
        command = [sys.executable, "-m", "snakemake", "--forceall", "--cores", "2"]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--config", f"methods=[{','.join(METHODS)}]"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start


def exact_percentiles(setup):
    """Every percentile of one regime: models, blend and pathways."""
    models, names = energy_exact.regime_energy(setup, setup.regimes["long"])
    blend = energy_exact.blend_energy(setup, models, names)
    return [energy.describe() for energy in energy_exact.with_pathways(setup, blend).values()]


def dot_product(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] with as little as NumPy needs."""
    row = np.array([1.0, np.log(input_tokens), np.log(max(tokens, law.floor))])
    coefficients = np.array([law.intercept, law.input_exponent, law.output_exponent])
    return min(np.exp(np.dot(row, coefficients)), law.peak)


def fitted_law(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] with the fitted law's own method."""
    return law.predict(input_tokens, tokens)


def one_row_table(law, input_tokens, tokens):
    """Predict one throughput [tokens/s] from a table of one row, as statistics packages take it."""
    logs = {"input": [np.log(input_tokens)], "output": [np.log(max(tokens, law.floor))]}
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
    run = forced_run()
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
    lines = [
        "# Benchmarks",
        "",
        "Measured in one run of `make bench`; the promise is in the last column.",
        "",
        "| what | measured | promised |",
        "| --- | --- | --- |",
        f"| whole forced run, {len(METHODS)} methods, two cores | {run:.0f} s | below 60 s |",
        f"| exact percentiles, one method and regime | {exact:.3f} s | below 0.2 s |",
        f"| published engine, per sample | {per_sample * 1e9:.0f} ns | |",
        *(
            f"| {name} called once per sample, times the published engine | {time / per_sample:.0f}"
            f" | {'at least 100' if name == 'one-row table' else ''} |"
            for name, time in called.items()
        ),
    ]
    write_text(ROOT / "benchmarks" / "results.md", "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
