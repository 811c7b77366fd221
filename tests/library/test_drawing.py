"""How every figure looks: colours, sizes, files that never vary."""

import base64
import os
import re
import sys
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import processes
import pytest
import redraw
from inference_energy import drawing
from inference_energy.paper import figures
from legibility import contrast
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image
from repository import ROOT

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

FIGURES = [ROOT / f"{name}.svg" for name in redraw.names()]


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


@pytest.mark.parametrize("name", [r"a $\frac{$ b", "USD $5 to $6 a kWh", r"a\$b"])
def test_names_stand_as_they_are_and_are_no_formula(name, tmp_path):
    with rc_context(drawing.SETTINGS):
        figure = drawing.new_figure(3, 2)
        axes = drawing.frame(figure, 0.5, 0.5, 0.5, 0.5)
        axes.annotate(name, (0, 0))
        axes.set_yticks([0.5], [name])
    drawing.save_all({"a": figure}, [tmp_path / "a.svg", tmp_path / "a.png"])
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert len(re.findall(rf"<text[^>]*>{re.escape(name)}</text>", drawn)) == 2
    assert name in drawing.described(tmp_path / "a.svg")


NAMES_A_MODEL = """
from inference_energy import drawing
from matplotlib import rc_context
with rc_context(drawing.SETTINGS):
    figure = drawing.new_figure(3, 2)
    axes = drawing.frame(figure, 1.5, 0.5, 0.5, 0.5)
    axes.set_yticks([0.5], [chr(0x6587) + chr(0x5fc3)])
    drawing.headline(figure, "The most: " + chr(0x6587) + chr(0x5fc3))
drawing.save_all({"a": figure}, ["a.svg", "a.png"])
"""


def test_of_letters_that_the_font_lacks_nothing_is_told_on_the_screen(tmp_path):
    """In a process of its own: the tests' own record of warnings puts other filters up."""
    library = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    run = processes.run([sys.executable, "-c", NAMES_A_MODEL], cwd=tmp_path, env=library)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    # a PNG shows boxes for them; the drawing and what is said of it have them
    assert ">\u6587\u5fc3</text>" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "\u6587\u5fc3" in drawing.described(tmp_path / "a.svg")


@pytest.mark.parametrize("name", ["1b", "s2", "claims"])
def test_files_name_neither_date_nor_software_and_are_small(name, tmp_path):
    vector, raster = tmp_path / f"{name}.svg", tmp_path / f"{name}.png"
    drawing.save_all(redraw.draw_folder("figures/oviedo2026"), [vector, raster])
    assert not re.search(r"dc:date|Matplotlib v", vector.read_text(encoding="utf-8"))
    assert b"tEXt" not in raster.read_bytes()
    # a byte for ten pixels, as the figure of the claims grows with every claim
    with Image.open(raster) as image:
        assert raster.stat().st_size < image.width * image.height / 10


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
    others |= {drawing.INDIGO}
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
        "figures/oviedo2026/footprint": "on-site water, long 1.1 (0.070–11)",
        "figures/validation/oviedo2026/wall_utilisation": "GPT-J 6B (99 %), offline 0.24 to 0.47",
        "figures/comparison/oviedo2026..revised": "Query lengths: × 1.808.",
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


def test_a_logarithmic_axis_begins_above_zero():
    assert drawing.log_range([0.0, 0.1, 10.0], 2) == (0.05, 20)
    low, high = drawing.log_range([0.0, 0.0])
    assert 0 < low < high


@pytest.mark.parametrize(
    "words", ["A finding", "A query's median is 0.00062 to 0.0044 Wh by model " * 2]
)
def test_a_finding_is_never_wider_than_its_figure(words):
    figure = drawing.new_figure(drawing.COLUMN, 2)
    drawing.headline(figure, words)
    (text,) = figure.texts
    assert text.get_window_extent().x1 <= figure.bbox.x1
    assert (text.get_fontsize() == drawing.LARGE) == (words == "A finding")


