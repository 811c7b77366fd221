"""Write config/README.md with its tables of keys renewed, beside the one in the repository."""

from pathlib import Path

from _logged import run
from inference_energy import documents
from inference_energy.claims.readme import splice
from inference_energy.keys import key_tables
from inference_energy.tables import document_schemas, write_text


def main(snakemake):
    """Read the schemas and renew the blocks."""
    read = snakemake.input
    schemas = {Path(path).name.removesuffix(".schema.yaml"): path for path in read.schemas}
    defaults = {"stress": documents.read(read.stress)}
    blocks = {
        name: key_tables(documents.read(path), defaults.get(name)) for name, path in schemas.items()
    }
    # the heading of the page stands in the place of the section's own
    columns = document_schemas(["expected_verdicts"]).partition("\n\n")[2].strip()
    text = Path(read.page).read_text(encoding="utf-8")
    write_text(snakemake.output[0], splice(text, blocks | {"expected_verdicts": columns}))


if __name__ == "__main__":
    run(main, snakemake)
