"""The briefing in a browser: two printed pages, legible on a phone, and no requests.

So is the method in words, in the type of the briefing.
"""

import base64
import re

import pytest
from explorer.browser import opened, started
from inference_energy.drawing import FONTS
from inference_energy.reports import to_html
from repository import ROOT

pytestmark = pytest.mark.browser

PAGE = ROOT / "docs" / "briefing.html"

FACE = "@font-face{{font-family:own;font-weight:{};src:url(data:font/ttf;base64,{})}}"
PRINTED = "body{font:10pt/1.4 own;margin:0;padding:0;max-width:none}table{font-size:.9em}"


def pages(printed):
    """How many pages a PDF has."""
    return len(re.findall(rb"/Type\s*/Page\b", printed))


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_two_pages(paper, browser):
    with opened(browser, PAGE.as_uri()) as (page, requests, complaints):
        printed = page.pdf(format=paper)
        assert pages(printed) == 2
        assert requests == [PAGE.as_uri()]
        assert complaints == []


def test_the_method_prints_on_two_pages(browser, tmp_path):
    method = to_html("", (ROOT / "docs" / "method.md").read_text(encoding="utf-8"), {})
    faces = [
        FACE.format(weight, base64.b64encode(file.read_bytes()).decode())
        for weight, file in (
            ("normal", FONTS / "LiberationSans-Regular.ttf"),
            ("bold", FONTS / "LiberationSans-Bold.ttf"),
        )
    ]
    file = tmp_path / "method.html"
    look = "".join([*faces, PRINTED, "</style>"])
    file.write_text(method.replace("</style>", look, 1), encoding="utf-8")
    with opened(browser, file.as_uri()) as (page, _, _):
        margins = dict.fromkeys(("top", "bottom", "left", "right"), "20mm")
        assert pages(page.pdf(format="A4", margin=margins)) == 2


def test_it_fits_on_a_phone(browser):
    with opened(browser, PAGE.as_uri(), width=360) as (page, _, _):
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_picture_can_be_read_on_a_phone(browser):
    with opened(browser, PAGE.as_uri(), width=360) as (page, _, _):
        heights = page.evaluate(
            "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height)"
        )
        assert len(heights) > 10 and min(heights) > 9
