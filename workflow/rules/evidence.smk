EVIDENCE = SETTINGS.documents["evidence"]

# a variant differs from its paper in one setting; utilisation coupled to throughput has no spread
WEIGHED = [
    name
    for name, method in METHODS.items()
    if method["kind"] != "variant" and method["power_utilisation"]["distribution"] != "coupled"
]
# the page shows the tables of one method: the latest of the paper's
REPORTED = [name for name in WEIGHED if METHODS[name]["kind"] == "paper"][-1:] or WEIGHED[-1:]
EVIDENCE_TABLES = [
    "overestimates",
    "overestimate_shares",
    "not_comparable",
    "breakdown",
    "decomposition",
    "predicted",
    "coverage",
    "wall_utilisation",
    "length_effects",
    "length_quantiles",
    "evidence_verdicts",
]
EVIDENCE_FIGURES = [
    "overestimates_paper",
    "overestimates_abstract",
    "overestimates_like_for_like",
    "decomposition",
    "predicted",
    "wall_utilisation",
    "length_quantiles",
]
EVIDENCE_VECTORS = [f"figures/validation/{{method}}/{figure}.svg" for figure in EVIDENCE_FIGURES]


# what the laws with load are fitted to, under names that no method's own tables have
LAW_TABLES = {
    "law_throughput": [
        provided("data/throughput/at_load.csv"),
        provided("data/throughput/trtllm.csv"),
    ],
    "law_models": provided("data/models.csv"),
    "law_gpus": provided("data/gpus.csv"),
    "law_nodes": provided("data/nodes.csv"),
    "law_mlenergy": provided("data/measured/mlenergy_v3.csv"),
    "law_inferencex": provided("data/measured/inferencex_power.csv"),
    "law_wall_power": provided("data/measured/mlperf_wall_power.csv"),
}


rule summarise_measurements:
    """Energy per token against concurrency, Blackwell against H100, a day in production."""
    message:
        "Summarising what the measurements say by themselves"
    input:
        needing("evidence"),
        **LAW_TABLES,
        runs=provided("data/measured/mlenergy_v3.csv"),
        throughput_table=provided("data/throughput/trtllm.csv"),
        day=provided("data/production_load.csv"),
        code=code("evidence/summarise_measurements.py"),
    params:
        settings=EVIDENCE,
    priority: 70
    output:
        concurrency="results/validation/concurrency.csv",
        blackwell="results/validation/blackwell.csv",
        production="results/validation/production.csv",
    log:
        "logs/summarise_measurements.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/evidence/summarise_measurements.py"


rule weigh_evidence:
    """Set a method beside public estimates and measurements, like with like."""
    message:
        "Setting {wildcards.method} beside public estimates and measurements"
    input:
        needing("evidence"),
        unpack(estimate_inputs),
        **LAW_TABLES,
        estimates=provided("data/published/estimates.csv"),
        mlenergy=provided("data/measured/mlenergy_v3.csv"),
        wall_power=provided("data/measured/mlperf_wall_power.csv"),
        nodes=provided("data/nodes.csv"),
        output_lengths=provided("data/measured/output_lengths.csv"),
        request_lengths=provided("data/request_lengths.csv"),
        concurrency="results/validation/concurrency.csv",
        blackwell="results/validation/blackwell.csv",
        code=code("evidence/weigh.py"),
    params:
        settings=EVIDENCE,
    priority: 70
    output:
        **{name: f"results/validation/{{method}}/{name}.csv" for name in EVIDENCE_TABLES},
    log:
        "logs/{method}/weigh_evidence.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/evidence/weigh.py"


rule draw_evidence:
    """Draw the comparison of a method with public estimates and measurements."""
    message:
        "Drawing {wildcards.method} beside public estimates and measurements"
    input:
        needing("evidence"),
        unpack(estimate_inputs),
        **{name: f"results/validation/{{method}}/{name}.csv" for name in EVIDENCE_TABLES},
        code=code("evidence/draw.py"),
    params:
        settings=EVIDENCE,
    output:
        [captioned(path, "evidence", "Public evidence") for path in EVIDENCE_VECTORS],
        expand("figures/validation/{{method}}/{figure}.png", figure=EVIDENCE_FIGURES),
    log:
        "logs/{method}/draw_evidence.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/evidence/draw.py"


rule draw_concurrency:
    """Draw measured energy per token against concurrency."""
    message:
        "Drawing measured energy per token against concurrency"
    input:
        needing("evidence"),
        runs=provided("data/measured/mlenergy_v3.csv"),
        code=code("evidence/draw_concurrency.py"),
    params:
        settings=EVIDENCE,
    output:
        captioned("figures/validation/concurrency.svg", "evidence", "Public evidence"),
        "figures/validation/concurrency.png",
    log:
        "logs/draw_concurrency.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/evidence/draw_concurrency.py"


rule report_evidence:
    """Write the conclusions from public evidence for a reader."""
    message:
        "Writing the conclusions from public evidence for a reader"
    input:
        needing("methods", "evidence"),
        verdicts=expand("results/validation/{method}/evidence_verdicts.csv", method=WEIGHED),
        predicted=expand("results/validation/{method}/predicted.csv", method=WEIGHED),
        tables=expand(
            "results/validation/{method}/{table}.csv",
            method=REPORTED,
            table=EVIDENCE_TABLES,
        ),
        concurrency="results/validation/concurrency.csv",
        blackwell="results/validation/blackwell.csv",
        production="results/validation/production.csv",
        figures=expand(EVIDENCE_VECTORS, method=REPORTED),
        measured="figures/validation/concurrency.svg",
        estimates=provided("data/published/estimates.csv"),
        metered=provided("data/measured/inferencex_power.csv"),
        code=code("evidence/report.py"),
    params:
        methods=WEIGHED,
        reported=REPORTED,
        settings=EVIDENCE,
    output:
        page="docs/evidence.md",
        each="results/validation/evidence_each.md",
        remainders="results/validation/remainders.md",
    log:
        "logs/report_evidence.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/evidence/report.py"


TARGETS += expand("results/validation/{method}/{table}.csv", method=WEIGHED, table=EVIDENCE_TABLES)
TARGETS += expand(
    "figures/validation/{method}/{figure}.svg", method=REPORTED, figure=EVIDENCE_FIGURES
)
TARGETS += ["figures/validation/concurrency.svg"]
if WEIGHED:
    TARGETS += rules.report_evidence.output
