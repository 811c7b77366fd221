rule notebook:
    """Execute a notebook that explains the method and keep it as a page."""
    message:
        "Walking through one query by hand"
    input:
        notebook=own("workflow/notebooks/{notebook}.py"),
        results="results/oviedo2026/energy_per_query.csv",
        method="results/oviedo2026/method.yaml",
        benchmarks=provided("data/throughput/oviedo.csv"),
        code=lambda wildcards: code(f"../notebooks/{wildcards.notebook}.py"),
    output:
        report(
            "build/notebooks/{notebook}.html",
            caption="../report/notebooks/notebook.rst",
            category="Notebooks",
            labels={"shows": "{notebook}"},
        ),
    log:
        "logs/notebook_{notebook}.log",
    conda:
        "../../environment.yml"
    shell:
        "(jupytext {input.notebook} --to ipynb --execute --run-path . --quiet"
        " --output build/notebooks/{wildcards.notebook}.ipynb"
        " && jupyter nbconvert --to html --log-level WARN"
        " build/notebooks/{wildcards.notebook}.ipynb) 2>&1 | tee {log}"


if "oviedo2026" in METHODS:
    TARGETS.append("build/notebooks/one_query_by_hand.html")
