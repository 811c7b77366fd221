"""Write datapackage.json: every table of data/ and results/ with its columns."""

import json
import tomllib
from pathlib import Path

from _logged import run
from inference_energy.reuse.checksums import read_sums
from inference_energy.reuse.package import columns_to_be, package, resource, schema_of
from inference_energy.tables import load_schema, read_table, write_text


def columns(path, schema):
    """Columns of a table that was checked before; of one that is being made, what it will have."""
    if not Path(path).exists():
        return columns_to_be(schema)
    with open(path, encoding="utf-8-sig") as file:
        return file.readline().rstrip("\n").split(",")


def main(snakemake):
    """Describe the tables of the run."""
    read, told = snakemake.input, snakemake.params
    sums = read_sums("data")
    tables = [
        resource(
            path,
            schema,
            columns(path, schema),
            {
                "bytes": Path(path).stat().st_size,
                "hash": f"sha256:{sums[path.removeprefix('data/')]}",
            },
        )
        for path, schema in zip(read.data, told.schemas, strict=True)
    ]
    titles = {name: load_schema(name)["title"] for name in told.results}
    for path in sorted({*read.results, *told.audit}):
        schema = schema_of(path.removeprefix("results/"), titles, told.methods)
        tables.append(resource(path, schema, columns(path, schema)))
    version = tomllib.loads(Path(read.project).read_text(encoding="utf-8"))["project"]["version"]
    described = package(tables, read_table(read.sources, "sources"), version)
    text = json.dumps(described, indent=1, ensure_ascii=False)
    write_text(snakemake.output[0], text + "\n")


if __name__ == "__main__":
    run(main, snakemake)
