rule estimate_energy:
    """Fit the throughput laws and estimate the energy per query."""
    message:
        "Estimating the energy per query with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("estimate_energy.py"),
    params:
        engines=config["engines"],
    output:
        laws=reported("results/{method}/throughput_laws.csv", "Energy per query"),
        energy=reported("results/{method}/energy_per_query.csv", "Energy per query"),
        throughput=reported("results/{method}/throughput.csv", "Energy per query"),
        tokens=reported("results/{method}/output_tokens.csv", "Supplement"),
        extrapolation=reported("results/{method}/extrapolation.csv", "Supplement"),
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
    log:
        "logs/{method}/estimate_energy.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/estimate_energy.py"


rule estimate_fleet:
    """Scale the blend to a day of a fleet's queries, and vary input length and utilisation."""
    message:
        "Estimating fleet and sensitivities with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        code=code("estimate_fleet.py"),
    params:
        engines=config["engines"],
    output:
        fleet=reported("results/{method}/fleet.csv", "Fleet"),
        sensitivity=reported("results/{method}/sensitivity.csv", "Supplement"),
    log:
        "logs/{method}/estimate_fleet.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/estimate_fleet.py"


TARGETS += expand(
    "results/{method}/{table}.csv",
    method=METHODS,
    table=[
        "throughput_laws",
        "energy_per_query",
        "throughput",
        "output_tokens",
        "extrapolation",
        "densities",
        "histograms",
        "fleet",
        "sensitivity",
    ],
)
