"""Errors of every throughput law on rows of a benchmark table that it has not seen."""

import sys

from _logged import run
from inference_energy.drawing import save
from inference_energy.errors import InputError
from inference_energy.laws.cross_validation import evaluate
from inference_energy.laws.figures import predicted_over_measured
from inference_energy.laws.page import laws_page
from inference_energy.laws.registry import needed_tables
from inference_energy.project import shown
from inference_energy.tables import load_schema, read_table, write_table, write_text


def main(snakemake):
    """Evaluate, write tables, page and figure, and say the main lines."""
    path, output = snakemake.input.benchmarks, snakemake.output
    rows = read_table(path, "throughput")
    hardware = {name: read_table(snakemake.input[name], name) for name in needed_tables()}
    try:
        errors, predictions = evaluate(rows, hardware)
    except InputError as error:
        raise InputError([f"{path}: {problem}" for problem in error.problems]) from None
    left_out = predictions[predictions["split"] == "leave-shapes-out"]
    columns = [c for c in load_schema("law_predictions")["properties"] if c in left_out]
    page = laws_page(errors, shown(path))
    write_table(errors, output.errors, "law_errors")
    write_table(left_out[columns], output.predictions, "law_predictions")
    write_text(output.page, page)
    figure = predicted_over_measured(left_out)
    save(figure, output.svg)
    save(figure, output.png)
    print(page, file=sys.stderr)


if __name__ == "__main__":
    run(main, snakemake)
