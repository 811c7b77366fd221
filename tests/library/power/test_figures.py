"""Figures of power."""

import redraw
from inference_energy.power.figures import power_at_wall, power_by_load
from inference_energy.power.wall import ALLOWED
from repository import read


def test_every_run_is_drawn_twice(gpus):
    predictions = read("results/validation/power_predictions.csv", "power_predictions")
    law = read("results/validation/power_law.csv", "power_law")
    rated = gpus.set_index("gpu")["tdp_w"].astype(float)
    figure = power_by_load(predictions, law, rated)
    points = [
        len(line.get_xdata())
        for axis in figure.axes
        for line in axis.lines
        if line.get_linestyle() == "None"
    ]
    assert sum(points) == 2 * (predictions["left_out"] == "model").sum()


def test_every_meter_is_drawn():
    meters = read("results/validation/power_wall.csv", "power_wall")
    (axis,) = power_at_wall(meters, ALLOWED).axes
    points = [line for line in axis.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == len(meters)


def test_notes_cover_no_range():
    figure = redraw.draw("figures/validation/power_at_wall")
    figure.draw_without_rendering()
    (axis,) = figure.axes
    ranges = [line for line in axis.lines if len(set(line.get_xdata())) == 1]
    assert ranges
    for note in axis.texts:
        box = note.get_bbox_patch().get_window_extent()
        assert not any(box.overlaps(line.get_window_extent()) for line in ranges), note.get_text()
