"""The page names every task, grid and map."""

from inference_energy.scenarios import tables
from inference_energy.scenarios.page import page
from inference_energy.tables import write_table


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


def test_tasks_may_stand_alone_and_so_may_maps(flat, settings, facility, tmp_path):
    for none, left in (("maps", "| short |"), ("tasks", "## Map: field")):
        some = settings | {none: []}
        made = {
            "tasks": tables.tasks({"flat": flat}, some, facility),
            "maps": tables.maps({"flat": flat}, some),
        }
        for name, table in made.items():
            write_table(table, tmp_path / f"{name}.csv", f"scenarios_{name}")
        assert left in page(some, *made.values(), facility)
