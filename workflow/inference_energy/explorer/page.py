"""The explorer as one page that needs nothing beside it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inference_energy.templates import render

DIGITS = 9
"""Significant digits of the page's numbers; the others depend on the processor."""


def explorer_page(content: Mapping[str, Any], style: str, scripts: Sequence[str]) -> str:
    """Write the page.

    Parameters
    ----------
    content : dict
        What the page knows, as it can be written in JSON.
    style : str
        Style sheet.
    scripts : list of str
        Programs, in the order in which they run.

    Returns
    -------
    str
        HTML.
    """
    # a closing tag within a string would end the block that holds it, and the start of a comment
    # with an opening one would let it go on after its end
    data = json.dumps(rounded(content), allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    return render("explorer/page.html.jinja", style=style, scripts=scripts, data=data)


def rounded(content: Any) -> Any:
    """Give what JSON can hold, its broken numbers to DIGITS digits."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [rounded(value) for value in content]
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content
