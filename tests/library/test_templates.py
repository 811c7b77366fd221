"""Pages from templates: escaping, tables, errors."""

import ast
import doctest
import html
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import templates
from inference_energy.errors import InputError
from markdown_it import MarkdownIt
from processes import run as start_and_wait

LIBRARY = Path(templates.__file__).parent
MARKUP = re.compile(
    r"^\s*#{1,6} |\|\s*:?---|^\s*\|.*\|\s*$|\*\*|(?<!\?P)</?(h\d|p|div|table|html|img)\b",
    re.MULTILINE,
)
"""Headings, tables and bold text of Markdown, tags of HTML."""


def markup(path):
    """Strings of a Python file, docstrings apart, that hold Markdown or HTML."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and MARKUP.search(node.value)
    ]


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a template of a folder of its own, return its name."""
    monkeypatch.setattr(templates, "TEMPLATES", tmp_path)
    templates._environment.cache_clear()

    def add(text, name="page.md.jinja"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    yield add
    templates._environment.cache_clear()


def test_what_is_put_in_is_escaped_as_markdown(write):
    page = write("{{ value }} {{ value | code }}\n")
    rendered = templates.render(page, value="a|b `c` <img src=x> [d](e)\ng")
    assert rendered == (
        r"a\|b \`c\` \<img src=x\> [d\](e) g `` a\|b `c` <img src=x> [d](e) g ``" + "\n"
    )


def test_prose_of_the_template_is_not_escaped(write):
    page = write("| `a` | <b> |\n{% if yes %}\n- {{ yes }}\n{% endif %}\n")
    assert templates.render(page, yes="x") == "| `a` | <b> |\n- x\n"


def test_what_a_macro_or_a_block_writes_is_not_escaped_again(write):
    page = write(
        "{% macro bold(x) %}**`{{ x }}`**{% endmacro %}"
        "{% set block %}`{{ value }}`{% endset %}"
        "{{ bold(value) }} {{ block }}\n"
    )
    assert templates.render(page, value="<") == "**`\\<`** `\\<`\n"


def test_html_is_escaped_as_html(write):
    page = write("<p>{{ value }}</p>\n", "page.html.jinja")
    assert templates.render(page, value="<b>&|") == "<p>&lt;b&gt;&amp;|</p>\n"


def test_a_table_has_its_cells_whatever_is_in_them(write):
    page = write(
        "| h | i |\n| --- | --- |\n{% for a, b in rows %}\n| {{ a }} | {{ b }} |\n{% endfor %}\n"
    )
    rows = [["a|b", "`c`"], [None, templates.code("d|e")], ["x\ny", 1.5]]
    assert templates.render(page, rows=rows) == (
        "| h | i |\n| --- | --- |\n| a\\|b | \\`c\\` |\n|  | `d\\|e` |\n| x y | 1.5 |\n"
    )


@given(st.text() | st.text("\\|`<>[]() x\n"))
def test_no_text_leaves_its_cell(text):
    line = f"| {templates.escape(text)} | {templates.code(text)} |"
    assert "\n" not in line
    assert re.sub(r"\\.", "", line).count("|") == 3


@given(st.text() | st.text("\\`<>[]() x/a\n"))
def test_no_text_becomes_a_tag(text):
    shown = re.sub(r"\\.", "x", templates.escape(text)).replace("->", "x")
    assert not set(shown) & set("<>`\\")
    assert "](" not in shown


@pytest.mark.parametrize(
    "text",
    ["# a", "###### a", "- a", "+ a", "* a", "1. a", "12) a", "---", "-", "===", "> a", "#", "$a$"],
)
def test_no_text_becomes_a_heading_an_item_a_rule_or_a_formula(text):
    """Nor does it make a heading of the line before it."""
    shown = MarkdownIt("js-default").render(f"x\n\n{templates.escape(text)}\n").splitlines()
    assert shown == ["<p>x</p>", f"<p>{html.escape(text)}</p>"]
    assert "<h" not in MarkdownIt("js-default").render(f"x\n{templates.escape(text)}\n")
    assert not re.search(r"(?<!\\)\$", templates.escape(text))


@pytest.mark.parametrize("text", ["-0.5", "+1.2 %", "#5", "1.5", "a - b", "2.", "a 1. b", "-> a"])
def test_numbers_and_signs_stay_as_they_are(text):
    assert templates.escape(text) == ("2\\." if text == "2." else text)


def test_examples_of_the_docstrings_hold():
    failed, tried = doctest.testmod(templates)
    assert (failed, tried > 0) == (0, True)


def test_functions_of_text_are_filters(write):
    assert templates.render(write("{{ 0.5 | number }} {{ true | yes }}\n")) == "0.500 yes\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{ missing }}\n", "line 2: 'missing' is undefined"),
        ("a\n{% for x in y %}\n", "line 2: "),
        ("{{ 'a' | number }}\n", "line 1: "),
        ("{{ 1 + 'a' }}\n", "line 1: unsupported operand"),
        ("{% include 'other.md.jinja' %}", "line 1: 'other.md.jinja' not found"),
    ],
)
def test_an_error_in_a_template_names_file_and_line(write, text, message):
    with pytest.raises(InputError) as error:
        templates.render(write(text))
    assert f"workflow/templates/page.md.jinja, {message}" in str(error.value)
    assert str(error.value).endswith("; correct the template")


