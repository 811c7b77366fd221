"""Write the explorer, and the table of the configurations that it offers."""

from pathlib import Path

import numpy as np
from _logged import run
from _setups import read_materials
from inference_energy import documents
from inference_energy.explorer import configurations, content, translated
from inference_energy.explorer.page import explorer_page
from inference_energy.laws.training import STEADY_TABLE, steady_rows
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.materials import tables_of
from inference_energy.method.serving import serve_elsewhere
from inference_energy.project import shown
from inference_energy.tables import read_table, write_table, write_text

TABLES = ("energy_per_query", "output_tokens", "fleet", "footprint", "claims")


def main(snakemake):
    """Read the tables of all methods, fit their laws, write table and page."""
    read, write, methods = snakemake.input, snakemake.output, snakemake.params.methods
    materials = read_materials(read)
    published = read_table(read.published, "claims_published")
    coefficients = read_table(read.coefficients, "coefficients")
    setups, found = _known(read, methods, materials, configurations.kinds_of(coefficients))
    write_table(configurations.as_table(found), write.table, "configurations")
    lines = configurations.lines_of(read_table(write.table, "configurations"))
    at_load = {shown(read.at_load): content.lines_of_rows(read_table(read.at_load, "throughput"))}
    described, pools = {}, content.Pools()
    for place, (name, method) in enumerate(methods.items()):
        tables = {table: read_table(read[table][place], table) for table in TABLES}
        files = {
            shown(path): content.lines_of_rows(materials.tables[path]) for path in tables_of(method)
        }
        hardware = materials(method).get("hardware", {})
        if "serving" in method:
            files[STEADY_TABLE] = content.lines_of_rows(steady_rows(hardware["mlenergy"]))
        own, utilisation = pools.add(found[name]), setups[name].power_utilisation
        served = {model.name: model for model in setups[name].models}
        described[name] = content.method_content(method, tables, published, utilisation) | {
            "pools": own,
            "idle": content.idle_content(own, hardware),
            "configurations": [
                content.configuration_content(
                    each, served, at_load if key[-1] else files, lines[name, *key]
                )
                for each in found[name]
                if content.is_computable(each.law)
                for key in [(*each.key[:3], float(np.nan_to_num(each.load)))]
            ],
        }
    pools.finish()
    intensities = content.intensity_content(
        documents.read(read.footprint_config), read_table(read.facility, "facility")
    )
    references = read_table(read.references, "references")
    page = explorer_page(
        {
            "methods": described,
            "serving": content.serving_content(pools, coefficients),
            "contexts": content.context_content(found, read_table(read.contexts, "models")),
            "intensities": intensities,
            "references": content.references(references),
        },
        Path(read.style).read_text(encoding="utf-8"),
        [translated.script(), *(Path(path).read_text(encoding="utf-8") for path in read.scripts)],
    )
    write_text(write.page, page)


def _known(read, methods, materials, kinds):
    """Setup of every method, and every configuration that it knows, all kinds among them."""
    nodes, at_load = read_table(read.nodes, "node_power"), read_table(read.at_load, "throughput")
    setups, found = {}, {}
    for name, method in methods.items():
        of = materials(method)
        given = method, of["table"], of.get("hardware", {})
        laws, elsewhere = fit_suitable(*given), {}
        if "serving" in method:
            utilisation = next(iter(laws.values())).utilisation
            elsewhere = serve_elsewhere(*given, kinds, utilisation)
        found[name] = configurations.configurations(*given, nodes, at_load, laws, elsewhere)
        setups[name] = build(method, **of, laws=laws)
    return setups, found


if __name__ == "__main__":
    run(main, snakemake)
