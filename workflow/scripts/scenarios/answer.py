"""Compute the scenarios, draw their maps, write tables and pages."""

import sys
from pathlib import Path

from _logged import run
from _setups import read_materials
from inference_energy.drawing import save
from inference_energy.method.build import build
from inference_energy.reports import to_html, told
from inference_energy.scenarios import tables
from inference_energy.scenarios.figures import energy_map
from inference_energy.scenarios.page import page
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Compute everything, then write."""
    read, output, params = snakemake.input, snakemake.output, snakemake.params
    materials, settings = read_materials(read), params.settings
    facility = read_table(read.facility, "facility")
    setups = {name: build(method, **materials(method)) for name, method in params.methods.items()}
    for sentence in tables.over_context(setups, settings, read_table(read.contexts, "models")):
        print(sentence, file=sys.stderr)
    made = {
        "tasks": tables.tasks(setups, settings, facility),
        "maps": tables.maps(setups, settings),
    }
    for name, table in made.items():
        write_table(table, output[name], f"scenarios_{name}")
    images = {}
    for name, rows in made["maps"].groupby("map", sort=False):
        figure, folder = energy_map(rows), Path(output.page).parent
        for kind in ("svg", "png"):
            save(figure, folder / f"{name}.{kind}")
        images[name] = (folder / f"{name}.svg").read_bytes()
    text = told(page(settings, *made.values(), facility), Path(output.page).parent)
    write_text(output.page, text)
    write_text(output.html, to_html("Scenarios", text, images))


if __name__ == "__main__":
    run(main, snakemake)
