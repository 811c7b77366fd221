SCENARIOS = SETTINGS.documents["scenarios"]


rule answer_scenarios:
    """Compute the queries and maps of config/scenarios.yaml."""
    message:
        "Computing the tasks and maps of config/scenarios.yaml"
    input:
        needing("scenarios"),
        unpack(lambda wildcards: source_inputs(scenarios())),
        settings=provided("config/scenarios.yaml"),
        facility=provided("data/facility.csv"),
        contexts=provided("data/models.csv"),
        code=code("scenarios/answer.py"),
    params:
        settings=lambda wildcards: document("scenarios"),
        methods=lambda wildcards: scenarios(),
    output:
        tasks="build/scenarios/tasks.csv",
        maps="build/scenarios/maps.csv",
        figures=expand(
            "build/scenarios/{name}.{kind}",
            name={each["name"] for each in SCENARIOS.get("maps", [])},
            kind=["svg", "png"],
        ),
        page="build/scenarios/page.md",
        html="build/scenarios/page.html",
    log:
        "logs/answer_scenarios.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/scenarios/answer.py"


rule scenarios:
    """Answer for the tasks and maps of config/scenarios.yaml (not part of the default run)."""
    message:
        "The scenarios are answered: build/scenarios/page.html"
    input:
        rules.answer_scenarios.output,
