"""Open what `snakemake requests` reads: a log on disk, or a day of a method's own queries."""

import tempfile
from contextlib import contextmanager

from inference_energy.requests.counts import counted_view
from inference_energy.requests.log import Log, connect, requests_view, units


@contextmanager
def opened(snakemake):
    """Give a DuckDB with the threads and memory of the job, and a folder that is removed after."""
    memory = snakemake.params.memory_mb
    with tempfile.TemporaryDirectory(dir=snakemake.resources.tmpdir) as folder:
        connection = connect(memory, snakemake.threads, folder)
        try:
            yield connection, folder
        finally:
            connection.close()


class Stored:
    """A log on disk; ``units`` are its parts, ``view`` makes the view ``counted`` of one."""

    def __init__(self, snakemake, connection, folder):
        stored = snakemake.params.log
        self.log = Log(tuple(stored["files"]), stored["kind"], stored["form"])
        self.connection, self.folder = connection, folder
        self.longest = snakemake.params.settings["longest"]["value"]
        self.units = units(self.log, connection)

    def view(self, unit):
        """Make the view ``counted`` of a unit; return the columns that the log has."""
        stated, *_ = requests_view(self.log, unit, self.connection, self.folder)
        self.connection.execute(counted_view(self.longest, stated))
        return stated


def source(snakemake, connection, folder):
    """Return the log of a job."""
    if "count" not in snakemake.params.log:
        return Stored(snakemake, connection, folder)
    # a method takes half a second to load, and no log on disk needs it
    from _drawn import Drawn

    return Drawn(snakemake, connection)
