rule resolve_method:
    """Write out a method with everything that it inherits, held against what is possible."""
    message:
        "Resolving the method {wildcards.method}"
    input:
        files=method_chain,
        throughput_tables=lambda wildcards: tables_of(ALL_METHODS[wildcards.method]),
        models=provided("data/models.csv"),
        gpus=provided("data/gpus.csv"),
        sources=provided("data/sources.csv"),
        schema=own("workflow/schemas/method.schema.yaml"),
        code=code("method/resolve.py"),
    params:
        method=lambda wildcards: ALL_METHODS[wildcards.method],
    output:
        "results/{method}/method.yaml",
    log:
        "logs/{method}/resolve_method.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/method/resolve.py"
