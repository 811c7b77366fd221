"""Scores of the law that knows load on everything left out of its fit."""

from _logged import run
from _parallel import mapping
from _training import read_training
from inference_energy.drawing import save
from inference_energy.laws.figures import predicted_at_load
from inference_energy.laws.load_scores import BEFORE, score_load
from inference_energy.laws.page import load_page
from inference_energy.tables import load_schema, read_table, write_table, write_text


def main(snakemake):
    """Score, write tables, page and figure."""
    rows, hardware = read_training(snakemake.input)
    with mapping(snakemake.threads) as apply:
        scores, left_out = score_load(rows, BEFORE, hardware, apply)
    columns = [name for name in load_schema("load_predictions")["properties"] if name in left_out]
    left_out = left_out[columns].drop(columns="locator")
    page = load_page(scores, BEFORE)
    write_table(scores, snakemake.output.scores, "load_scores")
    write_table(left_out, snakemake.output.predictions, "load_predictions")
    write_text(snakemake.output.page, page)
    # drawn as the table has them, in its order, so that the figure can be drawn again from it
    shown = read_table(snakemake.output.predictions, "load_predictions")
    figure = predicted_at_load(shown, "models left out")
    save(figure, snakemake.output.svg)
    save(figure, snakemake.output.png)


if __name__ == "__main__":
    run(main, snakemake)
