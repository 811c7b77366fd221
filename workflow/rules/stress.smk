from inference_energy.stress import settings as stress_settings

# more than any machine has: Snakemake gives what there is, so that nothing runs beside
EVERY_CORE = 4096
# the rule itself says what is wrong with its file
STRESS = {} if SETTINGS.wrong["stress"] else stress_settings.merge(config.get("stress"))
STRESS_NAME = stress_settings.folder_name(STRESS)
STRESS_FOLDER = f"build/stress/{STRESS_NAME}"

# methods that can be told a load predict what the endpoint takes
LOADED = [name for name in METHODS if "serving" in METHODS[name]]


rule stress:
    """Measure a live server from short to long queries; not part of the reproduction."""
    message:
        "Measuring energy, throughput and latency of {params.settings[endpoint]}"
    input:
        needing("stress"),
        **source_inputs(LOADED) | LOAD_TABLES,
        claims=provided("data/published/claims.csv"),
        method=expand("results/{method}/method.yaml", method=LOADED),
        code=code("stress/measure.py"),
    output:
        f"{STRESS_FOLDER}/finished.json",
    log:
        f"logs/stress/{STRESS_NAME}.log",
    threads: EVERY_CORE
    params:
        settings=lambda wildcards: document("stress") and STRESS,
        ratio=["ratio-energy", "v2"],
        methods=LOADED,
    conda:
        "../../environment.yml"
    script:
        "../scripts/stress/measure.py"


OWN_NODE = "results/own_node"
OWN_TESTS = expand(
    "h200-llama-3.1-{test}", test=["70b-fp8", "70b-fp8-pilot", "8b-bf16", "8b-bf16-256"]
)
OWN_TABLES = ["energy", "impact", "parts", "predicted", "ratio"]


rule tell_own_node:
    """Set the project's own stress tests beside what the laws predict of them."""
    message:
        "Predicting the stress tests that this project ran"
    input:
        needing("methods"),
        **source_inputs(LOADED) | LOAD_TABLES,
        cells=provided("data/measured/own_node/cells.csv"),
        timeline=provided("data/measured/own_node/timeline.csv"),
        answers=provided("data/published/peers.csv"),
        claims=provided("data/published/claims.csv"),
        sources=provided("data/sources.csv"),
        method=expand("results/{method}/method.yaml", method=LOADED),
        code=code("stress/tell_own_node.py"),
    output:
        expand("{folder}/{test}/{table}.csv", folder=OWN_NODE, test=OWN_TESTS, table=OWN_TABLES),
        expand(
            "{folder}/{test}/report.{kind}", folder=OWN_NODE, test=OWN_TESTS, kind=["md", "html"]
        ),
        expand(
            "{folder}/{test}/{figure}.{kind}",
            folder=OWN_NODE,
            test=OWN_TESTS,
            figure=["energy", "latency", "timeline"],
            kind=["svg", "png"],
        ),
        reports=expand("{folder}/{test}/report.md", folder=OWN_NODE, test=OWN_TESTS),
        page="docs/own_node.md",
    params:
        ratio=["ratio-energy", "v2"],
        methods=LOADED,
    priority: 8
    log:
        "logs/tell_own_node.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/stress/tell_own_node.py"


TARGETS += rules.tell_own_node.output
