"""Test-time scaling of one method: energy by length, agents, crossing points, counter-signal."""

import sys

from _logged import run
from _setups import read_setup
from inference_energy import documents
from inference_energy.drawing import save_all
from inference_energy.scaling import agents, counter_signal, crossing, figures, length
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Build the method; estimate, write and draw."""
    read, write = snakemake.input, snakemake.output
    method, setup = read_setup(read)
    config = documents.read(read.scaling)
    contexts = read_table(read.contexts, "models")
    agents.check_idle_power(config["agents"], read_table(read.servers, "nodes"))
    left_out = agents.too_long(setup, method["id"], config["agents"], contexts)
    for sentence in left_out.values():
        print(sentence, file=sys.stderr)
    counts = read_table(read.counts, "token_counts")
    counter_signal.check_counts(counts, contexts)
    signal = config["counter_signal"]
    claim, _ = counter_signal.claimed_energy(
        read_table(read.estimates, "estimates"), signal["estimate"]
    )
    lengths = length.energy_by_length(setup, config["output_tokens"]["values"])
    write_table(lengths, write.scaling, "scaling")
    longer = length.cost_of_length(setup, config["longer"]["factor"])
    write_table(longer, write.test_time, "test_time")
    write_table(agents.agents(setup, config["agents"], left_out), write.agents, "agents")
    write_table(crossing.crossing(setup, config["crossing"]), write.crossing, "crossing")
    measured = read_table(read.measured, "mlenergy")
    rates = counter_signal.decode_rates(measured, signal["large_model"]["value"])
    inverted = counter_signal.counter_signal(setup, method["id"], signal, claim, counts, rates)
    write_table(inverted, write.counter_signal, "counter_signal")
    # numbers as the tables state them
    drawn = [read_table(write[name], name) for name in ("scaling", "crossing")]
    save_all({"scaling": figures.scaling(*drawn)}, [write.svg, write.png])


if __name__ == "__main__":
    run(main, snakemake)
