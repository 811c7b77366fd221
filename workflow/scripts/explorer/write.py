"""Write the explorer, and the table of the configurations that it offers."""

from pathlib import Path

import numpy as np
from _logged import run
from _setups import read_all_sources
from inference_energy import documents
from inference_energy.explorer import configurations, content, translated
from inference_energy.explorer.page import explorer_page
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.sources import tables_of
from inference_energy.project import shown
from inference_energy.tables import read_table, write_table, write_text

TABLES = ("energy_per_query", "output_tokens", "fleet", "footprint", "claims")


def main(snakemake):
    """Read the tables of all methods, fit their laws, write table and page."""
    read, write, methods = snakemake.input, snakemake.output, snakemake.params.methods
    sources = read_all_sources(read)
    nodes, at_load = read_table(read.nodes, "node_power"), read_table(read.at_load, "throughput")
    loaded = {shown(read.at_load): at_load}
    published = read_table(read.published, "claims_published")
    keys = zip(published["claim"], published["version"], strict=True)
    statements = dict(zip(keys, published["statement"], strict=True))
    found, setups, served = {}, {}, {}
    for name, method in methods.items():
        of = sources(method)
        hardware = of.get("hardware", {})
        laws = fit_suitable(method, of["table"], hardware)
        found[name] = configurations.configurations(
            method, of["table"], hardware, nodes, at_load, laws
        )
        setups[name] = build(method, **of, laws=laws)
        served[name] = {model.name: model for model in setups[name].models}
    write_table(configurations.as_table(found), write.table, "configurations")
    lines = configurations.lines_of(read_table(write.table, "configurations"))
    described = {}
    for place, (name, method) in enumerate(methods.items()):
        tables = {table: read_table(read[table][place], table) for table in TABLES}
        files = {shown(path): sources.tables[path] for path in tables_of(method)}
        utilisation = setups[name].power_utilisation
        pools = content.pool_content(setups[name].models)
        described[name] = content.method_content(method, tables, statements, utilisation) | {
            "pools": pools,
            "idle": content.idle_content(pools, sources(method).get("hardware")),
            "configurations": [
                content.configuration_content(
                    each, served[name], loaded if key[-1] else files, lines[name, *key]
                )
                for each in found[name]
                if content.law_content(each.law)
                for key in [(*each.key[:3], float(np.nan_to_num(each.load)))]
            ],
        }
    intensities = content.intensity_content(
        documents.read(read.footprint_config), read_table(read.facility, "facility")
    )
    references = read_table(read.references, "references")
    page = explorer_page(
        {
            "methods": described,
            "serving": content.serving_content(),
            "intensities": intensities,
            "references": dict(zip(references["quantity"], references["value"], strict=True)),
        },
        Path(read.style).read_text(encoding="utf-8"),
        [translated.script(), *(Path(path).read_text(encoding="utf-8") for path in read.scripts)],
    )
    write_text(write.page, page)


if __name__ == "__main__":
    run(main, snakemake)
