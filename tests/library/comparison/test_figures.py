"""The waterfall of a comparison."""

import pytest
from inference_energy.comparison import figures
from library.comparison.tables import whole


def test_the_waterfall_goes_from_base_to_head_and_parts_fill_their_setting():
    bars = figures.steps(whole(), "long median")
    labels = [label for label, *_ in bars]
    assert labels == ["base", "node_power", "default", "models.DeepSeek-R1", "head"]
    (_, _, base, _), (_, start, stop, _), first, second, (_, _, head, _) = bars
    assert start == base
    assert stop == pytest.approx(head)
    assert (first[1], second[2]) == (start, pytest.approx(stop))
    assert [bar[3] for bar in bars] == [False, False, True, True, False]
