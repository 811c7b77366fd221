"""Fit the law of GPU power, predict runs and meters that it has not seen, draw and write."""

import pandas as pd
from _logged import run
from inference_energy.drawing import save_all
from inference_energy.power import figures, measured, node, scores, wall
from inference_energy.power.gpu import GpuPower
from inference_energy.power.page import page
from inference_energy.power.utilisation import add_utilisation
from inference_energy.project import shown
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Evaluate, write tables, page and figures."""
    read, output = snakemake.input, snakemake.output
    names = ("mlenergy", "inferencex", "wall_power", "mlperf_benchmarks", "nodes")
    table = {name: read_table(read[name], name) for name in (*names, "models", "gpus")}
    hardware = table["models"], table["gpus"]
    measured.check_roles(table["inferencex"], shown(read.inferencex))
    rows = add_utilisation(measured.rows(table["mlenergy"], table["inferencex"]), *hardware)
    idle = node.idle_share(table["wall_power"], table["nodes"], table["gpus"])
    law = pd.DataFrame(GpuPower.fit(rows, idle).terms(), columns=["term", "value", "unit"])
    predictions = scores.left_out(rows, idle)
    scored = scores.scores(predictions, scores.MEASURED, "w")
    meters = wall.check(
        table["wall_power"], table["mlperf_benchmarks"], rows, *hardware, table["nodes"]
    )
    write_table(law, output.law, "power_law")
    write_table(predictions, output.predictions, "power_predictions")
    write_table(scored, output.scores, "power_scores")
    write_table(meters, output.wall, "power_wall")
    write_text(output.page, page(law, scored, meters))
    rated = table["gpus"].set_index("gpu")["tdp_w"].astype(float)
    drawn = {
        "power_by_load": figures.power_by_load(predictions, law, rated),
        "power_at_wall": figures.power_at_wall(meters, wall.ALLOWED),
    }
    save_all(drawn, [*output.svg, *output.png])


if __name__ == "__main__":
    run(main, snakemake)
