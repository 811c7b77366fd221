"""Ask the packages of .venv-peers for all measured runs, and check what they answer."""

import subprocess
import tempfile
from pathlib import Path

import pandas as pd
from _logged import run
from inference_energy.errors import InputError
from inference_energy.peers.rows import MEASURED, own_rows, read_rows
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """List the runs, ask, check, write."""
    read, python = snakemake.input, Path(snakemake.params.python)
    if not python.exists():
        raise InputError(
            f"{python}: no such file; EcoLogits and AIConfigurator have an environment of their"
            " own; make it with: make peers-env"
        )
    cells, models = (read_table(read[name], name) for name in ("own_node", "models"))
    runs = read_rows({name: read[name] for name in MEASURED})
    rows = pd.concat([runs, own_rows(cells, models)], ignore_index=True)
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "rows.csv"), Path(folder, "answers.csv")
        rows.to_csv(asked, index=False)
        ended = subprocess.run(
            [python, read.ask, asked, answered], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise InputError(
                f"{read.ask}: ended with {ended.returncode}: {ended.stderr.strip()[-500:]}; allowed"
                " is an environment as envs/peers.lock has it; make it anew with: make -B peers-env"
            )
        answers = read_table(answered, "peer_answers")
    write_table(answers, snakemake.output[0], "peer_answers")


if __name__ == "__main__":
    run(main, snakemake)
