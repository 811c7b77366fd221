"""Figures show the tables' numbers, can be read in print, and are the same bytes every time."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import drawing
from inference_energy.claims.figures import claims_chart, published_interval
from inference_energy.claims.judge import deciding, holds
from inference_energy.paper import figures
from inference_energy.tables import read_table
from inference_energy.text import number
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

ROOT = Path(__file__).resolve().parents[3]
TABLES = (
    "claims",
    "densities",
    "energy_per_query",
    "fleet",
    "histograms",
    "output_tokens",
    "sensitivity",
)

# G. M. Machado et al., "A physiologically-based model for simulation of color vision deficiency",
# IEEE TVCG 15 (2009) 1291: matrices for linear RGB at severity 1
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def read(method):
    """Tables of a method, by name, with the published values and the resolved method."""
    folder = ROOT / "results" / method
    tables = {name: read_table(folder / f"{name}.csv", name) for name in TABLES}
    tables["references"] = read_table(ROOT / "data/published/references.csv", "references")
    tables["published"] = read_table(ROOT / "data/published/claims.csv", "claims_published")
    tables["method"] = yaml.safe_load((folder / "method.yaml").read_text(encoding="utf-8"))
    return tables


def draw(t):
    """Every figure of a method, by name."""
    energy, method = t["energy_per_query"], t["method"]
    fleet = (t["fleet"], t["references"], method)
    return {
        "1a": figures.energy_by_model(energy, t["densities"], method, "traditional"),
        "1b": figures.energy_by_pathway(energy, t["densities"], method, "traditional"),
        "2a": figures.energy_by_model(energy, t["densities"], method, "long"),
        "2b": figures.energy_by_pathway(energy, t["densities"], method, "long"),
        "3a": figures.fleet_baseline(*fleet),
        "3b": figures.fleet_mixed(*fleet),
        "s1": figures.token_distributions(t["histograms"], t["output_tokens"]),
        "s2": figures.pathway_histograms(t["histograms"], energy, t["densities"], method),
        "s3": figures.input_length(t["sensitivity"]),
        "s4": figures.utilisation_coupling(energy, t["sensitivity"]),
        "claims": claims_chart(t["claims"], t["published"]),
    }


@pytest.fixture(scope="module", params=["oviedo2025", "oviedo2026"])
def drawn(request):
    """Tables and figures of a method."""
    tables = read(request.param)
    return tables, draw(tables)


@pytest.fixture(scope="module")
def tables():
    """Tables of the revision."""
    return read("oviedo2026")


def texts(figure):
    """Every text that is drawn, with its box in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    # matplotlib keeps, but does not draw, ticks outside an axis's range
    undrawn = {
        id(label)
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not low <= tick.get_loc() <= high
        for label in (tick.label1, tick.label2)
    }
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    # without the box around a text, which may cover a neighbour's edge in white
    return [(t, Text.get_window_extent(t, renderer)) for t in shown if id(t) not in undrawn]


def collisions(figure):
    """Texts that overlap or leave the figure."""
    shown = texts(figure)
    width, height = figure.bbox.size
    outside = [
        (text.get_text(), "edge")
        for text, box in shown
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]
    # two lines of text may touch by a pixel
    return outside + [
        (one.get_text(), other.get_text())
        for (one, box), (other, other_box) in combinations(shown, 2)
        if box.padded(-1).overlaps(other_box)
    ]


def test_texts_are_apart_and_inside(drawn):
    found = {name: collisions(figure) for name, figure in drawn[1].items()}
    assert not any(found.values()), found


def test_overlapping_and_outlying_texts_are_found():
    figure = drawing.new_figure(2, 1)
    for x, text in ((0.3, "left"), (0.35, "right"), (0.95, "outside")):
        figure.text(x, 0.5, text)
    assert collisions(figure) == [("outside", "edge"), ("left", "right")]


def test_texts_are_at_least_seven_points(drawn):
    for figure in drawn[1].values():
        sizes = [t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip()]
        assert len(sizes) > 5
        assert min(sizes) >= 7


def test_figures_fit_a_column_or_a_page(drawn):
    for figure in drawn[1].values():
        assert figure.get_figwidth() in (drawing.COLUMN, drawing.PAGE)
        assert figure.get_figheight() <= 9


