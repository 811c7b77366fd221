rule whatif:
    """Say what a change of assumptions does: --config method=FILE, held against base=NAME."""
    message:
        "Asking what the change of an assumption does"
    input:
        benchmarks=sorted(path for path, schema in DATA_TABLES if schema == "throughput"),
        traces="data/request_lengths.csv",
        models="data/models.csv",
        gpus="data/gpus.csv",
        claims="data/published/claims.csv",
        references="data/published/references.csv",
        estimates="data/published/estimates.csv",
        scaling="config/scaling.yaml",
        schema="workflow/schemas/method.schema.yaml",
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