def test_sources_are_the_template_and_all_that_it_includes(write):
    write("c\n", "c.md.jinja")
    write("{% include 'c.md.jinja' %}", "b.md.jinja")
    page = write("{% from 'c.md.jinja' import x %}{% include 'b.md.jinja' %}")
    assert templates.parts_of(page) == [page, "c.md.jinja", "b.md.jinja"]


def test_templates_are_found_from_any_folder(tmp_path):
    library = Path(templates.__file__).parents[1]
    program = "from inference_energy import templates; print(templates.TEMPLATES)"
    run = start_and_wait(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(library)},
        check=True,
    )
    assert run.stdout.strip() == str(library / "templates")


@pytest.mark.parametrize(
    "line",
    [
        'f"## {title}"',
        '["# Head", ""]',
        '"| a | b |"',
        '"|---|---|"',
        'f"- **{x}**"',
        '"<h2>"',
    ],
)
def test_markup_in_python_is_found(tmp_path, line):
    path = tmp_path / "page.py"
    path.write_text(f'"""Page.\n\n| a | b |\n| --- | --- |\n"""\nx = title = 1\ny = {line}\n')
    assert markup(path)


def test_no_python_file_of_the_library_holds_markup():
    files = list(LIBRARY.rglob("*.py"))
    assert len(files) > 50
    found = {str(path.relative_to(LIBRARY.parent)): markup(path) for path in files}
    assert {path: strings for path, strings in found.items() if strings} == {}


@pytest.mark.parametrize(
    "text",
    [
        "*a*",
        "**a**",
        "_a_",
        "__a__",
        "a *b*, _c_ d",
        "~~a~~",
        "&lt;b&gt; &#42;",
        "[a]: http://b",
        "![a](b)",
        "<http://a>",
        "a * b, energy_wh -> c",
        "snake_case_name and 2*3*4",
        "***_~`<&amp;|",
    ],
)
def test_no_text_is_shown_otherwise_than_it_is(text):
    body = MarkdownIt("js-default").render(f"x {templates.escape(text)} x")
    assert body == f"<p>x {html.escape(text)} x</p>\n".replace("&#x27;", "'")


@given(st.text("*_~`<>&;[]()! \\|ab1#", max_size=12))
def test_no_text_of_marks_is_shown_otherwise_than_it_is(text):
    line = " ".join(f"x{text}x".split())
    body = MarkdownIt("js-default").render(str(templates.escape(line)))
    assert body == f"<p>{html.escape(line)}</p>\n"


def test_names_stay_readable():
    assert templates.escape("energy_wh, 2 * 3 -> c") == "energy_wh, 2 * 3 -> c"
