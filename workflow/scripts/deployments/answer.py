"""Energy, cost and carbon of one deployment, from its operator's benchmark files."""

from pathlib import Path

from _logged import run
from _runs import read_background, read_runs, with_renamed
from _setups import read_shared
from inference_energy.deployments import answers, build
from inference_energy.deployments.figures import energy_beside_paper, measured
from inference_energy.deployments.files import stated_facts
from inference_energy.deployments.page import report
from inference_energy.drawing import save
from inference_energy.energy.exact import token_statistics
from inference_energy.paper import estimate
from inference_energy.reports import to_html, told
from inference_energy.tables import load_schema, read_table, write_table, write_text


def main(snakemake):
    """Read, compute everything, then write."""
    read, output, params = snakemake.input, snakemake.output, snakemake.params
    method, where = params.method, params.path
    own = method["deployment"].get("facts", {})
    runs = read_runs(params.benchmarks, own)
    facts = stated_facts(params.benchmarks, own, where)
    background = read_background(read)
    method = with_renamed(method, params.benchmarks, where)
    deployment = build.build(method, runs, where, background=background, **read_shared(read))
    reference = read_table(read.reference, "energy_per_query")
    columns = [c for c in load_schema("runs")["properties"] if c in deployment.runs]
    tables = {
        "throughput_laws": estimate.throughput_laws(deployment),
        "energy_per_query": answers.energy_per_query(deployment, reference, params.reference),
        "energy_per_million_tokens": answers.energy_per_million_tokens(deployment),
        "energy_by_length": answers.energy_by_length(deployment),
        "per_day": answers.per_day(deployment, where),
        "limits": answers.limits(deployment),
        "assumptions": answers.assumptions(method, params.stated, deployment, facts),
        "runs": deployment.runs[columns],
    }
    page = report(method["title"], deployment, tables, params.reference)
    tokens = {name: token_statistics(regime) for name, regime in deployment.regimes.items()}
    figures = {
        "energy": energy_beside_paper(tables["energy_per_query"]),
        "measured": measured(deployment, tokens),
    }
    for name, table in tables.items():
        write_table(table, output[name], name)
    for name, figure in figures.items():
        save(figure, output[f"{name}_png"])
        save(figure, output[f"{name}_svg"])
    images = {name: Path(output[f"{name}_svg"]).read_bytes() for name in figures}
    page = told(page, Path(output.markdown).parent)
    write_text(output.markdown, page)
    write_text(output.html, to_html(method["title"], page, images))


if __name__ == "__main__":
    run(main, snakemake)
