"""The chart of the claims shows every claim with its verdict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import drawing
from inference_energy.claims.figures import holding, published_interval
from inference_energy.claims.judge import HOLDS, deciding, holds
from redraw import draw
from repository import read, read_yaml

METHODS = read_yaml("config/config.yaml")["methods"]


@pytest.mark.parametrize("method", METHODS)
def test_claims_chart_has_a_mark_of_the_verdict_for_every_testable_claim(method):
    lines = deciding(read(f"results/{method}/claims.csv", "claims"))
    chart = draw(f"figures/{method}/claims").axes[0].lines
    markers = [marker for _, marker in drawing.VERDICT_MARKS.values()]
    marks = [line for line in chart if line.get_marker() in markers]
    assert {(mark.get_color(), mark.get_marker()) for mark in marks} == {
        drawing.VERDICT_MARKS[v] for v in lines["verdict"] if v != "not testable"
    }
    assert len(marks) == (lines["verdict"] != "not testable").sum()


@pytest.mark.parametrize("method", METHODS)
def test_every_published_range_shows_beside_its_mark(method):
    axes = draw(f"figures/{method}/claims").axes[0]
    lines = deciding(read(f"results/{method}/claims.csv", "claims"))
    assert len(axes.patches) == len(lines)
    points = 72 * axes.get_position().height * axes.figure.get_figheight()
    row = points / abs(np.subtract(*axes.get_ylim()))
    marks = [m for m in axes.lines if m.get_marker() not in ("None", "|")]
    assert all(
        bar.get_height() * row > max(m.get_markersize() for m in marks) for bar in axes.patches
    )


@pytest.mark.parametrize("method", METHODS)
def test_what_would_hold_is_counted_as_the_table_has_it(method):
    """A lever that restates the method's own input is none of those that would hold."""
    lines = deciding(table := read(f"results/{method}/claims.csv", "claims"))
    published = read("data/published/claims.csv", "claims_published")
    version = lines["source"].iloc[0]
    printed = published[published["version"] == version].set_index("claim")
    restated = lines["note"].fillna("").str.startswith("by construction: ").sum()
    restated += (lines["verdict"] == "by construction").sum()
    hold, by_construction = holding(table, printed)
    assert by_construction == restated > 0
    title = draw(f"figures/{method}/claims").texts[0].get_text().replace("\n", " ")
    if (lines["verdict"] == "not scored").any():
        assert f" {hold} of " in title
        assert title.endswith(f" would hold, and {restated} by construction")
    else:
        assert hold == lines["verdict"].isin(HOLDS).sum()


@given(
    value=st.integers(1, 5000),
    width=st.integers(1, 5000),
    decimals=st.integers(0, 3),
    relation=st.sampled_from(["equal", "within", "at most"]),
    ratio=st.floats(0.3, 3),
)
def test_published_interval_holds_what_the_verdict_accepts(value, width, decimals, relation, ratio):
    unit = 10**-decimals
    claim = {
        "relation": relation,
        "value": value * unit,
        "upper": (value + width) * unit if relation == "within" else float("nan"),
        "decimals": decimals,
    }
    claim = {key: round(v, 6) if isinstance(v, float) else v for key, v in claim.items()}
    reference, low, high = published_interval(claim)
    near_an_end = min(abs(ratio - low), abs(ratio - high)) < 1e-6
    assert near_an_end or holds(claim, ratio * reference) == (low < ratio < high)
