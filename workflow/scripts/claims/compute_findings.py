"""Compute what each weak point of the published method changes."""

import sys
from pathlib import Path

import yaml
from _logged import run
from _published import published_numbers
from _setups import read_materials
from inference_energy import documents
from inference_energy.claims import computed as claims_computed
from inference_energy.claims import findings as claims_findings
from inference_energy.claims import page as claims_page
from inference_energy.claims.asked import RESULTS
from inference_energy.claims.selectors import Results
from inference_energy.errors import InputError, UnansweredError
from inference_energy.method.files import merge
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Compute every finding before and after, write table and page."""
    read = snakemake.input
    findings = snakemake.params.findings
    numbers = published_numbers(read)
    materials = read_materials(read)
    vendor = {Path(path).stem: read_table(path, "throughput") for path in read.vendor}
    methods, own = {}, {}
    for path in read.methods:
        method = documents.read(path)
        methods[method["id"]] = method
        tables = {name: read_table(Path(path).with_name(f"{name}.csv"), name) for name in RESULTS}
        own[method["id"]] = Results(method, tables, numbers)
    known = {}

    def exact(method):
        key = yaml.safe_dump(method)
        if key not in known:
            known[key] = claims_computed.exact_results(method, materials(method), numbers, vendor)
        return known[key]

    computed, explanations, left_out, problems = {}, {}, {}, []
    for finding in findings:
        name = finding["id"]
        method = merge(methods[finding["method"]], finding.get("context", {}))
        try:
            before = exact(method)
            after = exact(merge(method, finding.get("override", {})))
            found = claims_findings.effects(finding, before, after, own[finding["method"]])
            explanations[name] = claims_findings.explain(
                finding, found, before, own[finding["method"]]
            )
            computed[name] = found
        except UnansweredError as error:
            # an edited law or other rows: what the other findings say is still of use
            start = f"config/findings.yaml: {name}: "
            left_out[name] = " ".join(problem.removeprefix(start) for problem in error.problems)
            print(f"{start}not computed: {left_out[name]}", file=sys.stderr)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    write_table(
        claims_findings.findings_table(findings, computed), snakemake.output.table, "findings"
    )
    overview, each = claims_page.findings_page(findings, computed, explanations, left_out)
    write_text(snakemake.output.page, overview)
    write_text(snakemake.output.each, each)


if __name__ == "__main__":
    run(main, snakemake)
