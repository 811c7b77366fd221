"""Every point of a figure of public evidence leads to a source in data/sources.csv."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from inference_energy.drawing import SETTINGS, save
from inference_energy.evidence import figures
from inference_energy.evidence.concurrency import summarise
from inference_energy.evidence.coverage import blackwell
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from inference_energy.evidence.page import page
from inference_energy.evidence.verdicts import weigh
from inference_energy.method.build import build
from inference_energy.tables import read_table, write_table
from matplotlib import rc_context

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
POINT = re.compile(r'id="point:(.+?):\d+"')
FILES = {
    "estimates": "published/estimates.csv",
    "mlenergy": "measured/mlenergy_v3.csv",
    "wall_power": "measured/mlperf_wall_power.csv",
    "output_lengths": "measured/output_lengths.csv",
    "request_lengths": "request_lengths.csv",
}


@pytest.fixture(scope="module")
def settings():
    return yaml.safe_load((ROOT / "config" / "evidence.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sources():
    return set(read_table(DATA / "sources.csv", "sources")["source_id"])


@pytest.fixture(scope="module")
def band(settings):
    return settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"]


@pytest.fixture(scope="module")
def data(settings, band):
    tables = {name: read_table(DATA / path, name) for name, path in FILES.items()}
    benchmarks = read_table(DATA / "throughput" / "trtllm.csv", "throughput")
    tables["concurrency"] = summarise(tables["mlenergy"], band, settings["near_best"])
    tables["blackwell"] = blackwell(benchmarks, tables["mlenergy"])
    return tables


@pytest.fixture(scope="module")
def setup():
    method = yaml.safe_load((ROOT / "config/methods/oviedo2026.yaml").read_text(encoding="utf-8"))
    return build(method, read_table(DATA / "throughput" / "oviedo.csv", "throughput"))


@pytest.fixture(scope="module")
def tables(setup, data, settings, tmp_path_factory):
    """The tables as they are on disk: written and read again."""
    folder = tmp_path_factory.mktemp("validation")
    for name, table in weigh(setup, data, settings).items():
        write_table(table, folder / f"{name}.csv", name)
    return {path.stem: read_table(path, path.stem) for path in folder.glob("*.csv")}


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


def drawn(figure, path):
    """Identifiers of the points in the SVG file of a figure."""
    with rc_context(SETTINGS):
        save(figure, path)
    return set(POINT.findall(path.read_text(encoding="utf-8")))


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


def test_every_row_of_every_table_names_a_source(tables, sources):
    summaries = {"overestimate_shares", "coverage", "evidence_verdicts"}
    for name in set(tables) - summaries:
        cited = tables[name]["source_id"]
        if name == "length_quantiles":
            cited = cited[tables[name]["kind"] != "method"]
        assert set(cited) <= sources, name


def test_the_settings_name_known_sources(settings, sources):
    def cited(tree):
        if isinstance(tree, dict):
            return set(tree.get("sources", [])).union(*map(cited, tree.values()))
        return set()

    assert cited(settings)
    assert cited(settings) <= sources


def test_a_method_with_models_of_its_own_is_weighed_too(setup, data, settings, band, tmp_path):
    named = {model.name: f"our model {i}" for i, model in enumerate(setup.models)}
    models = tuple(replace(model, name=named[model.name]) for model in setup.models)
    tables = weigh(replace(setup, models=models), data, settings)
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.csv", name)
    ratios = tables["overestimates"]
    assert set(ratios["reading"]) == {ABSTRACT}
    assert set(ratios["reference"]) == {"median of the frontier blend, traditional"}
    known = tables["decomposition"].query("known == 'yes'")
    assert set(known["factor"]) == {"boundary"}
    for reading in (PAPER, LIKE):
        assert not drawn(figures.forest(ratios, reading, band), tmp_path / "figure.svg")
    figure = figures.decomposition(tables["decomposition"], ratios, band)
    assert not drawn(figure, tmp_path / "figure.svg")
    assert drawn(figures.predicted(tables["predicted"]), tmp_path / "figure.svg")
    shown = tables | {name: data[name] for name in ("concurrency", "blackwell")}
    verdicts = {"ours": tables["evidence_verdicts"]}
    text = page(verdicts, shown, data["estimates"], settings, "ours")
    assert "no law: the model is not in the method's benchmark table" in text


def test_the_same_tables_give_the_same_file(tables, setup, tmp_path):
    paths = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in paths:
        table = tables["wall_utilisation"]
        drawn(figures.wall_utilisation(table, setup.power_utilisation), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
