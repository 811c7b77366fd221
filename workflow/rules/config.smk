SCHEMAS = sorted((PROJECT / "workflow" / "schemas").glob("*.schema.yaml"))


rule document_config:
    """Renew the tables of keys of config/README.md; `make readme` puts the page in its place."""
    message:
        "Describing every key of config"
    input:
        schemas=[own(path.relative_to(PROJECT)) for path in SCHEMAS],
        table=schema_file("expected_verdicts"),
        stress=own("config/stress.yaml"),
        page=own("config/README.md"),
        code=code("config/document.py"),
    output:
        "build/config/README.md",
    log:
        "logs/document_config.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/config/document.py"
