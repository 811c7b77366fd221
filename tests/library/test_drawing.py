"""How every figure looks: colours, sizes, files that never vary."""

import base64
import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import redraw
from inference_energy import drawing
from inference_energy.paper import figures
from legibility import contrast
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, findfont

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


def test_two_renders_give_the_same_bytes(tmp_path):
    tables = redraw.read_method("oviedo2026")
    energy, sensitivity = tables["energy_per_query"], tables["sensitivity"]
    shown = (energy, tables["densities"], tables["method"])
    written = []
    for place in ("one", "two"):
        drawn = {
            "2b": figures.energy_by_pathway(*shown, "long", tables["published"]),
            "s4": figures.utilisation_coupling(energy, sensitivity),
        }
        paths = [tmp_path / place / f"{name}.{kind}" for name in drawn for kind in ("svg", "png")]
        drawing.save_all(drawn, paths)
        written.append([path.read_bytes() for path in paths])
    assert all(written[0])
    assert written[0] == written[1]


@pytest.mark.parametrize("name", ["1b", "s2", "claims"])
def test_files_name_neither_date_nor_software_and_are_small(name, tmp_path):
    vector, raster = tmp_path / f"{name}.svg", tmp_path / f"{name}.png"
    drawing.save_all(redraw.draw_folder("figures/oviedo2026"), [vector, raster])
    assert not re.search(r"dc:date|Matplotlib v", vector.read_text(encoding="utf-8"))
    assert b"tEXt" not in raster.read_bytes()
    assert raster.stat().st_size < 200_000


@pytest.mark.parametrize(
    "colours", [drawing.PATHWAY_COLOURS, drawing.REGIME_COLOURS, drawing.MODEL_COLOURS]
)
def test_colours_stand_out_from_the_page(colours):
    assert min(map(contrast, colours.values())) >= 3


def test_a_colour_of_a_model_or_a_regime_means_nothing_else():
    own = drawing.MODEL_COLOURS | drawing.REGIME_COLOURS
    assert len(set(own.values())) == len(own)
    verdicts = {colour for colour, _ in drawing.VERDICT_MARKS.values()}
    others = {*drawing.PATHWAY_COLOURS.values(), drawing.TEAL, drawing.OLIVE, drawing.MAGENTA}
    # black is the blend's, and of all text
    assert not (verdicts | others) - {drawing.BLACK} & {*own.values()}


@pytest.mark.parametrize("method", ["oviedo2026", "revised"])
def test_models_of_a_method_have_a_colour_each(method):
    energy = redraw.read_method(method)["energy_per_query"]
    models = set(energy["subject"]) - {"frontier blend untrimmed"}
    assert set(drawing.MODEL_COLOURS) >= models
    assert len({drawing.model_colour(name) for name in models}) == len(models)
    assert drawing.model_colour("another") == drawing.GREY


def test_texts_are_in_the_font_that_comes_with_the_project():
    assert Path(findfont(drawing.FONT)).parent == drawing.FONTS
    assert (
        Path(findfont(FontProperties(family=drawing.FONT, weight="bold"))).parent == drawing.FONTS
    )


def test_a_drawing_has_its_texts_as_text_and_tells_what_it_shows(tmp_path):
    path = tmp_path / "1b.svg"
    drawing.save(redraw.draw("figures/oviedo2026/1b"), path)
    root = ET.fromstring(path.read_bytes())
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "0.31 (0.16–0.60) | 0.308 (0.165–0.602)" in texts
    assert "'Liberation Sans', Arial, Helvetica, sans-serif" in path.read_text(encoding="utf-8")
    title, description = root[0], root[1]
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert description.text.startswith(title.text)
    assert "Baseline: 0.31 (0.16–0.60) | 0.308 (0.165–0.602)." in description.text
    assert "Energy per query [Wh]: 0.01 to 1." in description.text


def test_alternative_text_names_rows_and_is_of_whole_sentences(tmp_path):
    path = tmp_path / "3b.svg"
    drawing.save(redraw.draw("figures/oviedo2026/3b"), path)
    told, whole = drawing.alternative(path), drawing.described(path)
    assert "No long: 0.731 (0.722–0.740) paper 0.7." in told
    assert whole.startswith(told) and told != whole
    assert len(told) <= drawing.LONGEST and told.endswith(".")
    assert ".." not in whole


