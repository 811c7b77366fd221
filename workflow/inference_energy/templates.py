"""Pages from the templates in workflow/templates.

A template is Jinja2 and named ``<topic>/<page>.md.jinja`` or ``.html.jinja``. What it puts in is
escaped for the page's language, so that data cannot become markup or leave its cell of a table.
Every function of :mod:`inference_energy.text` is a filter, and :func:`code` for Markdown;
:mod:`inference_energy.units` is at hand as ``units``.
"""

import inspect
import re
import traceback
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from inference_energy import text, units
from inference_energy.errors import InputError

TEMPLATES = Path(__file__).parent.parent / "templates"
SPECIAL = re.compile(
    r"[\\`|<]|(?<!-)>|\](?=[(\[:])|(?<!\s)\*|\*(?!\s)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~"
    r"|&(?=#?\w{1,32};)|\$"
    r"|^(?:#(?=#{0,5}(?:\s|$))|[-+](?=\s|$)|-(?=-+$)|=(?==*$))"
)
"""What would open code, a cell, an HTML tag, a link, emphasis, an entity or a formula in Markdown,
or escape what follows; at the start of a line a heading, an item of a list, or a rule. An arrow
(``->``), a lone asterisk and an underscore within a word cannot."""

NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""A number that would be that of an item of a list, at the start of a line."""

INCLUDED = re.compile(r"""{%-?\s*(?:include|from|import|extends)\s+["']([^"']+)""")


class Markdown(str):
    """Text that is Markdown and is put in as it stands."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text: Jinja2 asks for it where it would escape."""
        return str(self)


def escape(value: Any) -> Markdown:
    r"""Write a value on one line so that Markdown shows it as it is.

    Parameters
    ----------
    value : object
        None is written as nothing, Markdown stays.

    Examples
    --------
    >>> escape("a|b <c>"), escape(None), escape(Markdown("`x`"))
    ('a\\|b \\<c\\>', '', '`x`')
    """
    if hasattr(value, "__html__"):
        return Markdown(value.__html__())
    return Markdown(NUMBERED.sub(r"\1\\\2", SPECIAL.sub(r"\\\g<0>", _line(value))))


def code(value: object) -> Markdown:
    """Write a value as code, its pipes escaped, as a table asks for it there too.

    What cannot be code in a table, a pipe after a backslash, is written as :func:`escape` does.
    """
    line = _line(value)
    if not line or "\\|" in line:
        return escape(line)
    ticks = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    blank = " " if len(ticks) > 1 else ""
    return Markdown(ticks + blank + line.replace("|", "\\|") + blank + ticks)


def _line(value: object) -> str:
    return "" if value is None else re.sub(r"\s*[\r\n]\s*", " ", str(value))


def render(template: str, **values: Any) -> str:
    """Write a page.

    Parameters
    ----------
    template : str
        Name below workflow/templates.
    **values
        What the template puts in.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        If the template has an error or asks for a value that is not given.
    """
    try:
        return _environment(template.split(".")[-2]).get_template(template).render(values)
    except (TemplateError, TypeError, ValueError) as error:
        raise InputError(_problem(template, error)) from None


def parts_of(template: str) -> list[str]:
    """Names of the templates that a page is made of: its own first, then what it includes."""
    file = TEMPLATES / template
    included = INCLUDED.findall(file.read_text(encoding="utf-8")) if file.exists() else []
    return list(dict.fromkeys([template, *(name for part in included for name in parts_of(part))]))


@cache
def _environment(language: str) -> Environment:
    """Jinja2 of one language: what is put in is escaped as HTML unless it is Markdown already."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=escape if language == "md" else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["units"] = units
    environment.filters |= dict(inspect.getmembers(text, inspect.isfunction)) | {"code": code}
    return environment


def _problem(template: str, error: Exception) -> str:
    """Say where in a template an error is."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".jinja")]
    line = f", line {frames[-1].lineno}" if frames else ""
    file = Path(frames[-1].filename).relative_to(TEMPLATES) if frames else template
    return f"workflow/templates/{file}{line}: {error}; correct the template"
