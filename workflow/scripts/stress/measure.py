"""Run the stress test on a live server."""

import json
from pathlib import Path

from _logged import run
from inference_energy.stress.runner import StressTest, prepare, say, stop_when_told
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Run what is not finished; the mark of the whole test is written last."""
    stop_when_told()
    claims = read_table(snakemake.input.claims, "claims_published")
    claim = claims.set_index(["claim", "version"]).loc[tuple(snakemake.params.ratio)]
    finished = Path(snakemake.output[0])
    test = StressTest(prepare(snakemake.params.settings), finished.parent, claim["value"])
    test.run()
    write_text(finished, json.dumps({"cells": len(test.measured)}) + "\n")
    say(f"report: {finished.parent / 'report.md'}")


if __name__ == "__main__":
    run(main, snakemake)
