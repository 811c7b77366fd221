"""Count the requests of one part of a log."""

import sys

from _logged import run
from _requests import opened, source
from inference_energy.requests import counts
from inference_energy.requests.log import share


def main(snakemake):
    """Count unit by unit, say how far it is, then write."""
    part, parts = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    with opened(snakemake) as (connection, folder):
        counts.create_tables(connection)
        log = source(snakemake, connection, folder)
        own = share(log.units, part, parts)

        def say(number):
            print(f"part {part} of {parts}: {number} of {len(own)} read", file=sys.stderr)

        log.add_counts(own, say)
        counts.sum_tables(connection)
        tables = [*counts.TABLES, *counts.LISTS]
        counts.write_tables(connection, {name: snakemake.output[name] for name in tables})


if __name__ == "__main__":
    run(main, snakemake)
