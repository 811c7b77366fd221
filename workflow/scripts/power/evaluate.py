"""Fit the law of GPU power, predict runs and meters that it has not seen, draw and write."""

from pathlib import Path

import pandas as pd
from _logged import run
from _training import read_training
from inference_energy.drawing import save_all
from inference_energy.errors import InputError
from inference_energy.evidence import token_energy
from inference_energy.method import datasheets
from inference_energy.power import figures, measured, node, scores, shares, wall
from inference_energy.power.gpu import GpuPower
from inference_energy.power.page import page
from inference_energy.power.utilisation import add_utilisation
from inference_energy.project import shown
from inference_energy.reports import told
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Evaluate, write tables, page and figures."""
    read, output = snakemake.input, snakemake.output
    names = ("inferencex", "wall_power", "mlperf_benchmarks", "nodes", "node_power")
    table = {name: read_table(read[name], name) for name in names}
    table["mlenergy"] = read_table(read.steady, "mlenergy")
    training, found = read_training(read)
    hardware = found["models"], found["gpus"]
    measured.check_roles(table["inferencex"], shown(read.inferencex))
    rows = add_utilisation(measured.rows(table["mlenergy"], table["inferencex"]), *hardware)
    measured.check_hardware(rows, *hardware)
    around = [
        *datasheets.unusual_rows("models", datasheets.MODELS, hardware[0]),
        *datasheets.held(hardware[1], table["nodes"], table["node_power"]),
        *datasheets.metered(
            table["wall_power"],
            table["mlperf_benchmarks"],
            hardware[1],
            table["nodes"],
            table["node_power"],
        ),
    ]
    if problems := [sentence for is_problem, sentence in around if is_problem]:
        raise InputError(problems)
    unusual = [
        *measured.unusual_power(rows),
        *measured.unusual_context(rows, hardware[0]),
        *(sentence for _, sentence in around),
        *wall.unusual_limits(table["wall_power"], table["mlperf_benchmarks"], hardware[1]),
    ]
    idle = node.idle_share(table["wall_power"], table["nodes"], hardware[1])
    fitted, without = GpuPower.fit(rows, idle), scores.laws_without(rows, idle)
    law = pd.DataFrame(fitted.terms(), columns=["term", "value", "unit"])
    predictions = scores.left_out(rows.assign(load=fitted.load(rows)), without)
    both = token_energy.left_out(rows, without, table["mlenergy"], training, *hardware)
    scored = pd.concat(
        [
            scores.scores(predictions, scores.MEASURED, "w"),
            scores.scores(both, scores.PREDICTED, "j"),
        ],
        ignore_index=True,
    )
    meters = wall.check(
        table["wall_power"], table["mlperf_benchmarks"], rows, *hardware, table["nodes"]
    )
    predictions = scores.with_energy(predictions, both)
    made = {
        "law": law,
        "predictions": predictions,
        "scores": scored,
        "wall": meters,
        "shares": shares.node_shares(predictions, table["nodes"], hardware[1], table["node_power"]),
    }
    for name, frame in made.items():
        write_table(frame, output[name], f"power_{name}")
        # page and figures show what the tables say, with their digits
        made[name] = read_table(output[name], f"power_{name}")
    rated = hardware[1].set_index("gpu")["tdp_w"].astype(float)
    drawn = {
        "power_by_load": figures.power_by_load(made["predictions"], made["law"], rated),
        "power_at_wall": figures.power_at_wall(made["wall"], wall.ALLOWED),
    }
    save_all(drawn, [*output.svg, *output.png])
    shown_on_page = [made[name] for name in ("law", "scores", "predictions", "wall", "shares")]
    text = page(*shown_on_page, unusual)
    write_text(output.page, told(text, Path(output.page).parent))


if __name__ == "__main__":
    run(main, snakemake)
