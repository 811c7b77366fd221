# results that a comparison holds side by side: schema and file
COMPARED = {
    "claims": "claims",
    "energy_per_query": "energy_per_query",
    "fleet": "fleet",
    "output_tokens": "output_tokens",
    "sensitivity": "sensitivity",
    "throughput_laws": "throughput_laws",
    "throughput_results": "throughput",
}
# table and page of a comparison, and its figure
COMPARISON_FILES = [
    *(f"results/comparison/{{pair}}.{kind}" for kind in ("csv", "md")),
    *(f"figures/comparison/{{pair}}.{kind}" for kind in ("svg", "png")),
]
# every method that is run and is right, and those of them that it extends, the nearest first
EXTENDED = {
    head: [base for base in lineage(head, SETTINGS.files)[1:] if base in METHODS]
    for head in METHODS
}
PAIRS = [f"{bases[0]}..{head}" for head, bases in EXTENDED.items() if bases]
ASKED_PAIRS = [f"{config['base']}..{config['head']}"] if "head" in config else PAIRS


wildcard_constraints:
    base="|".join(map(re.escape, SETTINGS.named)),
    head="|".join(map(re.escape, SETTINGS.named)),


rule compare_methods:
    """Compare two methods and attribute the change of the headline to their settings."""
    message:
        "Comparing {wildcards.base} with {wildcards.head}"
    input:
        unpack(lambda wildcards: source_inputs([wildcards.base, wildcards.head])),
        base="results/{base}/method.yaml",
        head="results/{head}/method.yaml",
        results_base=expand("results/{{base}}/{table}.csv", table=COMPARED.values()),
        results_head=expand("results/{{head}}/{table}.csv", table=COMPARED.values()),
        schema=schema_file("comparison"),
        code=code("comparison/compare.py"),
    params:
        schemas=list(COMPARED),
    output:
        table="results/comparison/{base}..{head}.csv",
        page="results/comparison/{base}..{head}.md",
    log:
        "logs/comparison/{base}..{head}.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/comparison/compare.py"


rule draw_comparison:
    """Draw the waterfall of the headline from one method to another."""
    message:
        "Drawing the waterfall from {wildcards.base} to {wildcards.head}"
    input:
        table="results/comparison/{base}..{head}.csv",
        code=code("comparison/draw.py"),
    output:
        svg=report(
            "figures/comparison/{base}..{head}.svg",
            caption="../report/comparison/comparison.rst",
            category="Audit",
            labels={"method": "{head}", "shows": "change from {base}"},
        ),
        png="figures/comparison/{base}..{head}.png",
    log:
        "logs/comparison/draw_{base}..{head}.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/comparison/draw.py"


rule compare:
    """Compare the methods base and head of the configuration, or each configured one with the next."""
    message:
        "Methods are compared: results/comparison"
    input:
        needing(*([] if "head" in config else ["methods"]), "base"),
        expand(COMPARISON_FILES, pair=ASKED_PAIRS),


rule changes:
    """Say what moved in results, figures and data against a git revision."""
    message:
        "Comparing results, figures and data with the committed ones"
    input:
        needing("methods", "deployments", "examples", "base"),
        # not the check of the verdicts: what an edit does must show when it breaks one
        lambda wildcards: [t for t in map(str, TARGETS) if t.startswith(("results/", "figures/"))],
        code("comparison/changes.py"),
    params:
        since=str(config.get("since", "HEAD")),
        page="build/changes.md",
        figures="build/changes.html",
    log:
        "logs/changes.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/comparison/changes.py"


rule whatif:
    """Say what a change of assumptions does: --config method=FILE, compared with base=NAME."""
    message:
        "Asking what the change of an assumption does"
    input:
        lambda wildcards: refuse_elsewhere(
            "whatif",
            f"results/comparison/BASE..HEAD.md compares any two of {', '.join(ALL_METHODS)}",
        ),
        needing("whatif"),
        **serving_inputs(LAWS),
        throughput_tables=sorted(p for p, schema in DATA_TABLES if schema == "throughput"),
        traces=provided("data/request_lengths.csv"),
        models=provided("data/models.csv"),
        gpus=provided("data/gpus.csv"),
        sources=provided("data/sources.csv"),
        nodes=provided("data/nodes.csv"),
        node_power=provided("data/node_power.csv"),
        claims=provided("data/published/claims.csv"),
        references=provided("data/published/references.csv"),
        estimates=provided("data/published/estimates.csv"),
        scaling=provided("config/scaling.yaml"),
        schema=own("workflow/schemas/method.schema.yaml"),
        code=code("comparison/whatif.py"),
    params:
        method=str(config.get("method", "")),
        base=config.get("base"),
    threads: 2
    log:
        "logs/comparison/whatif.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/comparison/whatif.py"


TARGETS += expand(COMPARISON_FILES, pair=PAIRS)
