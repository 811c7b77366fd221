"""One part of the combinations of the method's choices."""

import numpy as np
from _logged import run
from _multiverse import read_multiverse
from inference_energy.robustness import multiverse


def main(snakemake):
    """Compute and write."""
    _, choices, materials = read_multiverse(snakemake.input)
    part, parts = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    found = multiverse.part_outcomes(choices, materials, part, parts, snakemake.threads)
    np.savez(snakemake.output[0], **found)


if __name__ == "__main__":
    run(main, snakemake)
