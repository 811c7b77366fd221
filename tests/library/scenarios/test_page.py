"""The page names every task, grid and map."""

from inference_energy.scenarios import tables
from inference_energy.scenarios.page import page


def test_tasks_grids_and_maps_stand_on_the_page(flat, settings, facility):
    drawn = tables.maps({"flat": flat}, settings)
    found = tables.tasks({"flat": flat}, settings, facility)
    text = page(settings, found, drawn, facility)
    assert "| short | 500 | 300 |" in text and "| long | 500 | 600 |" in text
    assert "| task | Germany |" in text
    assert "![](field.png)" in text and "![](line.png)" in text
    assert "Carbon" not in page(settings | {"grids": []}, found, drawn, facility)
    assert "Left out" not in text
    more = settings | {"methods": ["flat", "full"]}
    both = tables.tasks({"flat": flat, "full": flat}, more, facility)
    assert text.count("![](") == 2
    assert "Left out: `full`" in page(more, both, drawn, facility)
