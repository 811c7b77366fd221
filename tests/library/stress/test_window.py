"""The window of steady full load, and the tokens inside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.stress import plan as stress_plan
from inference_energy.stress import window as stress_window
from library.stress.made_up import NOON, closed_loop, kinds, record


def near(*moments):
    """Moments to a hundredth of a millisecond: their number is large, what it is off is not."""
    return pytest.approx(moments if len(moments) > 1 else moments[0], rel=0, abs=1e-5)


def test_full_load_leaves_out_build_up_and_drain():
    requests = closed_loop(concurrency=4, rounds=5)
    start, end = stress_window.full_load(requests, 4)
    assert start == near(NOON + 0.03)
    assert end == near(NOON + 5 * 1.5)
    assert stress_window.full_load(requests, 21) is None


@given(st.floats(0, 20), st.floats(0, 20), st.floats(0, 20))
def test_tokens_of_windows_add_up(a, b, c):
    requests = closed_loop(concurrency=3, rounds=4)
    first, second, third = sorted(NOON + x for x in (a, b, c))
    whole = stress_window.tokens_between(requests, first, third)
    parts = stress_window.tokens_between(requests, first, second)
    parts += stress_window.tokens_between(requests, second, third)
    assert whole == pytest.approx(parts, abs=1e-3)
    everything = stress_window.tokens_between(requests, NOON - 1, NOON + 100)
    assert everything == pytest.approx(3 * 4 * 101)


def test_slow_start_is_cut_and_the_rest_is_steady():
    slow = [record(3.0 * n, 0.0, 0.03, 101) for n in range(3)]
    fast = [record(9.0 + 1.0 * n, 0.0, 0.01, 101) for n in range(60)]
    requests = stress_plan.requests_of(slow + fast)
    window, findings = stress_window.steady_window(requests, 1)
    assert NOON + 9.0 <= window[0] < NOON + 20
    assert findings == []


def test_load_that_was_never_reached_refuses_the_cell():
    window, findings = stress_window.steady_window(closed_loop(concurrency=2, rounds=1), 8)
    assert window is None
    assert kinds(findings) == [("load", "all")]


def test_failed_requests_deliver_no_tokens():
    failed = stress_plan.requests_of([record(0, 0.1, 0.0, 1, error={"code": 500, "type": "x"})])
    assert stress_window.tokens_between(failed, NOON - 1, NOON + 9) == 0


def test_answers_in_one_piece_count_over_their_whole_time():
    at_once = stress_plan.requests_of(record(n, 0.5, 0.0, 101) for n in range(4))
    assert stress_window.tokens_between(at_once, NOON, NOON + 10) == pytest.approx(4 * 101)
    assert stress_window.tokens_between(at_once, NOON + 1, NOON + 3) == pytest.approx(2 * 101)
    half = stress_window.tokens_between(at_once, NOON + 1, NOON + 1.25)
    assert half == pytest.approx(101 / 2, rel=0.02)


def test_buffered_answers_are_steady_and_keep_their_tokens():
    # long answers in one piece: 20 slices would see them as spikes and cut most of the cell
    lines = [record(10.0 * n, 10.0, 0.0, 150) for n in range(12)]
    window, findings = stress_window.steady_window(stress_plan.requests_of(lines), 1)
    assert findings == []
    requests = stress_plan.requests_of(lines)
    assert stress_window.tokens_between(requests, *window) > 0.9 * 11 * 150


@pytest.mark.parametrize(("slower", "refuses"), [(0.25, ""), (1.0, "all")])
def test_drift_is_reported_and_a_large_one_refused(slower, refuses):
    lines, start = [], 0.0
    for number in range(60):
        gap = 0.01 * (1 + slower * number / 60)
        lines.append(record(start, 0.0, gap, 101))
        start += gap * 100
    _, findings = stress_window.steady_window(stress_plan.requests_of(lines), 1)
    assert kinds(findings) == [("not steady", refuses)]


def test_cut_that_removes_most_of_a_cell_is_refused():
    fast = [record(0.2 * n, 0.0, 0.002, 101) for n in range(35)]
    slow = [record(7.0 + 2.0 * n, 0.0, 0.02, 101) for n in range(7)]
    _, findings = stress_window.steady_window(stress_plan.requests_of(fast + slow), 1)
    assert ("warm-up", "all") in kinds(findings)


@pytest.mark.parametrize(
    ("rounds", "found"),
    [(2, [("few queries", "all")]), (7, [("few queries", "")]), (12, [])],
)
def test_windows_with_too_few_queries_are_refused(rounds, found):
    _, findings = stress_window.steady_window(closed_loop(1, rounds), 1)
    assert [kind for kind in kinds(findings) if kind[0] == "few queries"] == found


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("ttft", [0.2, 0.5, 1.0, 5.0])
@pytest.mark.parametrize("tokens", [101, 300, 4500])
def test_requests_in_step_are_steady_and_the_least_rounds_are_enough(concurrency, ttft, tokens):
    # a slow server gets three rounds a window; all its prefills come at once
    requests = closed_loop(concurrency, 3, ttft=ttft, gap=0.011, tokens=tokens)
    _, findings = stress_window.steady_window(requests, concurrency)
    few = [("few queries", "")] if concurrency == 1 else []
    assert kinds(findings) == few


def test_window_of_more_prefills_than_queries_is_remarked():
    # it ends with the second wave, of which five have answered while five of the first still do
    quick = [record(0.0, 5.0, 0.05, 101)] * 5 + [record(10.0, 1.0, 0.05, 101)] * 5
    slow = [record(0.0, 5.0, 0.15, 101)] * 5
    window, findings = stress_window.steady_window(stress_plan.requests_of(quick + slow), 10)
    assert window == near(NOON, NOON + 16)
    (told,) = [finding for finding in findings if finding.kind == "prefills"]
    queries = 10 + 5 * (1 + 100 * 11 / 15) / 101
    assert told.refuses == ""
    assert told.message.startswith(f"the window holds 15 prefills for {queries:.1f} queries' worth")


def test_a_first_token_at_the_end_of_a_window_is_of_the_next():
    requests = stress_plan.requests_of([record(0.0, 0.5, 0.01, 101), record(1.5, 0.5, 0.01, 101)])
    first, second = requests["first_token_s"]
    assert stress_window._check_prefills(requests, first, second) == []


def test_work_spreads_a_request_over_its_whole_time():
    requests = closed_loop(concurrency=1, rounds=2)
    assert stress_window.work_between(requests, NOON, NOON + 3) == pytest.approx(202)
    assert stress_window.work_between(requests, NOON + 0.75, NOON + 1.5) == pytest.approx(50.5)


def test_requests_without_duration_leave_no_window_and_no_crash():
    at_once = stress_plan.requests_of([record(0, 0.0, 0.0, 1)] * 2)
    assert stress_window.full_load(at_once, 1) is None
    assert stress_window.work_between(at_once, NOON - 1, NOON + 1) == 0


def test_empty_answers_are_no_queries():
    """A cell whose answers are all empty is refused, in silence."""
    empty = stress_plan.requests_of([record(n, 0.1, 0.0, 0) for n in range(9)])
    with np.errstate(all="raise"):
        window, findings = stress_window.steady_window(empty, 1)
    assert window is not None
    assert ("few queries", "all") in kinds(findings)


def after_another(latencies):
    """Queries of 101 tokens one after the other, by how long each takes [s]."""
    starts = np.cumsum([0, *latencies[:-1]])
    lines = [
        record(start, 0.0, time / 100, 101) for start, time in zip(starts, latencies, strict=True)
    ]
    return stress_plan.requests_of(lines)


def test_one_slow_query_of_few_is_no_warm_up():
    # a steady server whose latencies spread by 10 % of their median
    refused = []
    for seed in range(40):
        latencies = 60 * np.exp(0.1 * np.random.default_rng(seed).normal(size=4))
        window, findings = stress_window.steady_window(after_another(latencies), 1)
        assert window[0] == near(NOON)
        refused += [finding for finding in findings if finding.refuses]
    assert {finding.kind for finding in refused} <= {"not steady"}
    assert len(refused) <= 4


def test_a_warm_up_among_few_queries_is_refused_as_not_steady():
    _, findings = stress_window.steady_window(after_another([120, 60, 60, 60]), 1)
    assert ("not steady", "all") in kinds(findings)


LENGTHEN = "lengthen it (window, rounds)"


def test_the_cut_leaves_the_mean_with_the_least_error_and_half_of_the_slices():
    rates = {(9, 1, 1, 1, 1): 1, (9, 9, 1, 1): 2, (9, 9, 9, 1): 0, (9, 9, 9, 1, 1): 0, (1, 1): 0}
    assert {each: stress_window.truncation(each) for each in rates} == rates


def test_full_load_is_of_as_many_as_are_asked_for_and_ends_after_the_last_start():
    # the last starts as the first ends
    lines = [record(0.0, 0.5, 0.01, 51), record(0.25, 1.0, 0.01, 76), record(1.0, 0.5, 0.01, 51)]
    requests = stress_plan.requests_of(lines)
    assert stress_window.full_load(requests, 3) == near(NOON + 1, NOON + 2)
    assert stress_window.full_load(requests, 2) == near(NOON + 0.25, NOON + 2)
    assert stress_window.full_load(requests, 4) is None
    _, (finding,) = stress_window.steady_window(requests, 4)
    assert finding == stress_plan.Finding(
        "load",
        "all",
        "4 requests were never in flight at once: raise the window, or lower the concurrency to"
        " what the server takes",
    )


def test_a_first_token_counts_from_its_moment_and_not_at_the_end():
    requests = stress_plan.requests_of([record(0.0, 0.5, 0.01, 101)])
    first, end = requests.loc[0, ["first_token_s", "end_s"]]
    assert stress_window.tokens_between(requests, first, end) == pytest.approx(101)
    assert stress_window.tokens_between(requests, first, first) == 0
    assert stress_window.tokens_between(requests, NOON, first) == 0
    half = stress_window.tokens_between(requests, NOON, (first + end) / 2)
    assert half == pytest.approx(1 + 50)


def test_only_what_is_delivered_counts_and_an_answer_of_no_time_at_its_moment():
    lines = [record(0.0, 0.0, 0.0, 5), record(0.0, 0.5, 0.0, 1), record(0.0, 0.5, 0.01, 0)]
    lines += [record(0.0, 0.5, 0.01, 51, error={"code": 500, "type": "x"})]
    requests = stress_plan.requests_of(lines)
    assert list(stress_window._delivered(requests).index) == [0, 1]
    failed = requests.assign(output_tokens=9.0)
    assert list(stress_window._delivered(failed).index) == [0, 1, 2]
    assert stress_window.tokens_between(requests, NOON, NOON + 1) == pytest.approx(6)
    assert stress_window.tokens_between(requests, NOON - 1, NOON) == 0
    assert stress_window.work_between(requests, NOON, NOON + 0.25) == pytest.approx(0.5)


def test_a_cut_may_leave_half_of_the_tokens():
    assert stress_window._check_cut(50.0, 100.0) == []
    assert stress_window._check_cut(49.0, 100.0) == [
        stress_plan.Finding(
            "warm-up",
            "all",
            "only 49 of 100 tokens are left after the warm-up is cut: lengthen the window (window,"
            " rounds)",
        )
    ]


@pytest.mark.parametrize(
    ("rates", "times", "refuses"),
    [
        ([4, 5], None, None),
        ([4, 4, 6], None, None),
        ([4, 3], None, None),
        ([4, 5.5], "1.38", ""),
        ([4, 6], "1.50", ""),
        ([4, 2], "0.50", ""),
        ([4, 7], "1.75", "all"),
        ([0.5, 0.75, 2], "2.75", "all"),
        ([0, 1], "inf", "all"),
    ],
)
def test_a_rate_may_differ_between_the_halves_by_what_is_allowed(
    monkeypatch, rates, times, refuses
):
    monkeypatch.setattr(stress_window, "STEADY_TOLERANCE", 0.25)
    monkeypatch.setattr(stress_window, "DRIFT_LIMIT", 0.5)
    told = f"the token rate of the second half is {times} times that of the first: lengthen the"
    found = [stress_plan.Finding("not steady", refuses, f"{told} window, or look for other load")]
    assert stress_window._check_drift(np.array(rates, float)) == (found if times else [])


@pytest.mark.parametrize(
    ("queries", "refuses"), [(10, None), (9.9, ""), (3, ""), (2.9, "all"), (0, "all")]
)
def test_queries_of_a_window_are_counted_by_their_mean_length(queries, refuses):
    requests = stress_plan.requests_of([record(0.0, 0.5, 0.01, 50), record(9.0, 0.5, 0.01, 150)])
    told = f"the window holds {queries:.1f} queries: one more or less decides; {LENGTHEN}"
    found = [stress_plan.Finding("few queries", refuses, told)] if refuses is not None else []
    assert stress_window._check_count(requests, 100 * queries) == found


def test_prefills_may_differ_from_queries_by_what_is_allowed(monkeypatch):
    monkeypatch.setattr(stress_window, "STEADY_TOLERANCE", 1.0)
    lines = [record(0.0, 1.0, 0.01, 101), record(0.0, 0.25, 0.0, 101)]
    requests = stress_plan.requests_of(lines)
    first = requests.loc[0, "first_token_s"]
    # of the answer in one piece nobody saw when its prefill ended: one prefill, half a query
    assert stress_window._check_prefills(requests, NOON, first + 49.5 / 100) == []
    assert stress_window._check_prefills(requests, NOON, first + 0.25) == [
        stress_plan.Finding(
            "prefills",
            "",
            "the window holds 1 prefills for 0.3 queries' worth of tokens, and the energy of a"
            f" query that of as many: {LENGTHEN}",
        )
    ]
    assert stress_window._check_prefills(requests, NOON, first) == []


@pytest.mark.parametrize(
    ("cut", "early", "later", "is_cut"),
    [
        (0, 100, 100, False),
        (1, 50, 100, True),
        (9, 50, 100, True),
        (10, 50, 100, False),
        # as steady as is allowed, and a little less
        (1, 100, 100, False),
        (1, 125, 100, False),
        (1, 75, 100, False),
        (1, 126, 100, True),
        # ten queries of 101 tokens, and fewer
        (1, 60, 50, False),
        (1, 155, 45, True),
        (1, 154, 45, False),
        # nothing after it
        (1, 2000, 0, False),
        (1, 2000, 0.5, True),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_warm_up_is_cut_that_is_short_and_not_steady(monkeypatch, cut, early, later, is_cut):
    rates = iter([early] * cut + [later] * (stress_plan.SLICES - cut))
    monkeypatch.setattr(stress_window, "STEADY_TOLERANCE", 0.25)
    monkeypatch.setattr(stress_window, "truncation", lambda rates: cut)
    monkeypatch.setattr(stress_window, "work_between", lambda requests, start, end: next(rates))
    requests = closed_loop(1, 12)
    start, end = stress_window.full_load(requests, 1)
    (found, until), _ = stress_window.steady_window(requests, 1)
    expected = start + (end - start) * cut / stress_plan.SLICES * is_cut
    assert (found, until) == near(expected, end)
    assert list(rates) == []


def test_answers_of_one_token_are_queries():
    requests = stress_plan.requests_of([record(n, 0.5, 0.01, 1) for n in range(3)])
    assert stress_window._check_count(requests, 10.0) == []
