"""Every combination of the method's choices: full table and summaries, from those of the parts."""

import numpy as np
from _logged import run
from _multiverse import read_multiverse
from inference_energy.robustness import multiverse, summaries
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Compute and write."""
    read, write, params = snakemake.input, snakemake.output, snakemake.params
    config, choices, materials = read_multiverse(read)
    found = multiverse.gathered(choices, [dict(np.load(path)) for path in read.parts])
    weights, first = summaries.distinct(choices, found)
    claims = read_table(read.claims, "claims_published")
    estimates = read_table(read.estimates, "estimates")
    references = read_table(read.references, "references")
    figures = {
        "estimate": dict(zip(estimates["id"], estimates["value_wh"], strict=True)),
        "reference": dict(zip(references["quantity"], references["value"], strict=True)),
    }
    shares = summaries.claim_shares(
        choices, found, first, claims[claims["version"] == config["claims"]], figures
    )
    write_table(shares, write.claims, "multiverse_claims")
    cases = multiverse.stress_cases(choices, config["stress_cases"], materials)
    write_table(cases, write.cases, "stress_cases")
    write_table(
        summaries.distribution(choices, found, first), write.distribution, "multiverse_distribution"
    )
    write_table(summaries.variance(choices, found), write.variance, "multiverse_variance")
    write_table(summaries.one_at_a_time(choices, found), write.one_at_a_time, "one_at_a_time")
    curve = summaries.curve(choices, found, weights, first, params.bins)
    write_table(curve, write.curve, "specification_curve")
    summaries.full_table(choices, found, weights).to_parquet(write.table, index=False)


if __name__ == "__main__":
    run(main, snakemake)
