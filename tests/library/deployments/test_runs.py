"""Which runs count, and which are one shape."""

import numpy as np
import pytest
from inference_energy.deployments import runs as deployments_runs
from library.deployments.made_up import GPU, LADDER, WHERE, bench, own, quantity, refusal


def test_repetitions_are_one_shape_with_the_tokens_over_time_of_all():
    runs = bench([(500, 300, 100), (505, 297, 300), (500, 600, 90)])
    shapes = deployments_runs.distinct_shapes(runs)
    assert shapes["throughput_tps"].tolist() == pytest.approx([150, 90])
    assert shapes["output_tokens"].tolist() == pytest.approx([298.5, 600])


def test_runs_without_input_lengths_are_still_told_apart_by_output():
    shapes = deployments_runs.distinct_shapes(
        bench([(np.nan, 300, 100), (np.nan, 302, 100), (np.nan, 900, 50)])
    )
    assert len(shapes) == 2


@pytest.mark.parametrize(
    ("section", "columns", "words"),
    [
        ({"model": "N"}, {}, ["deployment.model", "value N", "allowed are M"]),
        ({"gpu": "B200"}, {}, ["deployment.gpu", "value B200", GPU]),
        ({}, {"gpu": [GPU, GPU, "B200", "B200"]}, ["differ in gpu", "B200", "state gpu"]),
        ({}, {"concurrency": [1.0, 1.0, 8.0, np.nan]}, ["1, 8, not known", "state concurrency"]),
        ({"concurrency": quantity(2, "requests")}, {}, ["value 2", "allowed are 64"]),
        ({}, {"status": "marked: requests failed"}, ["requests failed", "accept_marked"]),
    ],
)
def test_runs_that_do_not_fit_are_refused_in_words(section, columns, words):
    message = refusal(
        deployments_runs.select_runs, bench(LADDER, **columns), own(**section)["deployment"], WHERE
    )
    assert message.startswith(WHERE) and "\n" not in message
    assert all(word in message for word in words)


def test_only_the_runs_at_the_operators_load_count():
    runs = bench(
        LADDER, concurrency=[64.0, 64.0, 8.0, 64.0], status=["ok", "marked: x", "ok", "ok"]
    )
    section = own(concurrency=quantity(64, "requests"))["deployment"]
    use = deployments_runs.select_runs(runs, section, WHERE)["use"].tolist()
    assert use == ["yes", "marked", "other concurrency", "yes"]
    accepted = deployments_runs.select_runs(runs, section | {"accept_marked": True}, WHERE)
    assert (accepted["use"] == "yes").sum() == 3
