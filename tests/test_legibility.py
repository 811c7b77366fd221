"""Every figure of the repository can be read in print, and is the one that its tables give."""

import re
import runpy

import numpy as np
import pytest
import redraw
from inference_energy import drawing
from inference_energy.comparison.changes import canonical_svg
from legibility import problems
from matplotlib.colors import to_rgba
from repository import ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "workflow/notebooks").glob("*.py"))
NUMBER = re.compile(r"(?<![\w#])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def parts(svg):
    """Drawing without its numbers, and the numbers [pt]."""
    text = canonical_svg(svg)
    # points may be drawn in the order of the computation, and stand sorted in the table
    return NUMBER.sub("", text), np.sort(np.array(NUMBER.findall(text), float))


@pytest.mark.parametrize("name", redraw.names())
def test_a_figure_can_be_read_in_print(name):
    assert problems(redraw.draw(name)) == {}


@pytest.mark.parametrize("name", redraw.names())
def test_a_figure_is_the_one_that_its_tables_give(name, tmp_path):
    drawing.save(redraw.draw(name), tmp_path / "figure.svg")
    mine, mine_at = parts((tmp_path / "figure.svg").read_bytes())
    committed, at = parts((ROOT / f"{name}.svg").read_bytes())
    assert mine == committed
    # tables have six significant digits; a hundredth of a point is not seen
    np.testing.assert_allclose(mine_at, at, atol=0.01)


@pytest.mark.parametrize("folder", sorted({name.rpartition("/")[0] for name in redraw.names()}))
def test_every_figure_of_a_folder_has_its_files(folder):
    files = {path.name for path in (ROOT / folder).iterdir()}
    drawn = redraw.draw_folder(folder)
    assert {f"{name}{kind}" for name in drawn for kind in (".svg", ".png")} <= files


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_figures_of_a_notebook_can_be_read(name, monkeypatch):
    """They are on a screen: their page cuts them to what is drawn, and they have any width."""
    monkeypatch.chdir(ROOT)
    figures = []
    monkeypatch.setattr(drawing.Picture, "__init__", lambda _, figure: figures.append(figure))
    runpy.run_path(f"workflow/notebooks/{name}.py")
    found = [problems(figure) for figure in figures]
    assert found
    on_paper = {"clipped", "width"}
    assert [{kind: of[kind] for kind in of.keys() - on_paper} for of in found] == [{}] * len(found)


def test_a_figure_that_nothing_here_draws_is_named():
    with pytest.raises(KeyError, match="figures/audit/elsewhere"):
        redraw.draw("figures/audit/elsewhere/1a")


@pytest.fixture
def empty():
    """Figure of one column with nothing on it."""
    return drawing.new_figure(drawing.COLUMN, 1)


def test_nothing_to_read_is_a_problem(empty):
    assert list(problems(empty)) == ["no text"]


def test_texts_that_overlap_or_leave_the_figure_are_found(empty):
    for x, text in ((0.3, "left"), (0.32, "right"), (0.95, "outside")):
        empty.text(x, 0.5, text, size=drawing.SMALL)
    assert problems(empty) == {"clipped": ["outside"], "overlapping": [("left", "right")]}


def test_a_text_that_its_axes_cut_off_is_found(empty):
    axes = drawing.frame(empty, 0.5, 0.3, 0.5, 0.3)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.9, 0.5, "cut off", size=drawing.SMALL, clip_on=True)
    axes.text(0.9, 0.9, "whole", size=drawing.SMALL)
    assert problems(empty) == {"clipped": ["cut off"]}


def test_marks_that_hardly_stand_out_from_the_page_are_found(empty):
    axes = drawing.frame(empty, 0.5, 0.3, 0.5, 0.3)
    axes.bar([0], [1], color=drawing.LIGHT_GREY)
    axes.bar([1], [1], **drawing.area(drawing.GREY, 0.1))
    axes.plot([2], [1], "o", color=drawing.GREY, alpha=0.5)
    axes.scatter([3], [1], color=drawing.GREY, alpha=0.5, lw=0)
    light, half = (to_rgba(c, a) for c, a in ((drawing.LIGHT_GREY, 1), (drawing.GREY, 0.5)))
    assert problems(empty) == {"faint": [half, light]}


def test_small_texts_and_sizes_that_no_page_has_are_found():
    figure = drawing.new_figure(4, 10)
    figure.text(0.5, 0.5, "small", size=6)
    assert problems(figure) == {"small": [("small", 6.0)], "width": [4.0], "height": [10.0]}
