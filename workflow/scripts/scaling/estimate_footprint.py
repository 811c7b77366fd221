"""Water and carbon of one method's queries and fleet."""

from _logged import run
from _setups import read_setup
from inference_energy import documents
from inference_energy.drawing import save_all
from inference_energy.scaling import figures, footprint
from inference_energy.tables import read_table, write_table


def main(snakemake):
    """Build the method; estimate, write and draw."""
    read, write = snakemake.input, snakemake.output
    _, setup = read_setup(read)
    facility = read_table(read.facility, "facility")
    water = footprint.footprint(setup, documents.read(read.footprint), facility)
    write_table(water, write.footprint, "footprint")
    # numbers as the table states them
    drawn = figures.footprint(read_table(write.footprint, "footprint"))
    save_all({"footprint": drawn}, [write.svg, write.png])


if __name__ == "__main__":
    run(main, snakemake)
