"""Write the method in words and the briefing."""

from _logged import run
from _setups import read_materials
from inference_energy import documents
from inference_energy.method.build import build
from inference_energy.pages import facts
from inference_energy.tables import read_table, write_text
from inference_energy.templates import render

TABLES = ("energy_per_query", "fleet", "test_time", "claims", "footprint", "sensitivity")


def main(snakemake):
    """Gather what the pages quote from the tables of both methods, write them."""
    read, methods = snakemake.input, snakemake.params.methods
    materials = read_materials(read)
    gathered = facts.gather(
        methods,
        {name: build(method, **materials(method)) for name, method in methods.items()},
        {
            name: {table: read_table(read[table][place], table) for table in TABLES}
            for place, name in enumerate(methods)
        },
        {
            "errors": read_table(read.errors, "law_errors"),
            "concurrency": read_table(read.concurrency, "concurrency"),
            "power_shares": read_table(read.power_shares, "power_shares"),
            "findings": read_table(read.findings, "findings"),
        },
        documents.read(read.scaling)["longer"]["factor"],
    )
    write_text(snakemake.output.method, render("pages/method.md.jinja", **gathered))
    write_text(snakemake.output.briefing, render("pages/briefing.html.jinja", **gathered))


if __name__ == "__main__":
    run(main, snakemake)
