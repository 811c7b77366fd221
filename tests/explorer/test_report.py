"""The report in a browser: whole without a network, told in words, legible on a phone."""

import re

import pytest
from explorer.browser import opened, started
from repository import ROOT

pytestmark = pytest.mark.browser

PAGE = ROOT / "build" / "report.html"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "workflow" / "notebooks").glob("*.py"))
LARGEST = 15_000_000


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


def test_it_is_whole_without_a_network(browser):
    with opened(browser, PAGE.as_uri()) as (page, requests, complaints):
        drawn = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 500)")
        assert len(drawn) > 20 and all(drawn)
        inside = [url for url in requests if not url.startswith("data:")]
        assert inside == [PAGE.as_uri()]
        assert complaints == []
    assert PAGE.stat().st_size < LARGEST


def test_every_figure_is_told_by_its_numbers(browser):
    with opened(browser, PAGE.as_uri()) as (page, _, _):
        told = page.evaluate("[...document.images].map(image => image.alt)")
        assert all(re.search(r"\d", text) and len(text) > 60 for text in told)
        assert len(set(told)) == len(told)


def test_thousands_of_tokens_are_apart(browser):
    with opened(browser, PAGE.as_uri()) as (page, _, _):
        text = page.evaluate("document.body.innerText")
    assert "5,000 input tokens" in text
    assert re.findall(r"\b[1-9]\d{3,}(?:, \d+)* (?:input |output )?tokens", text) == []


def test_its_links_lead_somewhere(browser):
    with opened(browser, PAGE.as_uri()) as (page, _, _):
        links = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
        places = set(page.evaluate("[...document.querySelectorAll('[id]')].map(e => '#' + e.id)"))
        assert {link for link in links if link.startswith("#")} <= places
        files = [link for link in links if not link.startswith(("#", "http"))]
        assert [link for link in files if not (PAGE.parent / link).exists()] == []
        assert {link for link in files if "notebooks/" in link} == {
            f"notebooks/{name}.html" for name in NOTEBOOKS
        }


def test_it_fits_on_a_phone(browser):
    with opened(browser, PAGE.as_uri(), width=360) as (page, _, _):
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        verdicts = "[...document.querySelectorAll('.holds, .fails, .other')]"
        ends = page.evaluate(f"{verdicts}.map(e => e.getBoundingClientRect().right)")
        assert len(ends) > 20 and max(ends) <= 360


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_without_a_network(name, browser):
    notebook = PAGE.parent / "notebooks" / f"{name}.html"
    with opened(browser, notebook.as_uri()) as (page, requests, complaints):
        assert [url for url in requests if url.startswith("http")] == []
        assert complaints == []
        assert page.locator("h1").count() == 1
        told = page.evaluate("[...document.images].map(image => image.alt)")
        assert told and all(re.search(r"\d", text) for text in told)
