"""Find the requests that a log holds more than once."""

from _logged import run
from _requests import log_of, opened
from inference_energy.requests import counts
from inference_energy.requests.duplicates import count_duplicates, write_surplus
from inference_energy.requests.progress import telling


def main(snakemake):
    """Compare the ids of all parts, count what is there too often, then write."""
    with opened(snakemake) as (connection, folder):
        counts.create_tables(connection)
        log = log_of(snakemake, connection, folder)
        with telling(log.within) as say:
            bounds = log.longest, folder, say, log.long_from, snakemake.params.log["one_in"]
            count_duplicates(connection, log.log, log.units, *bounds)
        counts.sum_tables(connection)
        tables = [*counts.TABLES, *counts.LISTS]
        counts.write_tables(connection, {name: snakemake.output[name] for name in tables})
        write_surplus(connection, snakemake.output.surplus)


if __name__ == "__main__":
    run(main, snakemake)
