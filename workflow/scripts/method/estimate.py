"""Energies of one method: the paper's tables, and the parts of their spread."""

from pathlib import Path

import pandas as pd
from _logged import run
from _setups import read_setup
from inference_energy.drawing import save_all
from inference_energy.energy.exact import regime_energy
from inference_energy.errors import InputError
from inference_energy.laws.hardware import find_model
from inference_energy.method.files import method_path
from inference_energy.paper import estimate
from inference_energy.reports import told
from inference_energy.robustness.figures import variance_shares
from inference_energy.robustness.uncertainty import (
    by_class,
    input_lengths,
    model_energies,
    page,
    variance_parts,
)
from inference_energy.tables import read_table, write_table, write_text


def write_paper(method, setup, engines, write):
    """Laws, energy per query, a fleet's day and the sensitivities that the paper shows."""
    write_table(estimate.throughput_laws(setup), write.laws, "throughput_laws")
    energies = estimate.energy_per_query(setup, engines)
    problems = list(estimate.spread_problems(energies, method_path(method["id"])))
    if problems:
        raise InputError(problems)
    write_table(energies, write.energy, "energy_per_query")
    write_table(estimate.throughput(setup, engines), write.throughput, "throughput_results")
    write_table(estimate.output_tokens(setup, engines), write.tokens, "output_tokens")
    write_table(estimate.extrapolation(setup), write.extrapolation, "extrapolation")
    write_table(estimate.members(estimate.blend(setup)), write.blend, "blend")
    write_table(estimate.densities(setup), write.densities, "densities")
    write_table(estimate.histograms(setup), write.histograms, "histograms")
    write_table(estimate.fleet(setup, engines), write.fleet, "fleet")
    varied = estimate.sensitivity(setup, method["sensitivities"], engines)
    write_table(varied, write.sensitivity, "sensitivity")


def traced_inputs(regime, trace, read):
    """Input lengths of a kind of query whose lengths are those of a trace; else None."""
    if trace is None:
        return None
    rows = read_table(read.traces, "request_lengths").query("trace == @trace")
    rows = rows.sort_values("quantile")
    return input_lengths(rows["quantile"], rows["input_tokens"], regime.input_tokens)


def write_uncertainty(name, method, setup, read, write):
    """What the spread of the energies comes from, and classes of models."""
    models = read_table(read.models, "models")
    architectures = {
        model.name: find_model(pd.Series({"model": model.name}), models)["architecture"]
        for model in setup.models
    }
    parts, classes, traces = [], [], {}
    for kind, regime in setup.regimes.items():
        traces[kind] = method["regimes"][kind]["output_tokens"].get("trace")
        inputs = traced_inputs(regime, traces[kind], read)
        _, members = regime_energy(setup, regime)
        energies = model_energies(setup, regime, members, inputs)
        parts.append(variance_parts(setup, regime, members, inputs).assign(regime=kind))
        classes.append(by_class(energies, members, architectures).assign(regime=kind))
    parts, classes = pd.concat(parts), pd.concat(classes)
    extrapolation = read_table(write.extrapolation, "extrapolation")
    write_table(parts, write.parts, "uncertainty")
    write_table(classes, write.classes, "classes")
    save_all({"uncertainty": variance_shares(parts)}, [write.svg, write.png])
    text = page(name, parts, classes, extrapolation, traces)
    write_text(write.page, told(text, Path(write.page).parent))


def main(snakemake):
    """Build the method once; estimate and write."""
    read, write = snakemake.input, snakemake.output
    method, setup = read_setup(read)
    write_paper(method, setup, snakemake.params.engines, write)
    write_uncertainty(snakemake.wildcards.method, method, setup, read, write)


if __name__ == "__main__":
    run(main, snakemake)
