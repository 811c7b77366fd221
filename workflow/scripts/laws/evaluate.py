"""Errors of every throughput law on rows of a benchmark table that it has not seen."""

import sys

import pandas as pd
from _logged import run
from _training import read_training
from inference_energy.drawing import save
from inference_energy.errors import InputError
from inference_energy.laws.cross_validation import MOST_ROWS, evaluate, with_most_rows
from inference_energy.laws.engines import engine_name
from inference_energy.laws.figures import predicted_over_measured
from inference_energy.laws.page import laws_page
from inference_energy.laws.registry import needed_tables
from inference_energy.laws.rows import configuration_number
from inference_energy.laws.training import left_out as rows_left_out
from inference_energy.laws.training import read_throughput
from inference_energy.method.plausible import Hardware, unusual_rows
from inference_energy.project import shown
from inference_energy.tables import load_schema, read_table, write_table, write_text
from inference_energy.text import counted


def main(snakemake):
    """Evaluate, write tables, page and figure, and say what it found of a user's table."""
    path, output = snakemake.input.throughput_table, snakemake.output
    hardware = {name: read_table(snakemake.input[name], name) for name in needed_tables()}
    if snakemake.params.users:
        errors, predictions, note = evaluate_part(users_rows(snakemake.input), hardware)
        lacking = (f"{each[0].upper()}{each[1:]}." for each in rows_left_out(path))
        note = " ".join(filter(None, [note, *lacking]))
        # its page of predictions has them
        unusual = []
    else:
        rows = read_table(path, "throughput")
        unusual = unusual_rows(rows, Hardware(hardware["models"], hardware["gpus"]), shown(path))
        (errors, predictions), note = evaluate(rows, hardware), ""
    schema = load_schema("law_predictions")["properties"]
    left_out = predictions[predictions["split"] == "leave-shapes-out"]
    page = laws_page(errors, shown(path), note, unusual)
    write_table(errors, output.errors, "law_errors")
    write_table(
        left_out[[c for c in schema if c in left_out]], output.predictions, "law_predictions"
    )
    write_text(output.page, page)
    # as the table has them: crowded points move with the last digits
    figure = predicted_over_measured(read_table(output.predictions, "law_predictions"))
    save(figure, output.svg)
    save(figure, output.png)
    if snakemake.params.users:
        print(page, file=sys.stderr)


def users_rows(inputs):
    """Rows of a user's table with model, GPU, engine and layout as they were predicted.

    Else a model that has two names, there, would be predicted from itself where it is left out.
    """
    training, hardware = read_training(inputs)
    rows = read_throughput(inputs.throughput_table, hardware, training)
    if "engine" in rows:
        rows["engine"] = rows["engine"].map(engine_name, na_action="ignore")
    return rows[[name for name in load_schema("throughput")["properties"] if name in rows]]


def evaluate_part(rows, hardware):
    """As much of a user's table as can be left out in time: errors, predictions, and a note."""
    part = with_most_rows(rows)
    of, all_of = (len(set(configuration_number(each))) for each in (part, rows))
    most = f"The {counted(of, 'configuration', 'configurations')} with the most rows, of {all_of}."
    note = most if of < all_of else ""
    if len(part) == MOST_ROWS:
        note = f"{note} Of {len(rows)} rows {MOST_ROWS}, evenly.".strip()
    try:
        return *evaluate(part, hardware), note
    except InputError as error:
        predictions = pd.DataFrame(columns=["split", *load_schema("law_predictions")["properties"]])
        errors = pd.DataFrame(columns=list(load_schema("law_errors")["properties"]))
        return errors, predictions, f"Nothing was left out: {error}."


if __name__ == "__main__":
    run(main, snakemake)
