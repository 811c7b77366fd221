"""What the measurements say by themselves: concurrency, and Blackwell against H100."""

from _logged import run
from inference_energy.evidence.concurrency import summarise
from inference_energy.evidence.coverage import blackwell
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Summarise and write."""
    settings, output = snakemake.params.settings, snakemake.output
    runs = read_table(snakemake.input.runs, "mlenergy")
    benchmarks = read_table(snakemake.input.benchmarks, "throughput")
    band = (settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"])
    write_table(summarise(runs, band, settings["near_best"]), output.concurrency, "concurrency")
    write_table(blackwell(benchmarks, runs), output.blackwell, "blackwell")


if __name__ == "__main__":
    run(main, snakemake)
