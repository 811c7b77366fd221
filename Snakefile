import sys
from pathlib import Path


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


# the library is used where the workflow is parsed and by every script
sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))


include: "workflow/rules/common.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/method.smk"
include: "workflow/rules/laws.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/scaling.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/robustness.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/deployments.smk"
include: "workflow/rules/notebooks.smk"
include: "workflow/rules/stress.smk"


rule all:
    default_target: True
    input:
        TARGETS,


onsuccess:
    print_deployments() if "deployments" in config else print_claims()
