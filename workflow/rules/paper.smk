rule estimate_energy:
    """Fit the throughput laws and estimate the energy per query."""
    message:
        "Estimating the energy per query with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("paper/estimate_energy.py"),
    params:
        engines=config["engines"],
    output:
        laws=reported("results/{method}/throughput_laws.csv", "paper", "Energy per query"),
        energy=reported("results/{method}/energy_per_query.csv", "paper", "Energy per query"),
        throughput=reported("results/{method}/throughput.csv", "paper", "Energy per query"),
        tokens=reported("results/{method}/output_tokens.csv", "paper", "Supplement"),
        extrapolation=reported("results/{method}/extrapolation.csv", "paper", "Supplement"),
        blend="results/{method}/blend.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
    log:
        "logs/{method}/estimate_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/estimate_energy.py"


rule estimate_fleet:
    """Scale the blend to a day of a fleet's queries, and vary input length and utilisation."""
    message:
        "Estimating fleet and sensitivities with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("paper/estimate_fleet.py"),
    params:
        engines=config["engines"],
    output:
        fleet=reported("results/{method}/fleet.csv", "paper", "Fleet"),
        sensitivity=reported("results/{method}/sensitivity.csv", "paper", "Supplement"),
    log:
        "logs/{method}/estimate_fleet.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/estimate_fleet.py"


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
    ],
)


rule draw_energy:
    """Draw the energy per query by model and by pathway, and the distributions behind it."""
    message:
        "Drawing the energy per query with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        tokens="results/{method}/output_tokens.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
        published=provided("data/published/claims.csv"),
        code=code("paper/draw_energy.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("paper", "1a", "1b", "2a", "2b", "s1", "s2"),
    log:
        "logs/{method}/draw_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/draw_energy.py"


rule draw_fleet:
    """Draw the fleet's day and the sensitivities."""
    message:
        "Drawing fleet and sensitivities with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        references=provided("data/published/references.csv"),
        published=provided("data/published/claims.csv"),
        code=code("paper/draw_fleet.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("paper", "3a", "3b", "s3", "s4"),
    log:
        "logs/{method}/draw_fleet.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/draw_fleet.py"


TARGETS += expand(
    "figures/{method}/{name}.{kind}", method=METHODS, name=FIGURE_CATEGORIES, kind=["svg", "png"]
)
