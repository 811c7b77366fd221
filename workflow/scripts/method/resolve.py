"""Write a resolved method as YAML, once it is held against the tables that it is built from."""

import pandas as pd
from _logged import run
from inference_energy.documents import dump, read
from inference_energy.errors import InputError
from inference_energy.method.files import method_path, warnings
from inference_energy.method.plausible import Tables, held_against
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Write the method with all that it inherits, and what is unusual about it."""
    read_from, method = snakemake.input, snakemake.params.method
    rows = [read_table(path, "throughput") for path in read_from.throughput_tables]
    tables = Tables(*(read_table(read_from[name], name) for name in ("models", "gpus", "sources")))
    problems, unusual = held_against(method, pd.concat(rows, ignore_index=True), tables)
    if problems:
        raise InputError(problems)
    unusual = [*warnings(method, read(read_from.schema), method_path(method["id"])), *unusual]
    content = method | ({"warnings": unusual} if unusual else {})
    text = dump(content, sort_keys=False, allow_unicode=True, width=100)
    write_text(snakemake.output[0], text)


if __name__ == "__main__":
    run(main, snakemake)
