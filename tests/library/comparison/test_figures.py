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


def test_settings_are_in_words():
    assert figures.words("node_power") == "Node power"
    assert figures.words("pue + throughput_law") == "PUE, throughput law"
    assert figures.words("models.DeepSeek-R1", is_part=True) == "of which DeepSeek-R1"
    assert figures.words("default", is_part=True) == "of which other models"


def test_a_setting_that_moves_nothing_has_no_bar():
    table = whole()
    table.loc[table["item"].eq("node_power.default"), "value"] = 0.0
    texts = [t.get_text() for t in figures.draw(table, "a", "b", ("long",)).axes[0].texts]
    assert len(texts) == 4
    assert "× 1.000" not in texts


def test_the_key_names_only_the_colours_that_are_drawn():
    (key,) = figures.draw(whole(), "a", "b", ("long",)).legends
    bars = figures.steps(whole(), "long median")
    raises = any(stop > start for label, start, stop, _ in bars if label not in ("base", "head"))
    lowers = any(stop < start for label, start, stop, _ in bars if label not in ("base", "head"))
    assert raises != lowers  # else the test below would hold for a key of all colours
    told = "a setting that raises the energy" if raises else "a setting that lowers the energy"
    assert [text.get_text() for text in key.get_texts()] == ["a method", told]
