# tables of a method that only other tables and pages are made of
OF_A_METHOD = ["claims", "classes"]

# the package describes the project's own data and results
if is_own():

    rule describe_package:
        """Describe the tables of data and results for other programs, as a data package."""
        message:
            "Describing the data and the results as a data package"
        input:
            needing("methods", "deployments", "examples"),
            data=[path for path, _ in DATA_TABLES],
            sums="data/SHA256SUMS",
            results=result_tables(
                [
                    *TARGETS,
                    *rules.summarise_measurements.output,
                    *expand("results/{method}/{table}.csv", method=METHODS, table=OF_A_METHOD),
                ]
            ),
            sources="data/sources.csv",
            project="pyproject.toml",
            schemas=[schema_file(name) for name in RESULT_SCHEMAS],
            code=code("reuse/describe.py"),
        params:
            schemas=[schema for _, schema in DATA_TABLES],
            results=RESULT_SCHEMAS,
            # described without being made
            audit=result_tables(rules.audit.input),
            methods=list(METHODS),
        output:
            "datapackage.json",
        log:
            "logs/describe_package.log",
        conda:
            "../../environment.yml"
        script:
            "../scripts/reuse/describe.py"

    TARGETS.append("datapackage.json")
