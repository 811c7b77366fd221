"""Set the methods, the law and other estimators beside the same measured runs."""

from pathlib import Path

import numpy as np
import pandas as pd
from _logged import run
from _setups import read_materials
from inference_energy import documents, reports
from inference_energy.drawing import save
from inference_energy.evidence.boundaries import conversion
from inference_energy.laws.registry import LAWS
from inference_energy.laws.training import training_rows
from inference_energy.method.build import build
from inference_energy.peers import own
from inference_energy.peers.figures import factor_by_load
from inference_energy.peers.page import CONFIGURATOR, each, page
from inference_energy.peers.rows import MEASURED, read_rows
from inference_energy.peers.score import LENGTHS, TOLD, check_answers, long_form, scores
from inference_energy.tables import read_table, write_table, write_text


def _of_packages(answers):
    for (predictor, told), asked in answers.groupby(["predictor", "told"], sort=False):
        yield long_form(asked, predictor=predictor, told=told, left_out="nothing")


def _of_methods(rows, methods, materials, convert):
    for name, method in methods.items():
        given = materials(method)
        found = own.of_method(rows, build(method, **given), convert)
        loaded = own.of_method_at_load(rows, method, given, convert)
        told = LENGTHS if len(loaded) else TOLD
        yield long_form(found, predictor=name, told=told, left_out="nothing")
        yield long_form(loaded, predictor=name, told=TOLD, left_out=own.MODEL)


def _of_configurator(rows, answers, powers):
    """Energy of the throughputs that AIConfigurator predicts, which has no power of its own."""
    is_told = (answers["predictor"] == CONFIGURATOR) & (answers["told"] == TOLD)
    throughput = rows["id"].map(answers[is_told].set_index("id")["throughput_tps"])
    energy = own.law_energy(rows, throughput, own.MODEL, powers)
    found = rows[["id"]].assign(throughput_tps=np.nan, energy_per_token_j=energy)
    return long_form(found, predictor=CONFIGURATOR, told=TOLD, left_out=own.MODEL)


def main(snakemake):
    """Predict, score, write table, page and figure."""
    read, output, names = snakemake.input, snakemake.output, snakemake.params.methods
    rows = read_rows({name: read[name] for name in MEASURED})
    answers = read_table(read.answers, "peer_answers")
    answers = answers[answers["id"].isin(rows["id"])]
    if snakemake.params.are_published:
        check_answers(rows, answers, read.answers)
    methods = {name: documents.read(path) for name, path in zip(names, read.method, strict=True)}
    materials = read_materials(read)
    hardware = materials.shared["hardware"]
    convert = conversion(snakemake.params.settings, hardware)
    vendor = read_table(read.vendor, "throughput")
    tables = [read_table(read.at_load, "throughput"), vendor]
    parts = [*_of_packages(answers), *_of_methods(rows, methods, materials, convert)]
    training = training_rows(
        tables, hardware["mlenergy"], {name: hardware[name] for name in ("models", "gpus")}
    )
    learnt = {law: LAWS[law].prepare(vendor, hardware) for law in own.OF_ONE_LOAD}
    powers = own.PowerLaws(hardware)
    for law in own.ASKED:
        for left_out, throughput in own.of_law(
            law, rows, learnt.get(law, training), hardware
        ).items():
            energy = own.law_energy(rows, throughput, left_out, powers)
            found = rows[["id"]].assign(throughput_tps=throughput, energy_per_token_j=energy)
            parts.append(long_form(found, predictor=law, told=TOLD, left_out=left_out))
    parts.append(_of_configurator(rows, answers, powers))
    scored = scores(rows, pd.concat(parts, ignore_index=True), names)
    write_table(scored, output.table, "peers")
    scored = read_table(output.table, "peers")
    text = page(rows, answers, scored)
    figure = factor_by_load(scored)
    save(figure, output.svg)
    save(figure, output.png)
    write_text(output.page, reports.told(text, Path(output.page).parent))
    write_text(output.each, each(answers, scored))


if __name__ == "__main__":
    run(main, snakemake)