def test_a_logarithmic_axis_has_plain_numbers():
    figure = drawing.new_figure(drawing.COLUMN, 1)
    axes = drawing.frame(figure, 0.3, 0.4, 0.3, 0.1)
    drawing.log_axis(axes, "energy [Wh]", *drawing.log_range([0.02, 3.0]))
    assert axes.get_xlim() == pytest.approx((0.016, 3.75))
    ticks = [tick for tick in axes.get_xticks() if 0.016 <= tick <= 3.75]
    labels = [axes.xaxis.get_major_formatter()(tick, 0) for tick in ticks]
    assert labels == ["0.03", "0.1", "0.3", "1", "3"]


def lab(colour, vision):
    """CIELAB of a colour as an eye sees it, under D65."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    xyz = seen @ np.transpose(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    ) / (0.95047, 1, 1.08883)  # fmt: skip
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one, other):
    """Difference of two colours in CIELAB: G. Sharma et al., Color Res. Appl. 30 (2005) 21."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 1.5 - np.sqrt(mean**7 / (mean**7 + 25**7)) / 2
    c1, c2 = np.hypot(a1 * g, b1), np.hypot(a2 * g, b2)
    h1, h2 = np.arctan2(b1, a1 * g), np.arctan2(b2, a2 * g)
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi if c1 * c2 else 0.0
    lightness, chroma, hue = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)
    level, mean, h = (l1 + l2) / 2 - 50, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    angles = [(1, -30, -0.17), (2, 0, 0.24), (3, 6, 0.32), (4, -63, -0.20)]
    t = 1 + sum(size * np.cos(n * h + np.radians(at)) for n, at, size in angles)
    in_blue = np.exp(-(((np.degrees(h) % 360 - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(mean**7 / (mean**7 + 25**7)) * np.sin(np.radians(60 * in_blue))
    lightness /= 1 + 0.015 * level**2 / np.sqrt(20 + level**2)
    chroma /= 1 + 0.045 * mean
    hue /= 1 + 0.015 * mean * t
    return np.sqrt(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue)


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_of_colours_are_those_of_their_authors(one, other, difference):
    assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)


GROUPS = {
    "models": drawing.MODEL_COLOURS,
    "kinds of queries": drawing.REGIME_COLOURS | drawing.PATHWAY_COLOURS,
    "verdicts": {name: colour for name, (colour, _) in drawing.VERDICT_MARKS.items()},
    "others": {
        n: getattr(drawing, n)
        for n in ("TEAL", "OLIVE", "MAGENTA", "INDIGO", "DARK_GREY", "GREY", "BLACK")
    },
}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("group", GROUPS)
def test_colours_that_share_a_figure_differ_for_every_eye(group, vision):
    """A difference of 10 is seen at a glance; these are flat areas, lines and markers."""
    colours = sorted(set(GROUPS[group].values()))
    drawn = {path: path.read_text(encoding="utf-8").upper() for path in FIGURES}
    close = [
        (path.stem, pair)
        for pair in combinations(colours, 2)
        if ciede2000(*(lab(colour, vision) for colour in pair)) < 10
        for path, text in drawn.items()
        if all(colour in text for colour in pair)
    ]
    assert close == []


def test_markers_alone_tell_verdicts_apart():
    markers = [marker for _, marker in drawing.VERDICT_MARKS.values()]
    assert len(set(markers)) == len(markers)


def test_a_palette_keeps_few_colours_as_they_are():
    pixels = np.full((300, 200, 4), 255, np.uint8)
    pixels[10:20, 5:8, :3] = [200, 10, 30]
    # one of 60,000 pixels, which no sample of a part of them needs to hold
    pixels[299, 199, :3] = [1, 2, 3]
    image = drawing.in_palette(pixels)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels[..., :3])


def test_a_palette_of_many_colours_is_that_of_the_whole_image():
    # a drawing's white page, and a ramp of more colours than a palette holds
    pixels = np.full((100, 900, 4), 255, np.uint8)
    x = np.arange(900)
    pixels[40:60, :, 0], pixels[40:60, :, 1], pixels[40:60, :, 2] = x // 4, 255 - x // 5, x % 7
    whole = Image.fromarray(pixels).convert("RGB")
    wanted = whole.quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).convert("RGB")
    found = drawing.in_palette(pixels)
    assert len(found.getcolors()) <= 256
    np.testing.assert_array_equal(np.asarray(found.convert("RGB")), np.asarray(wanted))