def test_panels_side_by_side_have_the_names_of_their_rows(tmp_path):
    told = drawing.description(redraw.draw("figures/oviedo2026/s3"))
    assert told.count("Serving platform:") == 3
    assert "5,000 input tokens. Baseline: 2.15: 12.2." in told


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "figures/audit/tornado": "Output tokens, traditional 0.144 to 0.635",
        "figures/oviedo2026/footprint": "on-site water, long 1.1 (0.21–6.9)",
        "figures/validation/oviedo2026/wall_utilisation": "GPT-J 6B (99 %), offline 0.24 to 0.47",
        "figures/comparison/oviedo2026..revised": "Query lengths: × 1.807.",
    }.items(),
)
def test_alternative_text_has_the_numbers_of_rows(name, words):
    assert words in drawing.description(redraw.draw(name))


def test_a_heading_of_a_panel_is_in_no_row():
    told = drawing.description(redraw.draw("figures/audit/tornado"))
    assert "Output tokens, traditional: 0.47. Throughput" in told


@pytest.mark.parametrize("name", redraw.names())
def test_every_figure_has_alternative_text(name):
    figure = redraw.draw(name)
    assert len(drawing.title(figure).split()) > 1
    assert re.search(r"\d", drawing.description(figure))


def test_alternative_text_says_what_marks_show():
    figure = drawing.new_figure(3, 2)
    drawing.headline(figure, "Half are near")
    axis = drawing.frame(figure, 0.5, 0.5, 0.1, 0.5)
    axis.set_xlabel("Measured")
    drawing.tell(axis, "12 of 24 points are near")
    told = drawing.description(figure)
    assert told.startswith("Half are near. 12 of 24 points are near. Measured")


def test_a_notebook_shows_a_figure_with_its_alternative_text():
    figure = drawing.new_figure(3, 2)
    drawing.headline(figure, "Half are near")
    data, told = drawing.Picture(figure)._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert told["image/png"] == {"alt": "Half are near.", "width": 3 * drawing.ON_SCREEN}


def test_axes_stand_at_the_distances_given():
    figure = drawing.new_figure(4, 2)
    axes = drawing.frame(figure, left=1, bottom=0.5, right=0.5, top=0.25)
    assert axes.get_position().extents == pytest.approx([1 / 4, 0.5 / 2, 3.5 / 4, 1.75 / 2])


def test_a_logarithmic_axis_has_plain_numbers():
    figure = drawing.new_figure(drawing.COLUMN, 1)
    axes = drawing.frame(figure, 0.3, 0.4, 0.3, 0.1)
    drawing.log_axis(axes, "energy [Wh]", *drawing.log_range([0.02, 3.0]))
    assert axes.get_xlim() == pytest.approx((0.016, 3.75))
    ticks = [tick for tick in axes.get_xticks() if 0.016 <= tick <= 3.75]
    labels = [axes.xaxis.get_major_formatter()(tick, 0) for tick in ticks]
    assert labels == ["0.03", "0.1", "0.3", "1", "3"]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours",
    [
        list({*drawing.PATHWAY_COLOURS.values(), *drawing.REGIME_COLOURS.values()}),
        [*drawing.REGIME_COLOURS.values(), *drawing.MODEL_COLOURS.values()],
        [colour for colour, _ in drawing.VERDICT_MARKS.values()],
        [drawing.TEAL, drawing.OLIVE, drawing.MAGENTA, drawing.DARK_GREY, drawing.GREY],
    ],
    ids=["pathways and regimes", "models and regimes", "verdicts", "others"],
)
def test_colours_of_a_figure_differ_for_every_eye(colours, vision):
    linear = np.array([to_rgb(colour) for colour in colours]) ** 2.2
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1) ** (1 / 2.2)
    distances = [np.linalg.norm(one - other) for one, other in combinations(seen, 2)]
    assert min(distances) > 0.15


def test_markers_alone_tell_verdicts_apart():
    markers = [marker for _, marker in drawing.VERDICT_MARKS.values()]
    assert len(set(markers)) == len(markers)
