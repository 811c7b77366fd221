from inference_energy.stress import settings as stress_settings

# more than any machine has: Snakemake gives what there is, so that nothing runs beside
EVERY_CORE = 4096
# the rule itself says what is wrong with its file
STRESS = {} if SETTINGS.broken["stress"] else stress_settings.merge(config.get("stress"))
STRESS_NAME = stress_settings.folder_name(STRESS)
STRESS_FOLDER = f"build/stress/{STRESS_NAME}"

# methods that can be told a load predict what the endpoint takes
LOADED = [name for name in METHODS if "serving" in METHODS[name]]


rule stress:
    """Measure a live server from short to long queries; not part of the reproduction."""
    message:
        "Measuring energy, throughput and latency of {params.settings[endpoint]}"
    input:
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
