"""How every figure looks: colours, sizes, files that never vary."""

import re
from itertools import combinations

import numpy as np
import pytest
import redraw
from inference_energy import drawing
from inference_energy.paper import figures
from matplotlib.colors import to_rgb

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
    written = []
    for place in ("one", "two"):
        drawn = {
            "2b": figures.energy_by_pathway(energy, tables["densities"], tables["method"], "long"),
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
    assert raster.stat().st_size < 150_000


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
