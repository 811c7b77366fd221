# a package may not name a path with two dots, as those of comparisons have
PACKAGED = sorted(
    {path for path in map(str, TARGETS) if re.match(r"results/.*\.csv$", path) and ".." not in path}
)

# the package describes the project's own data and results
if is_own():

    rule describe_package:
        """Describe the tables of data and results for other programs, as a data package."""
        message:
            "Describing the data and the results as a data package"
        input:
            data=[path for path, _ in DATA_TABLES],
            sums="data/SHA256SUMS",
            results=PACKAGED,
            sources="data/sources.csv",
            project="pyproject.toml",
            schemas=[schema_file(name) for name in RESULT_SCHEMAS],
            code=code("reuse/describe.py"),
        params:
            schemas=[schema for _, schema in DATA_TABLES],
            results=RESULT_SCHEMAS,
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
