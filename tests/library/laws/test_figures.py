"""The figure of the laws' errors."""

import numpy as np
from inference_energy.laws.figures import predicted_at_load, predicted_over_measured
from inference_energy.laws.registry import LAWS
from repository import read


def test_every_law_with_a_mark_has_its_panel():
    predictions = read("results/validation/law_predictions.csv", "law_predictions")
    titles = [axis.get_title(loc="left") for axis in predicted_over_measured(predictions).axes]
    marked = [name for name, kind in LAWS.items() if kind.mark is not None]
    for name in set(marked) & set(predictions["law"]):
        assert any(name in title for title in titles)


def test_predictions_at_load_have_a_panel_per_engine_and_way_of_measuring():
    table = read("results/validation/load_predictions.csv", "load_predictions")
    titles = [axis.get_title(loc="left") for axis in predicted_at_load(table, "a table").axes]
    ways = table[["engine", "protocol"]].drop_duplicates()
    assert len(titles) == len(ways) == 5
    one = predicted_at_load(table.iloc[:1].assign(engine=None), "a row")
    assert one.axes[0].get_title(loc="left").startswith("a  engine not stated, ")


def test_a_figure_says_where_there_is_nothing_to_show():
    predictions = read("results/validation/law_predictions.csv", "law_predictions")
    (text,) = predicted_over_measured(predictions.iloc[:0]).texts
    assert "no shape" in text.get_text()


def test_points_do_not_move_with_the_last_digits():
    predictions = read("results/validation/law_predictions.csv", "law_predictions")
    moved = predictions.assign(predicted_tps=predictions["predicted_tps"] * (1 + 1e-13))
    points = [
        np.concatenate([dots.get_offsets() for axis in figure.axes for dots in axis.collections])
        for figure in map(predicted_over_measured, (predictions, moved))
    ]
    assert np.array_equal(*points)
