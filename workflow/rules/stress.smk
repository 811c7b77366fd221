import re
from pathlib import Path

import yaml

STRESS_LIBRARY = ["errors", "stress", "stress_power", "stress_report", "tables"]


def stress_settings():
    """Settings of the stress test: defaults, those under `stress:`, those of the command line."""
    defaults = yaml.safe_load((Path(workflow.basedir) / "config" / "stress.yaml").read_text())
    given = {key: config[key] for key in defaults if key in config}
    return defaults | dict(config.get("stress") or {}) | given


def stress_folder():
    """Folder of one stress test, named after the model unless a name is given."""
    settings = stress_settings()
    name = settings["name"] or re.sub(r"[^A-Za-z0-9._-]+", "-", str(settings["model"]))
    return f"build/stress/{name}"


rule stress:
    input:
        claims="data/published/claims.csv",
        library=expand(
            str(Path(workflow.basedir) / "workflow/inference_energy/{module}.py"),
            module=STRESS_LIBRARY,
        ),
    output:
        finished=f"{stress_folder()}/finished.json",
    params:
        settings=stress_settings(),
        published={"claim": "ratio-energy", "version": "v2"},
    log:
        f"{stress_folder()}/stress.log",
    threads: workflow.cores
    message:
        "Measure energy, throughput and latency of {params.settings[endpoint]} from short to long queries."
    script:
        "../scripts/stress.py"
