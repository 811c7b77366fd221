"""A headless Chromium whose pages note what they ask for and complain of."""

import os
import shutil
from contextlib import contextmanager

import pytest
from processes import HANGS

CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))


@contextmanager
def started():
    """Start Chromium."""
    if CHROMIUM is None:
        pytest.fail("Chromium is missing: run `make test-browser`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # the sandbox of Chromium needs a user that is not root
        yield driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@contextmanager
def opened(browser, address, width=1200):
    """Open a page; give it with the list of its requests and of its complaints."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_default_timeout(1000 * HANGS)
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page, requests, complaints
    page.close()
