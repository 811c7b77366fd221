"""Set one method beside public estimates and measurements."""

from _laws import read_laws
from _logged import run
from _setups import read_method
from inference_energy.errors import InputError
from inference_energy.evidence import lengths
from inference_energy.evidence.load import of_steady, unseen
from inference_energy.evidence.verdicts import weigh
from inference_energy.method.build import build
from inference_energy.tables import read_table, write_table

DATA = (
    "estimates",
    "mlenergy",
    "wall_power",
    "nodes",
    "output_lengths",
    "request_lengths",
    "concurrency",
    "blackwell",
)


def main(snakemake):
    """Compare, judge and write."""
    method, materials = read_method(snakemake.input)
    data = {name: read_table(snakemake.input[name], name) for name in DATA}
    if problems := lengths.problems(data["output_lengths"], data["mlenergy"]):
        raise InputError(problems)
    laws = read_laws(snakemake.input)
    apart = unseen(method, materials, of_steady(data["mlenergy"]))
    tables = weigh(build(method, **materials), data, snakemake.params.settings, laws, apart)
    for name, path in snakemake.output.items():
        write_table(tables[name], path, name)


if __name__ == "__main__":
    run(main, snakemake)
