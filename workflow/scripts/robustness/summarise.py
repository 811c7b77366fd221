"""The audit's tables in words."""

from math import prod

import pandas as pd
from _logged import run
from _multiverse import read_multiverse
from inference_energy.robustness.page import HEADLINE, multiverse_page, places
from inference_energy.tables import read_table, write_text

TABLES = {
    "distribution": "multiverse_distribution",
    "claims": "multiverse_claims",
    "variance": "multiverse_variance",
    "indices": "sobol_indices",
    "needed": "needed_values",
    "cases": "stress_cases",
    "findings": "findings",
    "published": "claims_published",
}


def main(snakemake):
    """Read the summaries and the headline of every specification, write the page."""
    read = snakemake.input
    config = read_multiverse(read)[0]
    tables = {name: read_table(read[name], schema) for name, schema in TABLES.items()}
    regimes = ("traditional", "long")
    columns = ["weight", *(HEADLINE.format(regime=regime) for regime in regimes)]
    specifications = pd.read_parquet(read.specifications, columns=columns)
    medians = {}
    for method, path in zip(snakemake.params.methods, read.energies, strict=True):
        lines = read_table(path, "energy_per_query").query(
            "engine == 'exact' and subject == 'frontier blend' and pathway == 'baseline'"
            " and statistic == 'p50'"
        )
        medians[method] = lines.set_index("regime")["value"][list(regimes)].to_dict()
    page = multiverse_page(
        counts={
            "combinations": prod(len(c["options"]) for c in config["choices"].values()),
            "specifications": len(specifications),
            "distinct": round(specifications["weight"].sum()),
            "most": round(1 / specifications["weight"].min()),
        },
        config=config,
        medians=medians,
        ranks=places(specifications, medians),
        **tables,
    )
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    run(main, snakemake)
