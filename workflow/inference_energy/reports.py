"""Pages in Markdown: their figures told in words, and one page that needs nothing beside it."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from inference_energy.drawing import alternative
from inference_energy.templates import escape, render

IMAGE = re.compile(
    r"\\.|(?P<ticks>(?<!`)`+(?!`))[^\n]*?(?<!`)(?P=ticks)(?!`)"
    r"|!\[(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\])*\]\((?P<path>[^()\s:]+)\.(?P<kind>svg|png)\)"
)
"""A local figure of a page in Markdown; or an escaped letter or code, which may look like one."""

KINDS = ("svg", "png")
"""Endings of figures."""

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
        SVG of each figure, by the name without ending that the report shows it under. It opens the
        file of that name, which lies beside the page.
    """
    markdown_it = MarkdownIt("js-default")
    tokens = markdown_it.parse(markdown)
    for token in tokens:
        if token.children:
            token.children = [part for child in token.children for part in _opened(child, images)]
    body = markdown_it.renderer.render(tokens, markdown_it.options, {})
    body = re.sub(r"(<tr>|</t[dh]>)\n", r"\1", body)  # a row per line, as in the Markdown
    return render("report.html.jinja", title=title, body=body)


def _opened(child: Token, images: Mapping[str, bytes]) -> list[Token]:
    """Put a figure of the page into it, and around it the link that opens its file."""
    path = str(child.attrGet("src")) if child.type == "image" else ""
    name, _, kind = path.rpartition(".")
    if kind not in KINDS or name not in images:
        return [child]
    data = base64.b64encode(images[name]).decode("ascii")
    child.attrSet("src", f"data:image/svg+xml;base64,{data}")
    return [Token("link_open", "a", 1, {"href": path}), child, Token("link_close", "a", -1)]
