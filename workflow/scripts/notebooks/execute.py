"""Execute the notebooks and write them as pages that open without a network."""

from html import escape
from pathlib import Path

import jupytext
from _logged import run
from inference_energy.errors import InputError
from inference_energy.tables import write_text
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

UNTOLD = 'alt="No description has been provided for this image"'
"""What the exporter writes of every picture."""

LONGEST = 300
"""Time that a cell may take. [s]"""

FORGET = "# %%\n%reset -f\n"
"""Cell after which a kernel knows no name of the cells before it."""

QUIET = ["--log-level=ERROR"]
"""Arguments of a kernel, which else warns each time that others on the machine could listen."""


def executed(paths):
    """Notebooks of sources, with what their cells give.

    One kernel executes all, as its start and imports take most of the time; each finds no name of
    those before it.
    """
    notebooks = [jupytext.read(path) for path in paths]
    whole = jupytext.reads("", "py:percent")
    whole.metadata, whole.cells = notebooks[0].metadata, []
    for path, notebook in zip(paths, notebooks, strict=True):
        notebook.metadata["title"] = Path(path).stem.replace("_", " ")
        for number, cell in enumerate(notebook.cells):
            # drawn at random otherwise, and written into the page
            cell["id"] = f"{Path(path).stem}-{number}"
        whole.cells += [*notebook.cells, *jupytext.reads(FORGET, "py:percent").cells]
    try:
        ExecutePreprocessor(timeout=LONGEST, extra_arguments=QUIET).preprocess(
            whole, {"metadata": {"path": "."}}
        )
    except CellExecutionError as error:
        begun = [any("execution" in cell.metadata for cell in each.cells) for each in notebooks]
        path, told = paths[sum(begun) - 1], f"{error.ename}: {error.evalue}"
        raise InputError(f"{path}: a cell fails with {told}; correct it or what it reads") from None
    return notebooks


def with_texts(body, notebook):
    """Page whose pictures have the texts that they came with, which the exporter drops."""
    texts = [
        output.metadata["image/png"]["alt"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    start, *rest = body.split(UNTOLD)
    told = zip(texts, rest, strict=True)
    return start + "".join(f'alt="{escape(text, quote=True)}"{after}' for text, after in told)


def main(snakemake):
    """Execute and write all."""
    exporter = HTMLExporter(mathjax_url="", require_js_url="", exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    notebooks = executed(snakemake.input.notebooks)
    for notebook, page in zip(notebooks, snakemake.output, strict=True):
        body, _ = exporter.from_notebook_node(notebook)
        write_text(page, with_texts(body, notebook))


if __name__ == "__main__":
    run(main, snakemake)
