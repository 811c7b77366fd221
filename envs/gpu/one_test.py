"""Run one stress test of a kit as `snakemake stress` does, without Snakemake.

``one_test.py SETTINGS FOLDER``: settings that are stated, in JSON, and the folder of the test.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / name) for name in ("workflow", "workflow/scripts")]

from inference_energy import documents  # noqa: E402
from inference_energy.errors import InputError  # noqa: E402
from inference_energy.laws.registry import LAWS  # noqa: E402
from inference_energy.laws.training import STEADY_TABLE, THROUGHPUT_TABLES  # noqa: E402
from inference_energy.method.materials import inputs_of_any, law_tables  # noqa: E402
from inference_energy.project import provided  # noqa: E402
from inference_energy.stress.settings import merge  # noqa: E402
from stress import measure  # noqa: E402

METHODS = ["revised"]
RATIO = ["ratio-energy", "v2"]


class Inputs(dict):
    """Files of a rule, by key or by attribute."""

    def __getattr__(self, name):
        """File or files of a name."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def main(stated, folder):
    """Measure what is not finished."""
    resolved = [PROJECT / f"results/{name}/method.yaml" for name in METHODS]
    inputs = Inputs(
        inputs_of_any([documents.read(path) for path in resolved])
        | law_tables(LAWS)
        | {
            "throughput": [provided(path) for path in THROUGHPUT_TABLES],
            "steady": provided(STEADY_TABLE),
            "claims": provided("data/published/claims.csv"),
            "method": resolved,
        }
    )
    settings = merge(json.loads(Path(stated).read_text(encoding="utf-8")))
    params = SimpleNamespace(settings=settings, ratio=RATIO, methods=METHODS)
    output = [str(Path(folder) / "finished.json")]
    measure.main(SimpleNamespace(input=inputs, params=params, output=output))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        sys.exit(str(error))
