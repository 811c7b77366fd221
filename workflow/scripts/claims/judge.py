"""Verdict on every claim of the paper for one method, with its figure and page."""

from _logged import run
from _published import published_numbers
from _setups import read_method
from inference_energy.claims.computed import exact_results
from inference_energy.claims.figures import claims_chart
from inference_energy.claims.judge import judge
from inference_energy.claims.page import method_claims_page
from inference_energy.claims.selectors import Results
from inference_energy.drawing import save_all
from inference_energy.method.files import merge
from inference_energy.tables import read_table, write_table, write_text

TABLES = ("energy_per_query", "output_tokens", "fleet", "sensitivity")


def main(snakemake):
    """Judge, write and draw."""
    read, write = snakemake.input, snakemake.output
    method, materials = read_method(read)
    findings = snakemake.params.findings
    numbers = published_numbers(read)
    tables = {name: read_table(getattr(read, name), name) for name in TABLES}
    # caveats are of verdicts, and a user's method has none
    scored = method["kind"] != "user"
    alternatives = {
        finding["id"]: exact_results(merge(method, finding["override"]), materials, numbers)
        for finding in findings
        if scored and "override" in finding and "claims" in finding
    }
    published = read_table(read.claims, "claims_published")
    table = judge(
        published,
        method["claims"],
        Results(method, tables, numbers),
        alternatives,
        findings,
        snakemake.params.engines,
        scored=scored,
    )
    write_table(table, write.table, "claims")
    # numbers as the table states them
    told = read_table(write.table, "claims")
    save_all({"claims": claims_chart(told, published)}, [write.svg, write.png])
    write_text(write.page, method_claims_page(method["id"], told, method["title"]))


if __name__ == "__main__":
    run(main, snakemake)
