rule check_data:
    """Check every table of data/ against its schema."""
    message:
        "Checking the benchmark tables and published figures against their schemas"
    input:
        tables=[path for path, _ in DATA_TABLES],
        schemas=sorted(
            {f"workflow/schemas/tables/{schema}.schema.yaml" for _, schema in DATA_TABLES}
        ),
        code=code("check_data.py"),
    params:
        schemas=[schema for _, schema in DATA_TABLES],
    output:
        "build/data_checked.txt",
    log:
        "logs/check_data.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/check_data.py"


rule resolve_method:
    """Write out a method with everything that it inherits."""
    message:
        "Resolving the method {wildcards.method}"
    input:
        files=method_chain,
        code=code("resolve_method.py"),
    params:
        method=lambda wildcards: ALL_METHODS[wildcards.method],
    output:
        "results/{method}/method.yaml",
    log:
        "logs/{method}/resolve_method.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/resolve_method.py"


TARGETS.append("build/data_checked.txt")
