"""What the measurements say by themselves: concurrency, Blackwell, and a day in production."""

from _laws import read_laws
from _logged import run
from inference_energy.evidence import blackwell, production
from inference_energy.evidence.concurrency import from_one, summarise
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Summarise and write."""
    settings, output = snakemake.params.settings, snakemake.output
    runs = read_table(snakemake.input.runs, "mlenergy")
    throughput = read_table(snakemake.input.throughput_table, "throughput")
    laws = read_laws(snakemake.input)
    band = (settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"])
    summary = from_one(summarise(runs, band, settings["near_best"]), runs, laws)
    write_table(summary, output.concurrency, "concurrency")
    write_table(blackwell.compare(throughput, runs), output.blackwell, "blackwell")
    day = read_table(snakemake.input.day, "production_load")
    checked = production.compare(day, laws, settings["production"])
    write_table(checked, output.production, "production")


if __name__ == "__main__":
    run(main, snakemake)
