if "oviedo2026" in METHODS:

    rule renew_readme:
        """Renew the numbers of the README; `make readme` puts the page in its place."""
        message:
            "Renewing the numbers of the README"
        input:
            tables=expand(
                "results/{method}/{table}.csv",
                method=PAPER_FIRST,
                table=["energy_per_query", "fleet", "claims"],
            ),
            readme="README.md",
            code=code("write_readme_blocks.py"),
        output:
            "build/README.md",
        log:
            "logs/renew_readme.log",
        params:
            paper="oviedo2026",
            tables={
                method: [
                    f"results/{method}/{table}.csv"
                    for table in ("energy_per_query", "fleet", "claims")
                ]
                for method in PAPER_FIRST
            },
        conda:
            "../../environment.yml"
        script:
            "../scripts/write_readme_blocks.py"

    TARGETS.append("build/README.md")
