"""Pages in Markdown: their figures told in words, and one page that needs nothing beside it."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from markdown_it import MarkdownIt

from inference_energy.drawing import alternative
from inference_energy.templates import escape, render

IMAGE = re.compile(
    r"\\.|(?P<ticks>(?<!`)`+(?!`))[^\n]*?(?<!`)(?P=ticks)(?!`)"
    r"|!\[(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\])*\]\((?P<path>[^()\s:]+)\.(?P<kind>svg|png)\)"
)
"""A local figure of a page in Markdown; or an escaped letter or code, which may look like one."""

ROUND = str.maketrans("[]", "()")
"""Brackets that would end an alternative text, and what they become."""


def told(markdown: str, folder: str | Path) -> str:
    """Give every figure of a page its alternative text, from the numbers that its SVG holds.

    Parameters
    ----------
    markdown : str
        The page; what stands as alternative text in it is replaced.
    folder : str or Path
        Folder of the page, from which its figures are named.
    """

    def with_text(found: re.Match[str]) -> str:
        if not found["path"]:
            return found[0]
        text = alternative(Path(folder, f"{found['path']}.svg")).translate(ROUND)
        return f"![{escape(text)}]({found['path']}.{found['kind']})"

    return IMAGE.sub(with_text, markdown)


def to_html(title: str, markdown: str, images: Mapping[str, bytes]) -> str:
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
