"""Figures of a deployment show its answers and its measurements."""

from inference_energy.deployments import answers
from inference_energy.deployments.build import build
from inference_energy.deployments.figures import energy_beside_paper, measured
from inference_energy.energy.exact import token_statistics
from legibility import problems
from library.deployments.made_up import LADDER, WHERE, bench, quantity, resolved
from marks import median_dots, places
from repository import read


def token_ends(deployment):
    """Statistics of the output tokens of every regime."""
    return {name: token_statistics(regime) for name, regime in deployment.regimes.items()}


def test_energy_beside_the_paper_has_the_medians_of_the_table(example):
    *_, found = example
    reference = read("results/oviedo2026/energy_per_query.csv", "energy_per_query")
    table = answers.energy_per_query(found, reference, "oviedo2026")
    dots = median_dots(energy_beside_paper(table))
    assert sorted(x for x, _ in dots) == sorted(table[table["statistic"] == "p50"]["value"])


def test_runs_of_one_length_at_several_loads_stand_over_their_load(example):
    *_, found = example
    runs = found.runs[found.runs["use"].isin(["yes", "other concurrency"])]
    own = runs["use"] == "yes"
    throughput, energy, strip = measured(found, token_ends(found)).axes
    for axes in (throughput, energy):
        loads = [load for load, _ in places(axes, "o")]
        assert loads == [*runs["concurrency"], *runs["concurrency"][own]]
    assert [y for _, y in places(throughput, "o")][: len(runs)] == list(runs["throughput_tps"])
    medians = [statistics["p50"] for statistics in token_ends(found).values()]
    assert [x for x, _ in places(strip, "o")] == [*runs["output_tokens"][own], *medians]


def test_runs_of_several_lengths_stand_over_their_length_beside_other_loads():
    loads = [64.0, 64.0, 64.0, 64.0, 8.0]
    runs = bench([*LADDER, (500, 300, 900)], concurrency=loads, node_power_w=5000.0)
    section = {"concurrency": quantity(64, "requests")}
    found = build(resolved(**section), runs, WHERE)
    throughput, strip, energy = measured(found, token_ends(found)).axes
    assert places(throughput, "o") == [(length, speed) for _, length, speed in LADDER]
    assert len(places(strip, "o")) == 2
    assert len(places(energy, "o")) == len(loads) + len(LADDER)


def test_one_load_is_one_panel_that_can_be_read():
    found = build(resolved(), bench(LADDER), WHERE)
    figure = measured(found, token_ends(found))
    assert len(figure.axes) == 2
    assert problems(figure) == {}
    assert len(places(figure.axes[0], "o")) == len(LADDER)
