rule tabulate_coefficients:
    """Tabulate energy per token by model, GPU, format and load, with the rows behind it."""
    message:
        "Tabulating energy per token by model, GPU, format and load"
    input:
        **LOAD_TABLES,
        inferencex=provided("data/measured/inferencex_power.csv"),
        wall_power=provided("data/measured/mlperf_wall_power.csv"),
        nodes=provided("data/nodes.csv"),
        agent_tokens=provided("data/agent_tokens.csv"),
        project=own("pyproject.toml"),
        code=code("coefficients/tabulate.py"),
    priority: 12
    output:
        coefficients="results/coefficients.csv",
        coefficients_rows="results/coefficients_rows.csv",
        coefficients_disaggregated="results/validation/coefficients_disaggregated.csv",
        coefficients_agents="results/validation/coefficients_agents.csv",
        json="results/coefficients.json",
        json_schema="results/coefficients.schema.json",
        page="docs/coefficients.md",
        checked="docs/coefficients_checked.md",
        svg=captioned("figures/validation/coefficients.svg", "coefficients", "Energy per token"),
        png="figures/validation/coefficients.png",
    log:
        "logs/tabulate_coefficients.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/coefficients/tabulate.py"


TARGETS += rules.tabulate_coefficients.output
