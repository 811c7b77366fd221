rule draw_energy:
    """Draw the energy per query by model and by pathway, and the distributions behind it."""
    message:
        "Drawing the energy per query with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        tokens="results/{method}/output_tokens.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
        code=code("draw_energy.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("1a", "1b", "2a", "2b", "s1", "s2"),
    log:
        "logs/{method}/draw_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/draw_energy.py"


rule draw_fleet:
    """Draw the fleet's day and the sensitivities."""
    message:
        "Drawing fleet and sensitivities with {wildcards.method}"
    input:
        energy="results/{method}/energy_per_query.csv",
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
        references="data/published/references.csv",
        code=code("draw_fleet.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("3a", "3b", "s3", "s4"),
    log:
        "logs/{method}/draw_fleet.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/draw_fleet.py"


rule draw_claims:
    """Draw published against computed for every claim."""
    message:
        "Drawing the claims with {wildcards.method}"
    input:
        claims="results/{method}/claims.csv",
        published="data/published/claims.csv",
        code=code("draw_claims.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("claims"),
    log:
        "logs/{method}/draw_claims.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/draw_claims.py"


TARGETS += expand(
    "figures/{method}/{name}.{kind}", method=METHODS, name=FIGURE_CATEGORIES, kind=["svg", "png"]
)
