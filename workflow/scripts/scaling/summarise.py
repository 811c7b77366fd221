"""The counter-signal over all methods, checks of published water, and the pages on both."""

import pandas as pd
from _logged import run
from inference_energy import documents
from inference_energy.drawing import save
from inference_energy.method import datasheets
from inference_energy.scaling import agents, counter_signal, figures, footprint
from inference_energy.scaling import page as scaling_page
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Read the tables of all methods, write those of all together."""
    read, write, methods = snakemake.input, snakemake.output, snakemake.params.methods
    config = documents.read(read.scaling_config)
    boundaries = documents.read(read.footprint_config)
    signal = config["counter_signal"]
    facility = read_table(read.facility, "facility")
    counts = read_table(read.counts, "token_counts")
    estimates = read_table(read.estimates, "estimates")
    claim, verification = counter_signal.claimed_energy(estimates, signal["estimate"])
    measured = counter_signal.measured_signal(
        read_table(read.measured, "mlenergy"), signal, claim, counts
    )

    def of_methods(name):
        return {
            method: read_table(path, name) for method, path in zip(methods, read[name], strict=True)
        }

    inverted = of_methods("counter_signal")
    water = counter_signal.claimed_water(claim, facility)
    table = pd.concat([*inverted.values(), measured, water], ignore_index=True)
    write_table(table, write.counter_signal, "counter_signal")
    page = scaling_page.counter_signal_page(table, claim, verification, counts, signal)
    write_text(write.counter_signal_page, page)
    lengths = of_methods("scaling")
    panels = [method for method in signal["panels"] if method in lengths] or methods[:1]
    figure = figures.counter_signal(
        {method: lengths[method] for method in panels},
        table,
        counts,
        claim,
        signal["utilisation"]["values"],
    )
    for path in (write.svg, write.png):
        save(figure, path)
    footprints = of_methods("footprint")
    checks = footprint.water_checks(footprints, boundaries, facility)
    write_table(checks, write.water_checks, "water_checks")
    found = datasheets.unusual_rows("facility", datasheets.FACTS, facility)
    page = scaling_page.scaling_page(
        of_methods("test_time"),
        of_methods("crossing"),
        of_methods("agents"),
        footprints,
        checks,
        [sentence for _, sentence in found],
        agents.tasks(config["agents"]),
    )
    write_text(write.scaling_page, page)


if __name__ == "__main__":
    run(main, snakemake)
