"""The figure of a stress test shows what was measured, and can be read."""

import pandas as pd
import pytest
from inference_energy.stress import figures, tables
from legibility import problems
from library.stress.made_up import energies
from marks import places


@pytest.fixture
def draw(monkeypatch):
    """Draw a figure, and return it instead of writing it."""
    drawn = []
    monkeypatch.setattr(figures.Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))

    def of(cells, energy):
        figures.draw(cells, energy, "report.svg")
        return drawn[-1]

    return of


def measured(concurrencies):
    """Cells and energies of loads from few to many requests at once, at two meters."""
    cells = pd.concat([energies(3.9).assign(concurrency=load) for load in concurrencies])
    cells = cells.assign(status="measured", throughput_tps=2000 - 0.1 * cells["output_tokens"])
    power = [cells.assign(scope=scope) for scope in ("gpu", "node")]
    return cells, tables.energy_table(pd.concat(power))


def test_energies_and_throughputs_stand_at_their_lengths(draw):
    cells, energy = measured([8])
    left, right = draw(cells, energy).axes
    means = energy[energy["statistic"] == "mean"]
    expected = zip(means["output_tokens"], means["value"], strict=True)
    assert sorted(places(left, "o")) == sorted(expected)
    speeds = cells.groupby("output_tokens")["throughput_tps"].mean()
    assert places(right, "o") == list(speeds.items())


def test_a_full_figure_can_be_read(draw):
    assert problems(draw(*measured([1, 4, 16, 64]))) == {}


def test_without_energy_the_figure_says_so(draw):
    cells, _ = measured([8])
    figure = draw(cells, tables.energy_table(energies(1).iloc[:0]))
    assert "energy not measured" in [text.get_text() for text in figure.axes[0].texts]
    assert problems(figure) == {}
