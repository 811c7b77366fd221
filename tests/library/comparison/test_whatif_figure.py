"""The figure of the what-if page."""

from inference_energy.comparison.whatif_figure import draw
from legibility import problems
from library.comparison.answers import side


def test_the_figure_has_both_sides_on_one_scale_and_can_be_read():
    figure = draw(side(0.3), side(0.4))
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_title(loc="left") == "Traditional queries: median 0.300 -> 0.400 Wh"
    assert problems(figure) == {}


def test_medians_that_differ_are_told_apart():
    first, _ = draw(side(0.30885), side(0.30883)).axes
    old, new = (
        first.get_title(loc="left").removeprefix("Traditional queries: median ").split(" -> ")
    )
    assert old != new.removesuffix(" Wh")


def test_medians_that_differ_by_rounding_are_not():
    first, _ = draw(side(0.3), side(0.1 + 0.2)).axes
    assert first.get_title(loc="left") == "Traditional queries: median 0.300 -> 0.300 Wh"
