EXPLORER = "workflow/templates/explorer"
# libraries first, then what computes, then what shows it
EXPLORER_SCRIPTS = [
    "workflow/vendor/d3/d3.min.js",
    "workflow/vendor/plot/plot.umd.min.js",
    f"{EXPLORER}/engine.js",
    f"{EXPLORER}/charts.js",
    f"{EXPLORER}/page.js",
]


rule write_explorer:
    """Write the page on which a reader picks a query and sees its energy."""
    message:
        "Writing the explorer"
    input:
        needing("methods", "footprint"),
        **source_inputs(METHODS),
        **{
            table: expand(f"results/{{method}}/{table}.csv", method=PAPER_FIRST)
            for table in ("energy_per_query", "output_tokens", "fleet", "footprint", "claims")
        },
        nodes=provided("data/node_power.csv"),
        contexts=provided("data/models.csv"),
        at_load=provided("data/throughput/at_load.csv"),
        coefficients="results/coefficients.csv",
        facility=provided("data/facility.csv"),
        footprint_config=provided("config/footprint.yaml"),
        published=provided("data/published/claims.csv"),
        references=provided("data/published/references.csv"),
        style=own(f"{EXPLORER}/style.css"),
        scripts=[own(path) for path in EXPLORER_SCRIPTS],
        code=code("explorer/write.py"),
    params:
        methods={name: METHODS[name] for name in PAPER_FIRST},
    priority: 12
    output:
        table="results/explorer/configurations.csv",
        page="docs/explorer/index.html",
    log:
        "logs/write_explorer.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/explorer/write.py"


TARGETS += rules.write_explorer.output
