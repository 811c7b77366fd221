# the path through the method, in its order
NOTEBOOKS = ["one_query_by_hand", "uncertainty", "overestimates", "your_own_node"]
NOTEBOOK_SOURCES = [own(f"workflow/notebooks/{name}.py") for name in NOTEBOOKS]
NOTEBOOK_PAGES = [f"build/notebooks/{name}.html" for name in NOTEBOOKS]
NOTEBOOK_DEPLOYMENT = "8xh100-llama-405b"

# the last ones set the project's methods beside each other
if (
    is_own()
    and {"oviedo2026", "revised"} <= set(config["methods"])
    and "exact" in config["engines"]
):

    rule execute_notebooks:
        """Execute the notebooks that explain the method and keep them as pages."""
        message:
            "Walking through the method in notebooks"
        input:
            needing("methods"),
            deployment_files.outputs({"folder": f"results/deployments/{NOTEBOOK_DEPLOYMENT}"}),
            f"config/deployments/{NOTEBOOK_DEPLOYMENT}.yaml",
            notebooks=NOTEBOOK_SOURCES,
            method="results/oviedo2026/method.yaml",
            throughput_table=provided("data/throughput/oviedo.csv"),
            energy="results/oviedo2026/energy_per_query.csv",
            uncertainty=expand("results/{method}/uncertainty.csv", method=["oviedo2026", "revised"]),
            errors="results/validation/law_errors.csv",
            concurrency="results/validation/concurrency.csv",
            overestimates="results/validation/oviedo2026/overestimates.csv",
            estimates=provided("data/published/estimates.csv"),
            measured=provided("data/measured/mlenergy_v3.csv"),
            libraries=[code(f"../notebooks/{name}.py") for name in NOTEBOOKS],
            code=code("notebooks/execute.py"),
        priority: 7
        output:
            [
                report(
                    page,
                    caption="../report/notebooks/notebook.rst",
                    category="Notebooks",
                    labels={"shows": Path(page).stem.replace("_", " ")},
                )
                for page in NOTEBOOK_PAGES
            ],
        log:
            "logs/execute_notebooks.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/notebooks/execute.py"

    TARGETS += NOTEBOOK_PAGES
