"""Maps can be read in print and hold their numbers."""

import pytest
from inference_energy.drawing import description
from inference_energy.scenarios import tables
from inference_energy.scenarios.figures import energy_map
from legibility import problems


@pytest.mark.parametrize(("name", "over"), [("field", "PUE and output tokens"), ("line", "node")])
def test_a_map_can_be_read_and_tells_what_it_shows(name, over, flat, settings):
    table = tables.maps({"flat": flat, "same": flat}, settings)
    figure = energy_map(table[table["map"] == name])
    assert problems(figure) == {}
    assert over in description(figure)
    assert len(figure.axes) == 2


def test_every_cell_of_a_field_has_its_number(flat, settings):
    table = tables.maps({"flat": flat}, settings)
    figure = energy_map(table[table["map"] == "field"])
    assert len(figure.axes[0].texts) == 4
