rule judge_claims:
    input:
        method="results/{method}/method.yaml",
        benchmarks=benchmark_table,
        energy_per_query="results/{method}/energy_per_query.csv",
        output_tokens="results/{method}/output_tokens.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        claims="data/published/claims.csv",
        references="data/published/references.csv",
        estimates="data/published/estimates.csv",
        findings="config/findings.yaml",
        code=code("judge_claims.py"),
    output:
        "results/{method}/claims.csv",
    log:
        "logs/{method}/judge_claims.log",
    params:
        engines=config["engines"],
    """Compare every published number with the computed one."""
    message:
        "Judging the paper's claims with {wildcards.method}"
    conda:
        "../../environment.yml"
    script:
        "../scripts/judge_claims.py"


rule summarise_claims:
    input:
        claims=expand("results/{method}/claims.csv", method=METHODS),
        code=code("summarise_claims.py"),
    output:
        "results/claims.md",
    log:
        "logs/summarise_claims.log",
    params:
        methods=METHODS,
    """Write the verdicts on all methods for a reader."""
    message:
        "Writing the verdicts for a reader"
    conda:
        "../../environment.yml"
    script:
        "../scripts/summarise_claims.py"


rule check_verdicts:
    input:
        claims=expand("results/{method}/claims.csv", method=METHODS),
        expected="config/expected_verdicts.csv",
        report="results/claims.md",
        code=code("check_verdicts.py"),
    output:
        touch("build/verdicts_checked.txt"),
    log:
        "logs/check_verdicts.log",
    params:
        methods=METHODS,
    """Fail if a verdict on a paper's method is not the expected one."""
    message:
        "Checking that the verdicts on the paper's methods are the expected ones"
    conda:
        "../../environment.yml"
    script:
        "../scripts/check_verdicts.py"


TARGETS += ["results/claims.md", "build/verdicts_checked.txt"]