def dots(figure):
    """Positions of the median dots."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "o" and line.get_color() == "white"
    ]


def medians(table, **where):
    """Medians by the published engine."""
    for column, value in {"engine": "published", "statistic": "p50", **where}.items():
        table = table[table[column] == value]
    return table


@pytest.mark.parametrize(("place", "regime"), [("1", "traditional"), ("2", "long")])
def test_violins_show_the_medians_of_the_table(drawn, place, regime):
    tables, figure = drawn
    table = medians(tables["energy_per_query"], regime=regime)
    blend = table["subject"].str.startswith("frontier blend")
    by_model = table[~blend]["value"]
    by_pathway = table[table["subject"] == "frontier blend"]["value"]
    for name, expected in ((f"{place}a", by_model), (f"{place}b", by_pathway)):
        assert sorted(x for x, _ in dots(figure[name])) == sorted(expected)
        written = " ".join(t.get_text() for t in figure[name].findobj(Text))
        assert all(f"{number(value)} (" in written for value in expected)


def test_models_stand_in_descending_order(drawn):
    for name in ("1a", "2a"):
        by_row = sorted(dots(drawn[1][name]), key=lambda dot: -dot[1])
        values = [x for x, _ in by_row]
        assert values == sorted(values, reverse=True)


def test_sensitivities_show_the_medians_of_the_table(drawn):
    tables, figure = drawn
    table = medians(tables["sensitivity"], analysis="input_tokens", subject="frontier blend")
    assert sorted(x for x, _ in dots(figure["s3"])) == sorted(table["value"])
    trimmed = medians(tables["energy_per_query"])
    coupled = medians(tables["sensitivity"], analysis="power_utilisation_coupling")
    expected = [
        value
        for table in (trimmed, coupled)
        for value in table[table["subject"] != "frontier blend untrimmed"]["value"]
    ]
    assert sorted(x for x, _ in dots(figure["s4"])) == sorted(expected)


def test_fleet_bars_are_as_long_as_the_table_says(drawn):
    tables, figure = drawn
    table = medians(tables["fleet"]).set_index(["scenario", "pathway"])["value"]
    ends = {}
    for name in ("3a", "3b"):
        for bar in figure[name].axes[0].patches:
            ends[name, bar.get_y()] = bar.get_x() + bar.get_width()
    expected = [
        ("traditional", "baseline"),
        ("traditional", "improved"),
        ("traditional", "baseline"),
        ("mixed", "baseline"),
        ("mixed", "improved"),
    ]
    np.testing.assert_allclose(list(ends.values()), [table[key] for key in expected], rtol=1e-5)


def test_reference_lines_follow_from_the_reference_values(tables):
    table = tables["references"].copy()
    lines = list(figures.fleet_references(table).values())
    assert lines == pytest.approx([30 * 0.8 * 24 / 1000, 0.3])
    table.loc[table["quantity"] == "datacenter power", "value"] *= 2
    doubled = list(figures.fleet_references(table).values())
    assert doubled == pytest.approx([2 * lines[0], lines[1]])


def test_claims_chart_has_a_mark_of_the_verdict_for_every_testable_claim(drawn):
    tables, figure = drawn
    lines = deciding(tables["claims"])
    marks = {
        (line.get_color(), line.get_marker())
        for line in figure["claims"].axes[0].lines
        if line.get_marker() in "osX"
    }
    assert marks == {drawing.VERDICT_MARKS[v] for v in lines["verdict"] if v != "not testable"}
    drawn_marks = [x for x in figure["claims"].axes[0].lines if x.get_marker() in ("o", "s", "X")]
    assert len(drawn_marks) == (lines["verdict"] != "not testable").sum()


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


def test_two_renders_give_the_same_bytes(tables, tmp_path):
    written = []
    for place in ("one", "two"):
        arguments = (tables["energy_per_query"], tables["densities"], tables["method"], "long")
        drawn = {
            "2b": figures.energy_by_pathway(*arguments),
            "s4": figures.utilisation_coupling(arguments[0], tables["sensitivity"]),
        }
        paths = [tmp_path / place / f"{name}.{kind}" for name in drawn for kind in ("svg", "png")]
        drawing.save_all(drawn, paths)
        written.append([path.read_bytes() for path in paths])
    assert all(written[0])
    assert written[0] == written[1]


@pytest.mark.parametrize("name", ["1b", "s2", "claims"])
def test_files_name_neither_date_nor_software_and_are_small(drawn, tmp_path, name):
    vector, raster = tmp_path / f"{name}.svg", tmp_path / f"{name}.png"
    drawing.save_all(drawn[1], [vector, raster])
    assert not re.search(r"dc:date|Matplotlib v", vector.read_text(encoding="utf-8"))
    assert b"tEXt" not in raster.read_bytes()
    assert raster.stat().st_size < 150_000


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours",
    [
        list(drawing.PATHWAY_COLOURS.values()),
        list(drawing.REGIME_COLOURS.values()),
        [colour for colour, _ in drawing.VERDICT_MARKS.values()],
    ],
    ids=["pathways", "regimes", "verdicts"],
)
def test_colours_of_a_figure_differ_for_every_eye(colours, vision):
    linear = np.array([to_rgb(colour) for colour in colours]) ** 2.2
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1) ** (1 / 2.2)
    distances = [np.linalg.norm(one - other) for one, other in combinations(seen, 2)]
    assert min(distances) > 0.15


def test_markers_alone_tell_verdicts_apart():
    markers = [marker for _, marker in drawing.VERDICT_MARKS.values()]
    assert len(set(markers)) == len(markers)
