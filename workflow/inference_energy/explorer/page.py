"""The explorer as one page that needs nothing beside it."""

import json

from inference_energy.templates import render


def explorer_page(content, style, scripts):
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
    # a closing tag within a string would end the block that holds it
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    return render("explorer/page.html.jinja", style=style, scripts=scripts, data=data)
