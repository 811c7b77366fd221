SCALING_TABLES = ["scaling", "test_time", "agents", "crossing", "footprint", "counter_signal"]


rule estimate_scaling:
    """Estimate energy by length, agents, crossing points, water, carbon and the counter-signal."""
    message:
        "Estimating what test-time scaling costs with {wildcards.method}"
    input:
        unpack(estimate_inputs),
        scaling=provided("config/scaling.yaml"),
        footprint=provided("config/footprint.yaml"),
        facility=provided("data/facility.csv"),
        counts=provided("data/published/token_counts.csv"),
        estimates=provided("data/published/estimates.csv"),
        measured=provided("data/measured/mlenergy_v3.csv"),
        code=code("scaling/estimate.py"),
    output:
        **{table: f"results/{{method}}/{table}.csv" for table in SCALING_TABLES},
    log:
        "logs/{method}/estimate_scaling.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scaling/estimate.py"


rule draw_scaling:
    """Draw energy by length, a fleet with long queries, water and carbon."""
    message:
        "Drawing test-time scaling, water and carbon with {wildcards.method}"
    input:
        scaling="results/{method}/scaling.csv",
        crossing="results/{method}/crossing.csv",
        footprint="results/{method}/footprint.csv",
        code=code("scaling/draw.py"),
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    output:
        figure_files("scaling", "scaling", "footprint"),
    log:
        "logs/{method}/draw_scaling.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scaling/draw.py"


rule summarise_scaling:
    """Invert the methods for the counter-signal, and check published water."""
    message:
        "Asking what would produce the energy that an unsourced claim gives one problem"
    input:
        **{
            table: expand(f"results/{{method}}/{table}.csv", method=METHODS)
            for table in SCALING_TABLES
        },
        scaling_config=provided("config/scaling.yaml"),
        footprint_config=provided("config/footprint.yaml"),
        facility=provided("data/facility.csv"),
        counts=provided("data/published/token_counts.csv"),
        estimates=provided("data/published/estimates.csv"),
        measured=provided("data/measured/mlenergy_v3.csv"),
        code=code("scaling/write.py"),
    params:
        methods=list(METHODS),
    output:
        counter_signal="results/audit/counter_signal.csv",
        counter_signal_page="results/audit/counter_signal.md",
        water_checks="results/audit/water_checks.csv",
        scaling_page="results/audit/scaling.md",
        svg=captioned("figures/audit/counter_signal.svg", "scaling"),
        png="figures/audit/counter_signal.png",
    log:
        "logs/summarise_scaling.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scaling/write.py"


TARGETS += expand("results/{method}/{table}.csv", method=METHODS, table=SCALING_TABLES)
TARGETS += rules.summarise_scaling.output
