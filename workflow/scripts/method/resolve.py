"""Write a resolved method as YAML."""

from _logged import run
from inference_energy.documents import dump
from inference_energy.tables import write_text


def main(snakemake):
    """Write the method with all that it inherits."""
    text = dump(snakemake.params.method, sort_keys=False, allow_unicode=True, width=100)
    write_text(snakemake.output[0], text)


if __name__ == "__main__":
    run(main, snakemake)
