from inference_energy.claims.asked import RESULTS, VENDORS

# some runs do without those that are broken
FINDING_METHODS = sorted(
    {finding["method"] for finding in SETTINGS.documents["findings"]} & set(ALL_METHODS)
)


rule judge_claims:
    """Compare every published number with the computed one."""
    message:
        "Judging the paper's claims with {wildcards.method}"
    input:
        needing("findings"),
        unpack(estimate_inputs),
        energy_per_query="results/{method}/energy_per_query.csv",
        output_tokens="results/{method}/output_tokens.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        claims=provided("data/published/claims.csv"),
        references=provided("data/published/references.csv"),
        estimates=provided("data/published/estimates.csv"),
        findings=provided("config/findings.yaml"),
        code=code("claims/judge.py"),
    params:
        engines=config["engines"],
        findings=lambda wildcards: document("findings"),
    priority: 66
    output:
        table=reported("results/{method}/claims.csv", "claims", "Claims"),
        svg=vector("claims", "claims"),
        png="figures/{method}/claims.png",
        page="results/{method}/claims.md",
    log:
        "logs/{method}/judge_claims.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/claims/judge.py"


rule summarise_claims:
    """Write the verdicts on all methods for a reader."""
    message:
        "Writing the verdicts for a reader"
    input:
        needing("methods"),
        claims=expand("results/{method}/claims.csv", method=PAPER_FIRST),
        code=code("claims/summarise.py"),
    params:
        titles={name: METHODS[name]["title"] for name in PAPER_FIRST},
    output:
        page=report(
            "results/claims.md",
            caption="../report/claims/page.rst",
            category="Claims",
            labels={"method": "all", "shows": "page claims"},
        ),
    log:
        "logs/summarise_claims.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/claims/summarise.py"


rule state_headline:
    """Bring the main numbers of all methods into one table."""
    message:
        "Bringing the main numbers of all methods together"
    input:
        needing("methods", "scaling"),
        **{
            table: expand(f"results/{{method}}/{table}.csv", method=PAPER_FIRST)
            for table in ("claims", "energy_per_query", "fleet", "test_time")
        },
        published=provided("data/published/claims.csv"),
        scaling=provided("config/scaling.yaml"),
        code=code("claims/state_headline.py"),
    params:
        methods={name: METHODS[name] for name in PAPER_FIRST},
    output:
        "results/headline.csv",
    log:
        "logs/state_headline.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/claims/state_headline.py"


rule check_verdicts:
    """Fail if a verdict on a paper's method is not the expected one."""
    message:
        "Checking that the verdicts on the paper's methods are the expected ones"
    input:
        needing("methods", "expected_verdicts"),
        claims=expand("results/{method}/claims.csv", method=METHODS),
        expected=provided("config/expected_verdicts.csv"),
        report="results/claims.md",
        # so that a run that ends here has said what moved
        headline="results/headline.csv",
        code=code("claims/check.py"),
    params:
        methods=METHODS,
    output:
        touch("build/verdicts_checked.txt"),
    log:
        "logs/check_verdicts.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/claims/check.py"


rule compute_findings:
    """Compute what each weak point of the published method changes."""
    message:
        "Computing what each finding changes"
    input:
        needing("methods", "findings"),
        **source_inputs(FINDING_METHODS),
        findings=provided("config/findings.yaml"),
        methods=expand("results/{method}/method.yaml", method=FINDING_METHODS),
        results=expand(
            "results/{method}/{table}.csv",
            method=FINDING_METHODS,
            table=RESULTS,
        ),
        vendor=[provided(path) for path in VENDORS],
        claims=provided("data/published/claims.csv"),
        references=provided("data/published/references.csv"),
        estimates=provided("data/published/estimates.csv"),
        schemas=[
            own("workflow/schemas/method.schema.yaml"),
            schema_file("findings"),
        ],
        code=code("claims/compute_findings.py"),
    params:
        findings=lambda wildcards: document("findings"),
    output:
        table="results/audit/findings.csv",
        page=captioned("results/audit/findings.md", "claims"),
        each="results/audit/findings_each.md",
    log:
        "logs/compute_findings.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/claims/compute_findings.py"


TARGETS += [
    *expand("results/{method}/claims.md", method=PAPER_FIRST),
    "results/claims.md",
    "results/headline.csv",
    "build/verdicts_checked.txt",
    "results/audit/findings.csv",
    "results/audit/findings.md",
    "results/audit/findings_each.md",
]

README_TABLES = [
    "energy_per_query",
    "fleet",
    "test_time",
    "claims",
    "extrapolation",
    "uncertainty",
    "classes",
]

# the README is the project's own, not that of a workflow that uses this one
if "oviedo2026" in config["methods"] and is_own():

    rule renew_readme:
        """Renew the numbers of the README; `make readme` puts the page in its place."""
        message:
            "Renewing the numbers of the README"
        input:
            needing("methods", "scaling"),
            tables=expand(
                "results/{method}/{table}.csv",
                method=PAPER_FIRST,
                table=README_TABLES,
            ),
            scaling=provided("config/scaling.yaml"),
            readme="README.md",
            figure="figures/oviedo2026/1b.svg",
            code=code("claims/renew_readme.py"),
        output:
            "build/README.md",
        log:
            "logs/renew_readme.log",
        params:
            paper="oviedo2026",
            tables={
                method: {table: f"results/{method}/{table}.csv" for table in README_TABLES}
                for method in PAPER_FIRST
            },
        conda:
            "../../environment.yml"
        script:
            "../scripts/claims/renew_readme.py"

    TARGETS.append("build/README.md")
