"""The page names every task, grid and map."""

from inference_energy.scenarios import tables
from inference_energy.scenarios.page import page


def test_tasks_grids_and_maps_stand_on_the_page(flat, settings, facility):
    found = tables.tasks({"flat": flat}, settings, facility)
    text = page(settings, found, facility)
    assert "| short | 500 | 300 |" in text and "| long | 500 | 600 |" in text
    assert "| task | Germany |" in text
    assert "![](field.png)" in text and "![](line.png)" in text
    assert "Carbon" not in page(settings | {"grids": []}, found, facility)
