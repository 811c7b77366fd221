from inference_energy.tables import schema_names

# every table of data/ and its schema
DATA_TABLES = [
    ("data/agent_tokens.csv", "agent_tokens"),
    ("data/facility.csv", "facility"),
    ("data/gpus.csv", "gpus"),
    ("data/measured/inferencex_power.csv", "inferencex"),
    ("data/measured/mlenergy_v3.csv", "mlenergy"),
    ("data/measured/mlperf_throughput.csv", "mlperf"),
    ("data/measured/mlperf_wall_power.csv", "wall_power"),
    ("data/measured/output_lengths.csv", "output_lengths"),
    ("data/measured/own_node/cells.csv", "own_node"),
    ("data/measured/own_node/timeline.csv", "own_node_timeline"),
    ("data/mlperf_benchmarks.csv", "mlperf_benchmarks"),
    ("data/models.csv", "models"),
    ("data/node_power.csv", "node_power"),
    ("data/nodes.csv", "nodes"),
    ("data/production_load.csv", "production_load"),
    ("data/published/claims.csv", "claims_published"),
    ("data/published/estimates.csv", "estimates"),
    ("data/published/peers.csv", "peer_answers"),
    ("data/published/references.csv", "references"),
    ("data/published/token_counts.csv", "token_counts"),
    ("data/request_lengths.csv", "request_lengths"),
    ("data/sources.csv", "sources"),
    ("data/throughput/at_load.csv", "throughput"),
    ("data/throughput/deepseek_r1.csv", "throughput"),
    ("data/throughput/oviedo.csv", "throughput"),
    ("data/throughput/trtllm.csv", "throughput"),
]

# said with what is wrong with checksums, before any job
UNACCEPTED = (
    "Nothing was made. `snakemake whatif` and `snakemake changes` take the files as they are and say"
    " what an edit does."
)


rule check_data:
    """Check every file of data/ against its checksum, and every table against its schema."""
    message:
        "Checking the benchmark tables and published figures against checksums and schemas"
    input:
        sums=own("data/SHA256SUMS"),
        tables=[provided(path) for path, _ in DATA_TABLES],
        schemas=sorted({schema_file(schema) for _, schema in DATA_TABLES}),
        code=code("tables/check.py"),
    params:
        schemas=[schema for _, schema in DATA_TABLES],
    # before anything rests on the data
    priority: 100
    output:
        "build/data_checked.txt",
    log:
        "logs/check_data.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/tables/check.py"


TARGETS.append("build/data_checked.txt")

# of a stress test what its own tables tell is in results/, for those that this project ran
OF_STRESS = {
    "stress_cases",
    *(f"stress_{n}" for n in ("energy", "impact", "parts", "predicted", "ratio")),
}

# what is made of a request log is never there
RESULT_SCHEMAS = sorted(
    {
        n
        for n in schema_names()
        if not n.startswith(("requests_", "scenarios_", "stress_")) or n in OF_STRESS
    }
    - {schema for _, schema in DATA_TABLES}
    - {"benchmark", "expected_verdicts"}
)


rule document_results:
    """Describe every table of results/ from its schema."""
    message:
        "Describing every table of results"
    input:
        schemas=[schema_file(name) for name in RESULT_SCHEMAS],
        code=code("tables/document.py"),
    params:
        names=RESULT_SCHEMAS,
    output:
        "results/README.md",
    log:
        "logs/document_results.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/tables/document.py"


TARGETS.append("results/README.md")
