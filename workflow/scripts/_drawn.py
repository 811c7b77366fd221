"""A day of a method's own queries, as the jobs of `snakemake requests` read it."""

from _setups import read_materials
from inference_energy.energy.exact import regime_energy
from inference_energy.method.build import build
from inference_energy.requests import generate
from inference_energy.requests.counts import counted_view, sum_tables


class Drawn:
    """A day of a method's own queries, as ``Stored``."""

    def __init__(self, snakemake, connection):
        method, count = snakemake.params.log["method"], snakemake.params.log["count"]
        setup = build(method, **read_materials(snakemake.input)(method))
        _, members = regime_energy(setup, setup.regimes["traditional"])
        self.connection, self.day = connection, generate.Day.of(setup, members, count)
        settings = snakemake.params.settings
        self.longest, self.long_from = (settings[k]["value"] for k in ("longest", "long_from"))
        self.units = self.day.units()

    def within(self):
        """What of a unit is drawn: it takes a moment, and nobody asks. [%]"""
        return -1.0

    def add_counts(self, units, say):
        """Add up the counts of some units in the tables; ``say`` is told after each."""
        for name, frame in self.day.tally(units, say, self.long_from).items():
            columns = ", ".join(frame.columns)
            self.connection.register("drawn_counts", frame)
            self.connection.execute(f"INSERT INTO {name} ({columns}) FROM drawn_counts")
        rows = sum(last - first + 1 for first, last in units)
        self.connection.execute("INSERT INTO kinds VALUES ('rows', ?)", [rows])
        sum_tables(self.connection)

    def view(self, unit, least):
        """Make the view ``counted`` of a unit; return the columns that are drawn.

        Queries of fewer than ``least`` output tokens are left out. [tokens]
        """
        stated = self.day.view(self.connection, unit, least)
        self.connection.execute(counted_view(self.longest, stated, self.long_from, ()))
        return stated
