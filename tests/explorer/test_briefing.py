"""The briefing in a browser: two printed pages, legible on a phone, and no requests."""

import re

import pytest
from explorer.browser import opened, started
from repository import ROOT

pytestmark = pytest.mark.browser

PAGE = ROOT / "docs" / "briefing.html"


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_two_pages(paper, browser):
    with opened(browser, PAGE.as_uri()) as (page, requests, complaints):
        printed = page.pdf(format=paper)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
        assert requests == [PAGE.as_uri()]
        assert complaints == []


def test_it_fits_on_a_phone(browser):
    with opened(browser, PAGE.as_uri(), width=360) as (page, _, _):
        assert page.evaluate("document.documentElement.scrollWidth") == 360
