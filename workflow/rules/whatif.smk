rule whatif:
    """Say what a change of assumptions does: --config method=FILE, held against base=NAME."""
    message:
        "Asking what the change of an assumption does"
    input:
        **serving_inputs(LAWS),
        benchmarks=sorted(path for path, schema in DATA_TABLES if schema == "throughput"),
        traces=provided("data/request_lengths.csv"),
        models=provided("data/models.csv"),
        gpus=provided("data/gpus.csv"),
        sources=provided("data/sources.csv"),
        claims=provided("data/published/claims.csv"),
        references=provided("data/published/references.csv"),
        estimates=provided("data/published/estimates.csv"),
        scaling=provided("config/scaling.yaml"),
        schema=own("workflow/schemas/method.schema.yaml"),
        code=code("comparison/whatif.py"),
    params:
        method=str(config.get("method", "")),
        base=config.get("base"),
    log:
        "logs/comparison/whatif.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/comparison/whatif.py"
