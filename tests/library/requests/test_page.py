"""The page of a log says what its tables hold."""

import pandas as pd
import pytest
from inference_energy.requests import answers
from inference_energy.requests.page import page


@pytest.fixture
def tables(answered, paper, settings):
    """Tables of a log without times and tenants."""
    serving, counts, table = answered
    lengths = counts["lengths"]
    return {
        "by_model": answers.by_model(serving, lengths, table),
        "percentiles": answers.percentiles(serving, table),
        "parts": answers.parts(serving, lengths, table),
        "long_requests": answers.long_against_rest(
            serving, lengths, table, settings["long_from"]["value"]
        ),
        "medians": answers.medians(serving, paper, "the | paper", lengths, table),
        "largest": pd.DataFrame(),
        "kinds": answers.kinds(counts["kinds"]),
    }


def test_the_page_says_the_total_and_every_table_that_is_there(answered, tables, settings):
    text = page("A <log>", tables, answered[2], settings)
    whole = tables["by_model"].iloc[0]
    assert text.startswith("# A \\<log\\>\n")
    assert f"The {whole['requests']:,} requests need **" in text
    assert "the \\| paper" in text
    assert "| rows | 30,000 |" in text
    assert "## By hour" not in text and "## Load" not in text


def test_hours_are_shown_where_the_log_has_them_and_the_rest_pointed_at(answered, tables, settings):
    hours = pd.concat([tables["by_model"].assign(hour="2025-01-01T00:00Z")] * 20)
    text = page("A log", tables | {"by_hour": hours}, answered[2], settings)
    assert "## By hour" in text
    assert f"The other {len(hours) - 24} are in `by_hour.csv`." in text


def test_the_page_says_where_the_law_takes_cached_input_for_free(answered, tables, settings):
    assert "takes it for free" not in page("A log", tables, answered[2], settings)
    whole = tables["by_model"].assign(cached_tokens=7000)
    text = page("A log", tables | {"by_model": whole}, answered[2], settings)
    assert "takes it for free** (7,000 tokens" in text
    told = tables["parts"].assign(energy_wh_p50=1.0)
    text = page("A log", tables | {"by_model": whole, "parts": told}, answered[2], settings)
    assert "takes it for free" not in text
