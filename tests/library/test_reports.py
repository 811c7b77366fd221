"""A report as one page."""

import pytest
import redraw
from inference_energy import drawing
from inference_energy.reports import IMAGE, to_html, told
from inference_energy.templates import code, escape
from opened import opened
from repository import ROOT

PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("results/**/*.md")]
    if any(found["path"] for found in IMAGE.finditer(path.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_figures_stand_in_the_page_whatever_kind_the_report_names(ending):
    page = to_html("a <b>", f"# One\n\n![x](energy.{ending})\n", {"energy": b"<svg/>"})
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    # it opens by itself where it lies beside the page
    assert opened(page) == [(f"energy.{ending}", "x")]
    assert "<title>a &lt;b&gt;</title>" in page


def test_a_narrow_screen_scrolls_what_is_wide_and_not_the_page():
    page = to_html("t", "![x](a.svg)\n\n| a |\n| --- |\n| b |\n", {"a": b"<svg/>"})
    assert '<meta name="viewport" content="width=device-width' in page
    assert "table{overflow-x:auto}" in page and "table{display:block" in page


def test_markup_of_the_data_is_not_markup_of_the_page():
    assert "<script" not in to_html("t", "<script>alert(1)</script>\n", {})


@pytest.mark.parametrize("before", ["", "words [Wh] of another figure"])
def test_a_figure_is_told_by_its_own_numbers(before, tmp_path):
    (tmp_path / "drawn").mkdir()
    drawing.save(redraw.draw("figures/oviedo2026/3a"), tmp_path / "drawn" / "3a.svg")
    page = f"# One\n\n![{before}](drawn/3a.png)\n\n[a link](drawn/3a.svg)\n"
    once = told(page, tmp_path)
    assert (
        "![Improvements save 55 % of a fleet's energy. Energy of 1 billion queries (GWh/day): 0.0"
        in once
    )
    assert once.endswith("(drawn/3a.png)\n\n[a link](drawn/3a.svg)\n")
    assert told(once, tmp_path) == once
    assert 'alt="Improvements save 55 %' in to_html("t", once, {})


@pytest.mark.parametrize("write", [escape, code])
@pytest.mark.parametrize("data", ["![x](3a.svg)", "a ![x](none.svg) `b", "![[x](../none.png)"])
def test_what_looks_like_a_figure_in_the_data_stays_as_it_is(data, write, tmp_path):
    drawing.save(redraw.draw("figures/oviedo2026/3a"), tmp_path / "3a.svg")
    row = f"| {write(data)} | ![](3a.png) |\n"
    once = told(row, tmp_path)
    assert once.startswith(f"| {write(data)} | ![Improvements save 55 %")
    assert once.count("Improvements save") == 1
    assert told(once, tmp_path) == once


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_its_figures_as_they_are(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert told(text, (ROOT / page).parent) == text
