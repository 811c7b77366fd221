"""A report in Markdown as one page that needs nothing beside it."""

import base64
import re

from markdown_it import MarkdownIt

from inference_energy.templates import render


def to_html(title, markdown, images):
    """Self-contained HTML of a report.

    Parameters
    ----------
    title, markdown : str
        Title, and the report.
    images : dict of str to bytes
        SVG of each figure, by the name without ending that the report shows it under.
    """
    body = MarkdownIt("js-default").render(markdown)
    body = re.sub(r"(<tr>|</t[dh]>)\n", r"\1", body)  # a row per line, as in the Markdown
    for name, image in images.items():
        data = base64.b64encode(image).decode("ascii")
        shown = rf'src="{re.escape(name)}\.(png|svg)"'
        body = re.sub(shown, f'src="data:image/svg+xml;base64,{data}"', body)
    return render("report.html.jinja", title=title, body=body)
