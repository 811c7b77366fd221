"""The page holds everything, and what it holds stays data."""

import json
import re

from inference_energy.explorer.page import explorer_page

TAG = re.compile(r'<script type="application/json" id="content">(.*?)</script>', re.DOTALL)


def test_content_comes_back_as_it_was_given():
    title = "</script><b>bold</b> & {{ more }} <!--<script>"
    content = {"methods": {"a": {"title": title}}}
    page = explorer_page(content, "p { color: red }", ["const a = 1 < 2;"])
    assert json.loads(TAG.search(page)[1]) == content
    # what begins with <!--<script> would not end with the tag that ends it
    assert "<" not in TAG.search(page)[1]
    assert "<b>bold" not in page.replace(TAG.search(page)[0], "")
    assert "const a = 1 < 2;" in page and "p { color: red }" in page


def test_the_page_forbids_itself_to_ask_for_anything():
    page = explorer_page({}, "", [])
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(https?:)?//(?!arxiv\.org/abs/)', page)


def test_last_digits_that_depend_on_the_processor_are_not_written():
    page = explorer_page({"a": [{"b": (0.1 + 0.2, 7)}]}, "", [])
    assert json.loads(TAG.search(page)[1]) == {"a": [{"b": [0.3, 7]}]}
