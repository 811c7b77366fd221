from inference_energy.laws.training import STEADY_TABLE, THROUGHPUT_TABLES
from inference_energy.reuse.checksums import digest

LAW_OUTPUTS = {
    "errors": "law_errors.csv",
    "predictions": "law_predictions.csv",
    "page": "throughput_laws.md",
}

LAWS_FOLDER = "results/validation"

# what the law that knows load is fitted to
LOAD_TABLES = law_tables(LAWS) | {
    "throughput": [provided(path) for path in THROUGHPUT_TABLES],
    "steady": provided(STEADY_TABLE),
}


rule evaluate_laws:
    """Cross-validate every throughput law on the vendor tables."""
    message:
        "Predicting left-out rows of the vendor tables with every throughput law"
    input:
        **law_tables(LAWS),
        throughput_table=provided("data/throughput/trtllm.csv"),
        code=code("laws/evaluate.py"),
    params:
        users=False,
    priority: 15
    output:
        **{name: f"results/validation/{file}" for name, file in LAW_OUTPUTS.items()},
        svg=captioned("figures/validation/throughput_laws.svg", "laws"),
        png="figures/validation/throughput_laws.png",
    log:
        "logs/evaluate_laws.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/laws/evaluate.py"


if "benchmarks" in config:
    LAWS_FOLDER = f"build/laws/{Path(config['benchmarks']).stem}"

    rule predict_at_load_on:
        """Predict a user's table by the law that knows load."""
        message:
            "Predicting {input.throughput_table} by the law fitted to the committed tables"
        input:
            **LOAD_TABLES,
            throughput_table=provided(config["benchmarks"]),
            code=code("laws/predict.py"),
        params:
            # another table of the name may be older than what was made of the one before; of params that
            # are functions Snakemake sees no change
            content=digest(provided(config["benchmarks"])),
            # answers of the rule below, which does not run on a table that is refused here
            later=[*LAW_OUTPUTS.values(), "throughput_laws.svg", "throughput_laws.png"],
        output:
            predictions=f"{LAWS_FOLDER}/predicted.csv",
            page=f"{LAWS_FOLDER}/predicted.md",
            svg=f"{LAWS_FOLDER}/predicted.svg",
            png=f"{LAWS_FOLDER}/predicted.png",
        log:
            "logs/predict_at_load_on.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/laws/predict.py"

    rule evaluate_laws_on:
        """Cross-validate every throughput law on a user's table."""
        message:
            "Predicting left-out rows of {input.throughput_table} with every throughput law"
        input:
            **LOAD_TABLES,
            throughput_table=provided(config["benchmarks"]),
            # that nothing is left of a table which is refused
            predicted=rules.predict_at_load_on.output.predictions,
            code=code("laws/evaluate.py"),
        params:
            users=True,
        output:
            **{name: f"{LAWS_FOLDER}/{file}" for name, file in LAW_OUTPUTS.items()},
            svg=f"{LAWS_FOLDER}/throughput_laws.svg",
            png=f"{LAWS_FOLDER}/throughput_laws.png",
        log:
            "logs/evaluate_laws_on.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/laws/evaluate.py"


rule score_load:
    """Score the law that knows load on everything left out of its fit."""
    message:
        "Predicting left-out shapes, configurations, models, GPUs, engines and sources at load"
    input:
        **LOAD_TABLES,
        code=code("laws/score.py"),
    priority: 68
    output:
        scores="results/validation/load_scores.csv",
        predictions="results/validation/load_predictions.csv",
        page=captioned("results/validation/load.md", "laws"),
        svg=captioned("figures/validation/load.svg", "laws"),
        png="figures/validation/load.png",
    log:
        "logs/score_load.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/laws/score.py"


rule laws:
    """Evaluate the throughput laws, on a user's table with --config benchmarks=PATH."""
    message:
        "The throughput laws are evaluated"
    input:
        *(
            [rules.predict_at_load_on.output, rules.evaluate_laws_on.output]
            if "benchmarks" in config
            else [rules.evaluate_laws.output]
        ),


TARGETS += rules.evaluate_laws.output
