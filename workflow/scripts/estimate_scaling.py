"""Test-time scaling, agents, crossing points, footprint and counter-signal of one method."""

from pathlib import Path

import yaml
from inference_energy import footprint, inversion, scaling
from inference_energy.tables import read_table, write_table
from logged import run
from setups import read_setup


def main(snakemake):
    """Estimate and write."""
    read, write = snakemake.input, snakemake.output
    method, setup = read_setup(read)
    config = yaml.safe_load(Path(read.scaling).read_text(encoding="utf-8"))
    boundaries = yaml.safe_load(Path(read.footprint).read_text(encoding="utf-8"))
    facility = read_table(read.facility, "facility")
    counts = read_table(read.counts, "token_counts")
    signal = config["counter_signal"]
    claim, _ = inversion.claimed_energy(read_table(read.estimates, "estimates"), signal["estimate"])
    lengths = scaling.energy_by_length(setup, config["output_tokens"]["values"])
    write_table(lengths, write.scaling, "scaling")
    longer = scaling.cost_of_length(setup, config["longer"]["factor"])
    write_table(longer, write.test_time, "test_time")
    write_table(scaling.agents(setup, config["agents"]), write.agents, "agents")
    write_table(scaling.crossing(setup, config["crossing"]), write.crossing, "crossing")
    water = footprint.footprint(setup, boundaries, facility)
    write_table(water, write.footprint, "footprint")
    measured = read_table(read.measured, "mlenergy")
    rates = inversion.decode_rates(measured, signal["large_model"]["value"])
    inverted = inversion.counter_signal(setup, method["id"], signal, claim, counts, rates)
    write_table(inverted, write.counter_signal, "counter_signal")


if __name__ == "__main__":
    run(main, snakemake)
