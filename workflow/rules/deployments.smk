from inference_energy.deployments import files as deployment_files

DEPLOYMENTS = SETTINGS.deployments
# broken ones too, so that what is wrong with them is told of their results
DEPLOYMENT_NAMES = {
    Path(path).stem
    for path in [*config_files.named_deployments(config), *deployment_files.EXAMPLES]
}


rule answer_deployment:
    """Answer for an operator's own nodes, from the operator's benchmark files."""
    message:
        "Answering for the deployment {wildcards.deployment}"
    input:
        unpack(lambda wildcards: deployment_files.inputs(deployment(wildcards))),
        code=code("deployments/answer.py"),
    params:
        path=lambda wildcards: DEPLOYMENTS[wildcards.deployment]["path"],
        method=lambda wildcards: DEPLOYMENTS[wildcards.deployment]["method"],
        stated=lambda wildcards: DEPLOYMENTS[wildcards.deployment]["stated"],
        benchmarks=lambda wildcards: DEPLOYMENTS[wildcards.deployment]["benchmarks"],
        reference=deployment_files.REFERENCE,
    priority: 64
    output:
        **{
            table: f"{{base}}/deployments/{{deployment}}/{table}.csv"
            for table in deployment_files.TABLES
        },
        energy_png="{base}/deployments/{deployment}/energy.png",
        energy_svg=deployed("energy.svg"),
        measured_png="{base}/deployments/{deployment}/measured.png",
        measured_svg=deployed("measured.svg"),
        markdown="{base}/deployments/{deployment}/report.md",
        html=deployed("report.html"),
    log:
        "logs/deployments/{base}/{deployment}.log",
    wildcard_constraints:
        base="results|build",
        deployment="|".join(map(re.escape, DEPLOYMENT_NAMES)),
    conda:
        "../../environment.yml"
    script:
        "../scripts/deployments/answer.py"


ANSWERED = [deployment_files.outputs(DEPLOYMENTS[name]) for name in SETTINGS.asked]

# those that are right are answered before the run ends on the others; a dry run ends at once
if ANSWERED and SETTINGS.wrong["deployments"] and not workflow.output_settings.dryrun:

    rule deployments:
        """Answer for the deployments of the configuration, by default the examples."""
        message:
            "Telling what is wrong with the other deployments"
        input:
            ANSWERED,
        params:
            problems="\n".join(SETTINGS.problems("deployments")),
        log:
            "logs/deployments/deployments.log",
        conda:
            "../../environment.yml"
        shell:
            "printf '%s\\n' {params.problems:q} > {log}; exit 1"

else:

    rule deployments:
        """Answer for the deployments of the configuration, by default the examples."""
        message:
            "The deployments are answered"
        input:
            needing("deployments"),
            ANSWERED,


if deployment_files.REFERENCE in config["methods"]:
    # some runs do without an example that is broken
    for path in deployment_files.EXAMPLES:
        if Path(path).stem in DEPLOYMENTS:
            TARGETS += deployment_files.outputs(DEPLOYMENTS[Path(path).stem])
