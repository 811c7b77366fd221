"""Figures of a deployment show its answers and its measurements."""

from inference_energy.deployments import answers
from inference_energy.deployments.build import build
from inference_energy.deployments.figures import energy_beside_paper, measured
from inference_energy.energy.exact import token_statistics
from legibility import problems
from library.deployments.made_up import LADDER, WHERE, bench, resolved
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


def test_every_used_run_stands_where_it_was_measured(example):
    *_, found = example
    used = found.runs[found.runs["use"] == "yes"]
    throughput, strip, _ = measured(found, token_ends(found)).axes
    marks = places(throughput, "o")
    assert marks == list(zip(used["output_tokens"], used["throughput_tps"], strict=True))
    medians = [statistics["p50"] for statistics in token_ends(found).values()]
    assert [x for x, _ in places(strip, "o")] == medians


def test_one_load_is_one_panel_that_can_be_read():
    found = build(resolved(), bench(LADDER), WHERE)
    figure = measured(found, token_ends(found))
    assert len(figure.axes) == 2
    assert problems(figure) == {}
    assert len(places(figure.axes[0], "o")) == len(LADDER)
