"""Throughput of a user's rows, as the law fitted to the committed tables predicts it."""

import sys
from pathlib import Path

import numpy as np
from _logged import run
from _training import read_training
from inference_energy.drawing import save
from inference_energy.laws.figures import predicted_at_load
from inference_energy.laws.load_scores import predictions
from inference_energy.laws.page import predicted_page
from inference_energy.laws.training import (
    AS_GIVEN,
    LoadFit,
    as_published,
    beyond,
    committed,
    left_out,
    read_throughput,
)
from inference_energy.method.plausible import Hardware, unusual_rows
from inference_energy.project import shown
from inference_energy.tables import load_schema, write_table, write_text


def main(snakemake):
    """Predict, write table, page and figure, and say the main lines."""
    for name in snakemake.params.later:
        # one of an earlier table of this name would look like an answer to this one
        (Path(snakemake.output.predictions).parent / name).unlink(missing_ok=True)
    training, hardware = read_training(snakemake.input)
    rows = read_throughput(snakemake.input.throughput_table, hardware, training)
    path = shown(snakemake.input.throughput_table)
    unusual = unusual_rows(rows, Hardware(**hardware), path)
    told = as_published(rows, training)
    predicted = predictions(rows, *LoadFit.fit(training).predict(told))
    predicted["committed"] = np.where(committed(told, training), "yes", "no")
    predicted["beyond"] = beyond(told, training, hardware["models"])
    columns = [name for name in load_schema("load_predictions")["properties"] if name in predicted]
    lacking = left_out(snakemake.input.throughput_table)
    page = predicted_page(predicted, path, unusual, lacking)
    given = {name: predicted[f"{name}_as_given"] for name in AS_GIVEN if name in predicted}
    as_given = predicted[columns].assign(**given)
    write_table(as_given, snakemake.output.predictions, "load_predictions")
    write_text(snakemake.output.page, page)
    figure = predicted_at_load(predicted, "the table")
    save(figure, snakemake.output.svg)
    save(figure, snakemake.output.png)
    print(page, file=sys.stderr)


if __name__ == "__main__":
    run(main, snakemake)
