PAGE_METHODS = ["oviedo2026", "revised"]
PAPERS = [name for name in PAPER_FIRST if METHODS[name]["kind"] != "user"]

# these pages are the project's own, not those of a workflow that uses this one
if is_own() and set(PAGE_METHODS) <= set(config["methods"]) and "exact" in config["engines"]:

    rule write_pages:
        """Write the method in words, and the briefing, with the numbers of the run."""
        message:
            "Writing the method and the briefing for a reader"
        input:
            needing("methods", "scaling"),
            **source_inputs(PAGE_METHODS),
            **{
                table: expand(f"results/{{method}}/{table}.csv", method=PAGE_METHODS)
                for table in (
                    "energy_per_query",
                    "fleet",
                    "test_time",
                    "claims",
                    "footprint",
                    "sensitivity",
                )
            },
            errors="results/validation/law_errors.csv",
            concurrency="results/validation/concurrency.csv",
            power_shares="results/validation/power_shares.csv",
            findings="results/audit/findings.csv",
            scaling=provided("config/scaling.yaml"),
            code=code("pages/write.py"),
        params:
            methods={name: METHODS[name] for name in PAGE_METHODS if name in METHODS},
        output:
            method="docs/method.md",
            briefing="docs/briefing.html",
        log:
            "logs/write_pages.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/pages/write.py"

    TARGETS += rules.write_pages.output
    EXAMPLES = [Path(path).stem for path in deployment_files.EXAMPLES]

    rule write_report:
        """Write the report: the answer, the paper's figures, and all that was asked beyond."""
        message:
            "Writing the report"
        input:
            needing("methods", "scaling", "evidence"),
            **{
                table: expand(f"results/{{method}}/{table}.csv", method=PAGE_METHODS)
                for table in ("energy_per_query", "fleet", "test_time", "claims")
            },
            evidence_verdicts=expand(
                "results/validation/{method}/evidence_verdicts.csv", method=PAGE_METHODS
            ),
            all_claims=expand("results/{method}/claims.csv", method=PAPERS),
            findings="results/audit/findings.csv",
            concurrency="results/validation/concurrency.csv",
            multiverse_distribution="results/audit/multiverse_distribution.csv",
            sobol_indices="results/audit/sobol_indices.csv",
            paper_figures=[
                *expand(
                    "figures/oviedo2026/{name}.svg",
                    name=["1a", "1b", "2a", "2b", "3a", "3b", "s1", "s2", "s3", "s4"],
                ),
                "figures/oviedo2026/claims.svg",
                "figures/validation/oviedo2026/overestimates_paper.svg",
            ],
            own_figures=expand(
                "figures/revised/{name}.svg", name=["1a", "2a", "uncertainty", "scaling"]
            ),
            evidence_figures=[
                *expand(
                    "figures/validation/oviedo2026/{name}.svg",
                    name=["predicted", "overestimates_like_for_like", "wall_utilisation"],
                ),
                "figures/validation/concurrency.svg",
            ],
            audit_figures=[
                *expand(
                    "figures/audit/{name}.svg",
                    name=["specification_curve", "tornado", "counter_signal"],
                ),
                "figures/comparison/oviedo2026..revised.svg",
            ],
            deployment_tables=expand(
                "results/deployments/{name}/energy_per_query.csv", name=EXAMPLES
            ),
            deployment_figures=expand("results/deployments/{name}/energy.svg", name=EXAMPLES),
            notebooks=NOTEBOOK_PAGES,
            scaling=provided("config/scaling.yaml"),
            evidence=provided("config/evidence.yaml"),
            code=code("pages/write_report.py"),
        params:
            methods={name: METHODS[name] for name in PAGE_METHODS if name in METHODS},
            papers=PAPERS,
            drawn=lambda wildcards: sorted(
                path
                for path in map(str, [*TARGETS, *rules.audit.input])
                if path.startswith("figures/") and path.endswith(".svg")
            ),
            deployments=lambda wildcards: [
                DEPLOYMENTS[name]["method"]["title"] for name in EXAMPLES
            ],
        output:
            "build/report.html",
        log:
            "logs/write_report.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/pages/write_report.py"
