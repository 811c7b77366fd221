PAGE_METHODS = ["oviedo2026", "revised"]

# these pages are the project's own, not those of a workflow that uses this one
if is_own() and set(PAGE_METHODS) <= set(METHODS) and "exact" in config["engines"]:

    rule write_pages:
        """Write the method in words, and the briefing, with the numbers of the run."""
        message:
            "Writing the method and the briefing for a reader"
        input:
            **source_inputs(PAGE_METHODS),
            **{
                table: expand(f"results/{{method}}/{table}.csv", method=PAGE_METHODS)
                for table in ("energy_per_query", "fleet", "test_time", "claims", "footprint")
            },
            errors="results/validation/law_errors.csv",
            concurrency="results/validation/concurrency.csv",
            findings="results/audit/findings.csv",
            scaling=provided("config/scaling.yaml"),
            code=code("pages/write.py"),
        params:
            methods={name: METHODS[name] for name in PAGE_METHODS},
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
