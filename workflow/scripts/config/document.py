"""Write config/README.md with its tables of keys renewed, beside the one in the repository."""

from pathlib import Path

from _logged import run
from inference_energy import documents
from inference_energy.claims.readme import splice
from inference_energy.keys import key_tables
from inference_energy.tables import describe_tables, write_text
from inference_energy.templates import render


def main(snakemake):
    """Read the schemas and renew the blocks."""
    read = snakemake.input
    schemas = {Path(path).name.removesuffix(".schema.yaml"): path for path in read.schemas}
    defaults = {"stress": documents.read(read.stress)}
    blocks = {
        name: key_tables(documents.read(path), defaults.get(name)) for name, path in schemas.items()
    }
    # the heading of the page stands in the place of the section's own
    (table,) = describe_tables(["expected_verdicts"])
    columns = render("tables/table.md.jinja", table=table).strip()
    lines = {
        name: f"{block}\n" for name, block in (blocks | {"expected_verdicts": columns}).items()
    }
    text = Path(read.page).read_text(encoding="utf-8")
    write_text(snakemake.output[0], splice(text, lines))


if __name__ == "__main__":
    run(main, snakemake)
