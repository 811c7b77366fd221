rule resolve_method:
    """Write out a method with everything that it inherits, held against what is possible."""
    message:
        "Resolving the method {wildcards.method}"
    input:
        files=method_chain,
        throughput_tables=lambda wildcards: tables_of(ALL_METHODS[wildcards.method]),
        models=provided("data/models.csv"),
        gpus=provided("data/gpus.csv"),
        sources=provided("data/sources.csv"),
        nodes=provided("data/nodes.csv"),
        node_power=provided("data/node_power.csv"),
        traces=provided("data/request_lengths.csv"),
        schema=own("workflow/schemas/method.schema.yaml"),
        code=code("method/resolve.py"),
    params:
        method=lambda wildcards: ALL_METHODS[wildcards.method],
    priority: 80
    output:
        "results/{method}/method.yaml",
        "results/{method}/stated.yaml",
    log:
        "logs/{method}/resolve_method.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/method/resolve.py"


rule estimate_method:
    """Fit a method's laws; estimate energy, fleet and uncertainty."""
    message:
        "Estimating energy, fleet and uncertainty with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("method/estimate.py"),
    params:
        engines=config["engines"],
    priority: 80
    output:
        laws=reported("results/{method}/throughput_laws.csv", "paper", "Energy per query"),
        energy=reported("results/{method}/energy_per_query.csv", "paper", "Energy per query"),
        throughput=reported("results/{method}/throughput.csv", "paper", "Energy per query"),
        tokens=reported("results/{method}/output_tokens.csv", "paper", "Supplement"),
        extrapolation=reported("results/{method}/extrapolation.csv", "paper", "Supplement"),
        blend="results/{method}/blend.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
        fleet=reported("results/{method}/fleet.csv", "paper", "Fleet"),
        sensitivity=reported("results/{method}/sensitivity.csv", "paper", "Supplement"),
        parts="results/{method}/uncertainty.csv",
        classes="results/{method}/classes.csv",
        page="results/{method}/uncertainty.md",
        svg=vector("uncertainty", "robustness"),
        png="figures/{method}/uncertainty.png",
    log:
        "logs/{method}/estimate_method.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/method/estimate.py"


TARGETS += expand(
    "results/{method}/{table}.csv",
    method=METHODS,
    table=[
        "throughput_laws",
        "energy_per_query",
        "throughput",
        "output_tokens",
        "extrapolation",
        "blend",
        "densities",
        "histograms",
        "fleet",
        "sensitivity",
        "uncertainty",
    ],
)


rule draw_method:
    """Draw the paper's figures with a method: energy per query, fleet and sensitivities."""
    message:
        "Drawing energy, fleet and sensitivities with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        tokens="results/{method}/output_tokens.csv",
        blend="results/{method}/blend.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        references=provided("data/published/references.csv"),
        published=provided("data/published/claims.csv"),
        code=code("method/draw.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    priority: 6
    output:
        figure_files("paper", "1a", "1b", "2a", "2b", "3a", "3b", "s1", "s2", "s3", "s4"),
    log:
        "logs/{method}/draw_method.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/method/draw.py"


TARGETS += expand(
    "figures/{method}/{name}.{kind}", method=METHODS, name=FIGURE_CATEGORIES, kind=["svg", "png"]
)
