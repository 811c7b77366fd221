LAW_OUTPUTS = {
    "errors": "law_errors.csv",
    "predictions": "law_predictions.csv",
    "page": "throughput_laws.md",
}


rule evaluate_laws:
    """Cross-validate every throughput law on the vendor tables."""
    message:
        "Predicting left-out rows of the vendor tables with every throughput law"
    input:
        **law_tables(LAWS),
        benchmarks=provided("data/throughput/trtllm.csv"),
        code=code("laws/evaluate.py"),
    output:
        **{name: f"results/validation/{file}" for name, file in LAW_OUTPUTS.items()},
        svg=audited("figures/validation/throughput_laws.svg", "laws"),
        png="figures/validation/throughput_laws.png",
    log:
        "logs/evaluate_laws.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/laws/evaluate.py"


if "benchmarks" in config:
    LAWS_FOLDER = f"build/laws/{Path(config['benchmarks']).stem}"

    rule evaluate_laws_on:
        """Cross-validate every throughput law on a user's table."""
        message:
            "Predicting left-out rows of {input.benchmarks} with every throughput law"
        input:
            **law_tables(LAWS),
            benchmarks=config["benchmarks"],
            code=code("laws/evaluate.py"),
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


rule laws:
    """Evaluate the throughput laws, on a user's table with --config benchmarks=PATH."""
    input:
        rules.evaluate_laws_on.output if "benchmarks" in config else rules.evaluate_laws.output,


TARGETS += rules.evaluate_laws.output
