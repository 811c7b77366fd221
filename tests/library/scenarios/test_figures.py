"""Maps can be read in print and hold their numbers."""

import pandas as pd
import pytest
from inference_energy.drawing import description
from inference_energy.scenarios import tables
from inference_energy.scenarios.figures import BEYOND, energy_map
from legibility import contrast, problems


@pytest.mark.parametrize(("name", "over"), [("field", "PUE and output tokens"), ("line", "node")])
def test_a_map_can_be_read_and_tells_what_it_shows(name, over, flat, settings):
    table = tables.maps({"flat": flat, "same": flat}, settings)
    figure = energy_map(table[table["map"] == name])
    assert problems(figure) == {}
    assert over in description(figure)
    assert len(figure.axes) == 2


@pytest.mark.parametrize("values", [[300, 600], [300, 600, 9000], list(range(100, 9000, 100))])
def test_cells_beyond_what_a_model_was_measured_at_are_hatched_and_the_key_says_so(
    values, flat, settings
):
    field = settings["maps"][0] | {"y": {"input": "output_tokens", "values": values}}
    figure = energy_map(tables.maps({"flat": flat}, settings | {"maps": [field]}))
    assert problems(figure) == {}
    beyond = 2 * sum(value > 2000 for value in values)
    hatched = [len(c.get_paths()) for c in figure.axes[0].collections if c.get_hatch()]
    assert hatched == ([beyond] if beyond else [])
    assert (BEYOND in description(figure)) == bool(beyond)


@pytest.mark.parametrize("values", [[300.0, 600.0], [20.0, 300.0, 600.0, 9000.0]])
def test_a_line_is_dotted_beyond_what_a_model_was_measured_at(values, flat, settings):
    line = settings["maps"][1] | {"x": {"input": "output_tokens", "values": values}}
    figure = energy_map(tables.maps({"flat": flat}, settings | {"maps": [line]}))
    assert problems(figure) == {}
    drawn = {of.get_linestyle(): list(of.get_xdata()) for of in figure.axes[0].lines}
    assert drawn["-"] == [300.0, 600.0]
    assert drawn.get(":", [300.0, 600.0]) == values
    assert (BEYOND in description(figure)) == (":" in drawn) == (len(values) > 2)


def test_every_cell_of_a_field_has_its_number(flat, settings):
    table = tables.maps({"flat": flat}, settings)
    figure = energy_map(table[table["map"] == "field"])
    assert len(figure.axes[0].texts) == 4


def test_numbers_stand_out_from_cells_of_every_grey(flat, settings):
    """Contrast of 4.5 to 1 of a text to its ground (WCAG 2.2, 1.4.3)."""
    table = tables.maps({"flat": flat}, settings)
    row = table[(table["map"] == "field") & (table["statistic"] == "p50")].iloc[0].to_dict()
    cells = [
        row | {"x": x, "y": y, "value": 1.1 ** (9 * y + x)} for x in range(9) for y in range(9)
    ]
    axes = energy_map(pd.DataFrame(cells)).axes[0]
    (grey,) = axes.images
    grounds = grey.to_rgba(grey.get_array()).reshape(-1, 4)
    for text, ground in zip(axes.texts, grounds, strict=True):
        of_both = sorted((contrast(text.get_color()), contrast(ground)))
        assert of_both[1] / of_both[0] >= 4.5


def test_a_fine_field_has_a_key_of_colours_instead_of_numbers(flat, settings):
    table = tables.maps({"flat": flat}, settings)
    row = table[(table["map"] == "field") & (table["statistic"] == "p50")].iloc[0].to_dict()
    many = [
        row | {"method": method, "x": 1000.0 * x, "y": float(y), "value": float(x * y)}
        for method in ("one", "two", "three")
        for x in range(1, 51)
        for y in range(1, 51)
    ]
    figure = energy_map(pd.DataFrame(many))
    assert problems(figure) == {}
    *panels, key = figure.axes
    assert len(panels) == 3 and not any(axes.texts for axes in panels)
    assert key.get_title(loc="left") == "Wh"
