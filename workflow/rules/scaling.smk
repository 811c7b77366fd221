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
