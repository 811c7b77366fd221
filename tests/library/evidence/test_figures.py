"""Every point of a figure of public evidence leads to a source in data/sources.csv."""

import pytest
from inference_energy.evidence import figures
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from library.evidence.points import drawn


@pytest.fixture(scope="module")
def source_of(data):
    """Source of every plotted row, by its identifier, from the input tables alone."""
    known = dict(zip(data["estimates"]["id"], data["estimates"]["source_id"], strict=True))
    for run in data["mlenergy"].to_dict("records"):
        known[f"mlenergy_v3.{run['row']}"] = run["source_id"]
        key = (run["task"], run["model_id"], run["precision"], run["gpu"])
        known["/".join(key)] = run["source_id"]
    for run in data["wall_power"].to_dict("records"):
        key = (run["source_id"], run["system"], run["benchmark"], run["scenario"])
        known["/".join(key)] = run["source_id"]
    for row in data["output_lengths"].to_dict("records"):
        known[f"{row['task']}/{row['model_id']}"] = row["source_id"]
    for row in data["request_lengths"].to_dict("records"):
        known[f"trace/{row['trace']}"] = row["source_id"]
    return known


def test_points_of_the_forest_plots_lead_to_sources(tables, band, source_of, sources, tmp_path):
    ratios = tables["overestimates"]
    for reading in (PAPER, ABSTRACT, LIKE):
        points = drawn(figures.forest(ratios, reading, band), tmp_path / "figure.svg")
        rows = ratios[(ratios["reading"] == reading) & (ratios["counted"] == "yes")]
        assert points == set(rows["id"])
        assert {source_of[point] for point in points} <= sources


def test_points_of_the_decomposition_lead_to_sources(tables, band, source_of, sources, tmp_path):
    figure = figures.decomposition(tables["decomposition"], tables["overestimates"], band)
    points = drawn(figure, tmp_path / "figure.svg")
    assert points <= set(tables["decomposition"]["id"])
    assert points
    assert {source_of[point] for point in points} <= sources


def test_points_of_predicted_and_measured_lead_to_sources(tables, source_of, sources, tmp_path):
    points = drawn(figures.predicted(tables["predicted"]), tmp_path / "figure.svg")
    assert points == set(tables["predicted"]["id"])
    assert {source_of[point] for point in points} <= sources


def test_points_of_the_wall_power_lead_to_sources(tables, setup, source_of, sources, tmp_path):
    figure = figures.wall_utilisation(tables["wall_utilisation"], setup.power_utilisation)
    points = drawn(figure, tmp_path / "figure.svg")
    assert len(points) == len(tables["wall_utilisation"])
    assert {source_of[point] for point in points} <= sources


def test_lines_of_the_lengths_lead_to_sources(tables, setup, source_of, sources, tmp_path):
    lines = drawn(figures.length_quantiles(tables["length_quantiles"]), tmp_path / "figure.svg")
    own = {f"method/{regime}" for regime in setup.regimes}
    assert own <= lines
    assert {source_of[line] for line in lines - own} <= sources


def test_lines_of_the_concurrency_lead_to_sources(data, band, source_of, sources, tmp_path):
    figure = figures.concurrency(data["mlenergy"], band, 1.1)
    lines = drawn(figure, tmp_path / "figure.svg")
    assert len(lines) == len(data["concurrency"])
    assert {source_of[line] for line in lines} <= sources


def test_the_same_tables_give_the_same_file(tables, setup, tmp_path):
    paths = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in paths:
        table = tables["wall_utilisation"]
        drawn(figures.wall_utilisation(table, setup.power_utilisation), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
