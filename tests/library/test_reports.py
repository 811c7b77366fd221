"""A report as one page."""

import pytest
from inference_energy.reports import to_html


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_figures_stand_in_the_page_whatever_kind_the_report_names(ending):
    page = to_html("a <b>", f"# One\n\n![x](energy.{ending})\n", {"energy": b"<svg/>"})
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    assert f"energy.{ending}" not in page
    assert "<title>a &lt;b&gt;</title>" in page


def test_markup_of_the_data_is_not_markup_of_the_page():
    assert "<script" not in to_html("t", "<script>alert(1)</script>\n", {})
