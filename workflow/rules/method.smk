rule resolve_method:
    """Write out a method with everything that it inherits."""
    message:
        "Resolving the method {wildcards.method}"
    input:
        files=method_chain,
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
