POWER_FIGURES = ["power_by_load", "power_at_wall"]


rule evaluate_power:
    """Fit the law of GPU power with load, and predict runs and meters that it has not seen."""
    message:
        "Predicting the power of runs and meters that the law of GPU power has not seen"
    input:
        **LOAD_TABLES,
        inferencex=provided("data/measured/inferencex_power.csv"),
        wall_power=provided("data/measured/mlperf_wall_power.csv"),
        mlperf_benchmarks=provided("data/mlperf_benchmarks.csv"),
        nodes=provided("data/nodes.csv"),
        node_power=provided("data/node_power.csv"),
        code=code("power/evaluate.py"),
    priority: 22
    output:
        law="results/validation/power_law.csv",
        predictions="results/validation/power_predictions.csv",
        scores="results/validation/power_scores.csv",
        wall="results/validation/power_wall.csv",
        shares="results/validation/power_shares.csv",
        page="docs/power.md",
        svg=[
            captioned(f"figures/validation/{name}.svg", "power", "Power") for name in POWER_FIGURES
        ],
        png=expand("figures/validation/{name}.png", name=POWER_FIGURES),
    log:
        "logs/evaluate_power.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/power/evaluate.py"


TARGETS += rules.evaluate_power.output
