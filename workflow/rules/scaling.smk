OF_SCALING = ["scaling", "test_time", "agents", "crossing", "counter_signal"]
SCALING_TABLES = [*OF_SCALING, "footprint"]


rule estimate_scaling:
    """Estimate energy by length, agents, crossing points and what would make the counter-signal."""
    message:
        "Estimating test-time scaling with {wildcards.method}"
    input:
        needing("scaling"),
        unpack(estimate_inputs),
        scaling=provided("config/scaling.yaml"),
        counts=provided("data/published/token_counts.csv"),
        estimates=provided("data/published/estimates.csv"),
        measured=provided("data/measured/mlenergy_v3.csv"),
        contexts=provided("data/models.csv"),
        servers=provided("data/nodes.csv"),
        code=code("scaling/estimate_scaling.py"),
    priority: 62
    output:
        **{table: f"results/{{method}}/{table}.csv" for table in OF_SCALING},
        svg=vector("scaling", "scaling"),
        png="figures/{method}/scaling.png",
    log:
        "logs/{method}/estimate_scaling.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scaling/estimate_scaling.py"


# apart from scaling, so that what is wrong with the file of one does not keep the other
rule estimate_footprint:
    """Estimate the water and the carbon of a query and of a fleet's day."""
    message:
        "Estimating water and carbon with {wildcards.method}"
    input:
        needing("footprint"),
        unpack(estimate_inputs),
        footprint=provided("config/footprint.yaml"),
        facility=provided("data/facility.csv"),
        code=code("scaling/estimate_footprint.py"),
    priority: 62
    output:
        footprint="results/{method}/footprint.csv",
        svg=vector("footprint", "scaling"),
        png="figures/{method}/footprint.png",
    log:
        "logs/{method}/estimate_footprint.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scaling/estimate_footprint.py"


TARGETS += expand("results/{method}/{table}.csv", method=METHODS, table=SCALING_TABLES)


rule summarise_scaling:
    """Invert the methods for the counter-signal, and check published water."""
    message:
        "Asking what would produce the energy that an unsourced claim gives one problem"
    input:
        needing("methods", "scaling", "footprint"),
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
        code=code("scaling/summarise.py"),
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
        "../scripts/scaling/summarise.py"


TARGETS += rules.summarise_scaling.output
