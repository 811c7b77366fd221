rule judge_claims:
    """Compare every published number with the computed one."""
    message:
        "Judging the paper's claims with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        energy_per_query="results/{method}/energy_per_query.csv",
        output_tokens="results/{method}/output_tokens.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        claims="data/published/claims.csv",
        references="data/published/references.csv",
        estimates="data/published/estimates.csv",
        findings="config/findings.yaml",
        code=code("judge_claims.py"),
    params:
        engines=config["engines"],
    output:
        reported("results/{method}/claims.csv", "Claims"),
    log:
        "logs/{method}/judge_claims.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/judge_claims.py"


rule summarise_claims:
    """Write the verdicts on all methods for a reader."""
    message:
        "Writing the verdicts for a reader"
    input:
        claims=expand("results/{method}/claims.csv", method=PAPER_FIRST),
        code=code("summarise_claims.py"),
    params:
        methods={name: METHODS[name] for name in PAPER_FIRST},
    output:
        report(
            "results/claims.md",
            caption="../report/tables/claims_page.rst",
            category="Claims",
            labels={"method": "all", "shows": "page claims"},
        ),
    log:
        "logs/summarise_claims.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/summarise_claims.py"


rule check_verdicts:
    """Fail if a verdict on a paper's method is not the expected one."""
    message:
        "Checking that the verdicts on the paper's methods are the expected ones"
    input:
        claims=expand("results/{method}/claims.csv", method=METHODS),
        expected="config/expected_verdicts.csv",
        report="results/claims.md",
        code=code("check_verdicts.py"),
    params:
        methods=METHODS,
    output:
        touch("build/verdicts_checked.txt"),
    log:
        "logs/check_verdicts.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/check_verdicts.py"


TARGETS += ["results/claims.md", "build/verdicts_checked.txt"]
