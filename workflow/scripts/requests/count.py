"""Count the requests of one part of a log."""

from _logged import run
from _requests import log_of, opened
from inference_energy.requests import counts
from inference_energy.requests.log import share
from inference_energy.requests.progress import telling


def main(snakemake):
    """Count unit by unit and write, and say how far it is."""
    part, parts = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    with opened(snakemake) as (connection, folder):
        counts.create_tables(connection)
        log = log_of(snakemake, connection, folder)
        own = share(log.units, part, parts)
        with telling(log.within) as say:
            what = f"part {part} of {parts}"
            say(what, 0, len(own))
            log.add_counts(own, lambda number, step="": say(what, number, len(own), step))
            say(f"writing the counts of {what}")
            tables = [*counts.TABLES, *counts.LISTS]
            counts.write_tables(connection, {name: snakemake.output[name] for name in tables})


if __name__ == "__main__":
    run(main, snakemake)
