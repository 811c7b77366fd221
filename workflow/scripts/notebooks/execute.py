"""Execute the notebooks and write them as pages that open without a network."""

from pathlib import Path

import jupytext
from _logged import run
from inference_energy.errors import InputError
from inference_energy.tables import write_text
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

LONGEST = 300
"""Time that a cell may take. [s]"""


def executed(path):
    """Notebook of a source, with what its cells give."""
    notebook = jupytext.read(path)
    notebook.metadata["title"] = Path(path).stem.replace("_", " ")
    try:
        ExecutePreprocessor(timeout=LONGEST).preprocess(notebook, {"metadata": {"path": "."}})
    except CellExecutionError as error:
        told = f"{error.ename}: {error.evalue}"
        raise InputError(f"{path}: a cell fails with {told}; correct it or what it reads") from None
    return notebook


def main(snakemake):
    """Execute and write all."""
    exporter = HTMLExporter(mathjax_url="", require_js_url="", exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    for source, page in zip(snakemake.input.notebooks, snakemake.output, strict=True):
        body, _ = exporter.from_notebook_node(executed(source))
        write_text(page, body)


if __name__ == "__main__":
    run(main, snakemake)
