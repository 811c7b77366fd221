"""Open what `snakemake requests` reads: a log on disk, or a day of a method's own queries."""

import tempfile
from contextlib import contextmanager
from functools import partial

from inference_energy.requests.counts import count_units, counted_view
from inference_energy.requests.interrupts import interruptible
from inference_energy.requests.log import Log, connect, requests_view, units
from inference_energy.tables import read_table


@contextmanager
def opened(snakemake):
    """Give a DuckDB with the threads and memory of the job, and a folder that is removed after."""
    memory = snakemake.params.memory_mb
    with (
        tempfile.TemporaryDirectory(dir=snakemake.resources.tmpdir) as folder,
        interruptible(partial(connect, memory, snakemake.threads, folder)) as connection,
    ):
        yield connection, folder


def stored(params):
    """Return the log on disk that parameters are of."""
    return Log(tuple(params["files"]), params["kind"], params["form"], params["format"])


class Stored:
    """A log on disk; ``units`` are its parts."""

    def __init__(self, snakemake, connection, folder):
        self.log = stored(snakemake.params.log)
        self.connection, self.folder = connection, folder
        settings = snakemake.params.settings
        self.longest, self.long_from = (settings[k]["value"] for k in ("longest", "long_from"))
        self.params, self.read = snakemake.params, snakemake.input
        self.units = units(self.log, connection)

    def within(self):
        """What of the present query is done; below zero where nobody knows. [%]"""
        return self.connection.query_progress()

    def add_counts(self, units, say):
        """Add up the counts of some units in the tables; ``say`` is told how many are, and what
        is done of the next one.
        """
        bounds = self.longest, self.folder, self.params.stated, self.long_from
        models = read_table(self.read.models, "models")
        one_in = self.params.log["one_in"]
        count_units(self.connection, self.log, units, *bounds, say, one_in, models)

    def view(self, unit, least):
        """Make the view ``counted`` of a unit; return the columns that the log has.

        ``least`` is for a day of queries, of which the shorter ones need not be drawn.
        """
        stated, *_ = requests_view(self.log, unit, self.connection, self.folder)
        self.connection.execute(counted_view(self.longest, stated, long_from=self.long_from))
        return stated


def log_of(snakemake, connection, folder):
    """Return the log of a job."""
    if "count" not in snakemake.params.log:
        return Stored(snakemake, connection, folder)
    # a method takes half a second to load, and no log on disk needs it
    from _drawn import Drawn

    return Drawn(snakemake, connection)
