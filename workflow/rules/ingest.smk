rule check_data:
    input:
        tables=[path for path, _ in DATA_TABLES],
        schemas=sorted(
            {f"workflow/schemas/tables/{schema}.schema.yaml" for _, schema in DATA_TABLES}
        ),
        code=code("check_data.py"),
    output:
        "build/data_checked.txt",
    log:
        "logs/check_data.log",
    params:
        schemas=[schema for _, schema in DATA_TABLES],
    """Check every table of data/ against its schema."""
    message:
        "Checking the benchmark tables and published figures against their schemas"
    conda:
        "../../environment.yml"
    script:
        "../scripts/check_data.py"


rule resolve_method:
    input:
        files=method_chain,
        code=code("resolve_method.py"),
    output:
        "results/{method}/method.yaml",
    log:
        "logs/{method}/resolve_method.log",
    params:
        method=lambda wildcards: METHODS[wildcards.method],
    """Write out a method with everything that it inherits."""
    message:
        "Resolving the method {wildcards.method}"
    conda:
        "../../environment.yml"
    script:
        "../scripts/resolve_method.py"


TARGETS.append("build/data_checked.txt")
