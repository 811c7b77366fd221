"""Count the requests of one part of a log."""

import sys

from _logged import run
from _requests import Stored, opened, source
from inference_energy.requests import counts
from inference_energy.requests.log import share


def main(snakemake):
    """Count unit by unit, say how far it is, then write."""
    part, parts = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    with opened(snakemake) as (connection, folder):
        counts.create_tables(connection)
        log = source(snakemake, connection, folder)
        own = share(log.units, part, parts)
        limit = counts.MOST_ROWS
        for number, unit in enumerate(own, 1):
            if isinstance(log, Stored):
                known = snakemake.params.stated
                counts.count_unit(connection, log.log, unit, log.longest, folder, known)
            else:
                stated = log.view(unit)
                counts.add_counts(connection, stated)
                rows = unit[1] - unit[0] + 1
                connection.execute("INSERT INTO kinds VALUES ('rows', ?)", [rows])
            limit = counts.sum_when_large(connection, limit)
            print(f"part {part} of {parts}: {number} of {len(own)} read", file=sys.stderr)
        counts.sum_tables(connection)
        tables = [*counts.TABLES, *counts.LISTS]
        counts.write_tables(connection, {name: snakemake.output[name] for name in tables})


if __name__ == "__main__":
    run(main, snakemake)
