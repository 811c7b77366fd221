"""Run the stress test on a live server."""

import json
from pathlib import Path

from _logged import run
from _setups import read_materials
from _training import read_training
from inference_energy import documents
from inference_energy.errors import InputError
from inference_energy.stress.forecast import forecast
from inference_energy.stress.runner import StressTest, prepare, say, stop_when_told
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Run what is not finished; the mark of the whole test is written last."""
    stop_when_told()
    claims = read_table(snakemake.input.claims, "claims_published")
    claim = claims.set_index(["claim", "version"]).loc[tuple(snakemake.params.ratio)]
    finished = Path(snakemake.output[0])
    settings = prepare(snakemake.params.settings)
    known = _forecast(settings, snakemake.input, snakemake.params.methods)
    test = StressTest(settings, finished.parent, claim["value"], known)
    test.run()
    say(f"report: {finished.parent / 'report.md'}")
    left = test.unfinished()
    if left:
        raise InputError(
            f"{finished.parent}: {len(left)} of {len(test.cells)} cells were not measured "
            f"({', '.join(left)}): findings.csv says why. What was measured is reported; start "
            "again to try them"
        )
    write_text(finished, json.dumps({"cells": len(test.measured)}) + "\n")


def _forecast(settings, read, names):
    """What the laws predict for the endpoint."""
    materials = read_materials(read)
    documented = {name: documents.read(path) for name, path in zip(names, read.method, strict=True)}
    methods = {name: (method, materials(method)) for name, method in documented.items()}
    return forecast(settings, read_training(read)[0], materials.shared["hardware"], methods)


if __name__ == "__main__":
    run(main, snakemake)
