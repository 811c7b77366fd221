import re


def typed(value):
    """Numbers and truth values, which `--config` leaves as text inside lists and mappings."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    read = yaml.safe_load(value) if isinstance(value, str) else value
    return read if isinstance(read, int | float | None) else value


def stress_settings():
    """Settings of the stress test: the defaults, then `stress:`, then single keys."""
    defaults = read_yaml(ROOT / "config/stress.yaml")
    single = {key: config[key] for key in defaults if key in config}
    lists = {key: typed(item) for key, item in single.items() if not isinstance(item, str)}
    return defaults | typed(dict(config.get("stress") or {})) | single | lists


STRESS = stress_settings()
STRESS_FOLDER = "build/stress/" + re.sub(
    r"[^A-Za-z0-9._-]+", "-", str(STRESS["name"] or STRESS["model"])
)


rule stress:
    """Measure a live server from short to long queries; not part of the reproduction."""
    message:
        "Measuring energy, throughput and latency of {params.settings[endpoint]}"
    input:
        claims="data/published/claims.csv",
        code=code("stress.py"),
    output:
        f"{STRESS_FOLDER}/finished.json",
    log:
        "logs/stress.log",
    threads: workflow.cores
    params:
        settings=STRESS,
        ratio=["ratio-energy", "v2"],
    conda:
        "../../environment.yml"
    script:
        "../scripts/stress.py"
