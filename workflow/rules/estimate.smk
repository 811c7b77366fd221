rule estimate_energy:
    input:
        method="results/{method}/method.yaml",
        benchmarks=benchmark_table,
        code=code("estimate_energy.py"),
    output:
        laws="results/{method}/throughput_laws.csv",
        energy="results/{method}/energy_per_query.csv",
        throughput="results/{method}/throughput.csv",
        tokens="results/{method}/output_tokens.csv",
        densities="results/{method}/densities.csv",
        histograms="results/{method}/histograms.csv",
    log:
        "logs/{method}/estimate_energy.log",
    params:
        engines=config["engines"],
    """Fit the throughput laws and estimate the energy per query."""
    message:
        "Estimating the energy per query with {wildcards.method}"
    conda:
        "../../environment.yml"
    script:
        "../scripts/estimate_energy.py"


rule estimate_fleet:
    input:
        method="results/{method}/method.yaml",
        benchmarks=benchmark_table,
        code=code("estimate_fleet.py"),
    output:
        fleet="results/{method}/fleet.csv",
        sensitivity="results/{method}/sensitivity.csv",
    log:
        "logs/{method}/estimate_fleet.log",
    params:
        engines=config["engines"],
    """Scale the blend to a day of a fleet's queries, and vary input length and utilisation."""
    message:
        "Estimating fleet and sensitivities with {wildcards.method}"
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
        "densities",
        "histograms",
        "fleet",
        "sensitivity",
    ],
)
