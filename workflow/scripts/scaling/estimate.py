"""Test-time scaling, agents, crossing points, footprint and counter-signal of one method."""

from _logged import run
from _setups import read_setup
from inference_energy import documents
from inference_energy.scaling import agents, counter_signal, crossing, footprint, length
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Estimate and write."""
    read, write = snakemake.input, snakemake.output
    method, setup = read_setup(read)
    config = documents.read(read.scaling)
    boundaries = documents.read(read.footprint)
    facility = read_table(read.facility, "facility")
    counts = read_table(read.counts, "token_counts")
    signal = config["counter_signal"]
    claim, _ = counter_signal.claimed_energy(
        read_table(read.estimates, "estimates"), signal["estimate"]
    )
    lengths = length.energy_by_length(setup, config["output_tokens"]["values"])
    write_table(lengths, write.scaling, "scaling")
    longer = length.cost_of_length(setup, config["longer"]["factor"])
    write_table(longer, write.test_time, "test_time")
    write_table(agents.agents(setup, config["agents"]), write.agents, "agents")
    write_table(crossing.crossing(setup, config["crossing"]), write.crossing, "crossing")
    water = footprint.footprint(setup, boundaries, facility)
    write_table(water, write.footprint, "footprint")
    measured = read_table(read.measured, "mlenergy")
    rates = counter_signal.decode_rates(measured, signal["large_model"]["value"])
    inverted = counter_signal.counter_signal(setup, method["id"], signal, claim, counts, rates)
    write_table(inverted, write.counter_signal, "counter_signal")


if __name__ == "__main__":
    run(main, snakemake)
