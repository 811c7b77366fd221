from inference_energy.method.materials import tables_under

# groups of specifications along the curve: as many as are told apart in a figure 7 in wide
CURVE_BINS = 60


MULTIVERSE_INPUTS = {
    "config": provided("config/multiverse.yaml"),
    "config_schema": own("workflow/schemas/multiverse.schema.yaml"),
    "method": lambda wildcards: f"results/{document('multiverse')['base']}/method.yaml",
    "method_schema": own("workflow/schemas/method.schema.yaml"),
}


scattergather:
    multiverse=1,


rule run_multiverse_part:
    """Compute one part of the defensible combinations of the method's choices."""
    message:
        "Computing part {wildcards.scatteritem} of the combinations of the choices"
    input:
        needing("multiverse"),
        unpack(
            lambda wildcards: source_inputs(
                [document("multiverse")["base"]], tables_under(document("multiverse"))
            )
        ),
        **MULTIVERSE_INPUTS,
        code=code("robustness/run_multiverse_part.py"),
    priority: 32
    output:
        temp("build/multiverse/{scatteritem}.npz"),
    log:
        "logs/run_multiverse_{scatteritem}.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/robustness/run_multiverse_part.py"


rule run_multiverse:
    """Summarise every defensible combination of the method's choices."""
    message:
        "Gathering every combination of the choices of config/multiverse.yaml"
    input:
        needing("multiverse"),
        unpack(
            lambda wildcards: source_inputs(
                [document("multiverse")["base"]], tables_under(document("multiverse"))
            )
        ),
        **MULTIVERSE_INPUTS,
        parts=gather.multiverse("build/multiverse/{scatteritem}.npz"),
        claims=provided("data/published/claims.csv"),
        estimates=provided("data/published/estimates.csv"),
        references=provided("data/published/references.csv"),
        code=code("robustness/run_multiverse.py"),
    params:
        bins=CURVE_BINS,
    output:
        table="build/multiverse.parquet",
        distribution="results/audit/multiverse_distribution.csv",
        claims="results/audit/multiverse_claims.csv",
        variance="results/audit/multiverse_variance.csv",
        one_at_a_time="results/audit/one_at_a_time.csv",
        curve="results/audit/specification_curve.csv",
        cases="results/audit/stress_cases.csv",
    log:
        "logs/run_multiverse.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/robustness/run_multiverse.py"


rule run_sensitivity:
    """Compute Sobol indices, tornado and needed values of the continuous inputs."""
    message:
        "Computing the sensitivity to the inputs of config/sensitivity.yaml"
    input:
        needing("sensitivity"),
        unpack(lambda wildcards: method_inputs(document("sensitivity")["base"])),
        config=provided("config/sensitivity.yaml"),
        config_schema=own("workflow/schemas/sensitivity.schema.yaml"),
        code=code("robustness/run_sensitivity.py"),
    priority: 17
    output:
        indices="results/audit/sobol_indices.csv",
        tornado="results/audit/tornado.csv",
        needed="results/audit/needed_values.csv",
    log:
        "logs/run_sensitivity.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/robustness/run_sensitivity.py"


rule draw_robustness:
    """Draw the specification curve and the tornado."""
    message:
        "Drawing the specification curve and the tornado"
    input:
        needing("multiverse", "sensitivity"),
        choices=provided("config/multiverse.yaml"),
        method=MULTIVERSE_INPUTS["method"],
        method_schema=MULTIVERSE_INPUTS["method_schema"],
        inputs=provided("config/sensitivity.yaml"),
        curve="results/audit/specification_curve.csv",
        distribution="results/audit/multiverse_distribution.csv",
        variance="results/audit/multiverse_variance.csv",
        tornado="results/audit/tornado.csv",
        indices="results/audit/sobol_indices.csv",
        code=code("robustness/draw.py"),
    output:
        curve=[
            captioned("figures/audit/specification_curve.svg", "robustness"),
            "figures/audit/specification_curve.png",
        ],
        tornado=[captioned("figures/audit/tornado.svg", "robustness"), "figures/audit/tornado.png"],
    log:
        "logs/draw_robustness.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/robustness/draw.py"


rule summarise_robustness:
    """Say in words how much the answer depends on choices and inputs."""
    message:
        "Summarising the multiverse and the sensitivities"
    input:
        needing("methods", "multiverse"),
        unpack(
            lambda wildcards: source_inputs(
                [document("multiverse")["base"]], tables_under(document("multiverse"))
            )
        ),
        **MULTIVERSE_INPUTS,
        specifications="build/multiverse.parquet",
        distribution="results/audit/multiverse_distribution.csv",
        claims="results/audit/multiverse_claims.csv",
        variance="results/audit/multiverse_variance.csv",
        indices="results/audit/sobol_indices.csv",
        needed="results/audit/needed_values.csv",
        cases="results/audit/stress_cases.csv",
        findings="results/audit/findings.csv",
        published=provided("data/published/claims.csv"),
        energies=expand("results/{method}/energy_per_query.csv", method=PAPER_FIRST),
        code=code("robustness/summarise.py"),
    params:
        methods=PAPER_FIRST,
    output:
        captioned("results/audit/multiverse.md", "robustness"),
    log:
        "logs/summarise_robustness.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/robustness/summarise.py"


rule audit:
    """Ask how much the answer depends on choices and inputs (not part of the default run)."""
    message:
        "The audit's tables are in results/audit, its figures in figures/audit"
    input:
        needing("multiverse", "sensitivity"),
        rules.run_multiverse.output,
        rules.run_sensitivity.output,
        rules.draw_robustness.output,
        rules.summarise_robustness.output,
        rules.score_load.output,
        # a run ends with these numbers
        rules.state_headline.output,
