rule estimate_energy:
    """Fit the laws; estimate the energy per query and of a fleet's day; vary input and power."""
    message:
        "Estimating the energy of queries and fleet with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("paper/estimate.py"),
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
        fleet=reported("results/{method}/fleet.csv", "paper", "Fleet"),
        sensitivity=reported("results/{method}/sensitivity.csv", "paper", "Supplement"),
    log:
        "logs/{method}/estimate_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/estimate.py"


TARGETS += expand(rules.estimate_energy.output, method=METHODS)


rule draw_energy:
    """Draw the energy per query by model and pathway, the fleet's day and the sensitivities."""
    message:
        "Drawing the energy of queries and fleet with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        tokens="results/{method}/output_tokens.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        references=provided("data/published/references.csv"),
        published=provided("data/published/claims.csv"),
        code=code("paper/draw.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("paper", "1a", "1b", "2a", "2b", "3a", "3b", "s1", "s2", "s3", "s4"),
    log:
        "logs/{method}/draw_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/paper/draw.py"


TARGETS += expand(
    "figures/{method}/{name}.{kind}", method=METHODS, name=FIGURE_CATEGORIES, kind=["svg", "png"]
)
