"""Set the methods, the law and other estimators beside the same measured runs."""

import sys
from pathlib import Path

import pandas as pd
from _logged import run
from _setups import read_all_sources
from inference_energy import documents
from inference_energy.drawing import save
from inference_energy.evidence.boundaries import conversion
from inference_energy.method.build import build
from inference_energy.peers import own
from inference_energy.peers.figures import factor_by_load
from inference_energy.peers.page import page
from inference_energy.peers.rows import MEASURED, read_rows
from inference_energy.peers.score import long_form, scores
from inference_energy.reports import told
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Predict, score, write table, page and figure."""
    read, output, names = snakemake.input, snakemake.output, snakemake.params.methods
    rows = read_rows({name: read[name] for name in MEASURED})
    answers = read_table(read.answers, "peer_answers")
    methods = {name: documents.read(path) for name, path in zip(names, read.method, strict=True)}
    sources = read_all_sources(read)
    setups = {name: build(method, **sources(method)) for name, method in methods.items()}
    wall_power = read_table(read.wall_power, "wall_power")
    convert = conversion(snakemake.params.settings, wall_power)
    vendor = read_table(read.vendor, "throughput")
    hardware = {name: read_table(read[name], name) for name in ("models", "gpus")}
    share = own.rated_share(setups[names[-1]], convert, hardware["gpus"])
    parts = [
        long_form(asked, predictor=predictor, told=told, left_out="nothing")
        for (predictor, told), asked in answers.groupby(["predictor", "told"], sort=False)
    ]
    for name, setup in setups.items():
        found = own.of_method(rows, setup, convert)
        parts.append(long_form(found, predictor=name, told="everything", left_out="nothing"))
    for law in own.ASKED:
        for left_out, throughput in own.of_law(law, rows, vendor, hardware).items():
            energy = own.law_energy(rows, throughput, share, hardware["gpus"])
            found = rows[["id"]].assign(throughput_tps=throughput, energy_per_token_j=energy)
            parts.append(long_form(found, predictor=law, told="everything", left_out=left_out))
    scored = scores(rows, pd.concat(parts, ignore_index=True), names)
    write_table(scored, output.table, "peers")
    scored = read_table(output.table, "peers")
    text = page(rows, answers, scored, names[-1], share)
    figure = factor_by_load(scored)
    save(figure, output.svg)
    save(figure, output.png)
    write_text(output.page, told(text, Path(output.page).parent))
    print(text, file=sys.stderr)


if __name__ == "__main__":
    run(main, snakemake)
