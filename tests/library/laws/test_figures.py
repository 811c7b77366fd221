"""The figure of the laws' errors."""

from inference_energy.laws.figures import predicted_over_measured
from inference_energy.laws.registry import LAWS
from repository import read


def test_every_law_with_a_mark_has_its_panel():
    predictions = read("results/validation/law_predictions.csv", "law_predictions")
    titles = [axis.get_title(loc="left") for axis in predicted_over_measured(predictions).axes]
    marked = [name for name, kind in LAWS.items() if kind.mark is not None]
    for name in set(marked) & set(predictions["law"]):
        assert any(name in title for title in titles)
