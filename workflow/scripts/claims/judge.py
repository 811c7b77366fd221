"""Verdict on every claim of the paper for one method."""

from _logged import run
from _published import published_numbers
from _setups import read_method
from inference_energy.claims.computed import exact_results
from inference_energy.claims.judge import judge
from inference_energy.claims.selectors import Results
from inference_energy.method.files import merge
from inference_energy.tables import read_table, write_table

TABLES = ("energy_per_query", "output_tokens", "fleet", "sensitivity")


def main(snakemake):
    """Judge and write."""
    read = snakemake.input
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
    table = judge(
        read_table(read.claims, "claims_published"),
        method["claims"],
        Results(method, tables, numbers),
        alternatives,
        findings,
        snakemake.params.engines,
        scored=scored,
    )
    write_table(table, snakemake.output[0], "claims")


if __name__ == "__main__":
    run(main, snakemake)
