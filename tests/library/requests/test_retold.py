"""Rows that tell of one request again are told where no id says so, and chance does not."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from inference_energy.requests import retold
from inference_energy.requests.duplicates import REPEATS, SHARED
from inference_energy.requests.retold import HOPS, STATES

BEGUN = datetime(2025, 1, 1, 10)
SAME = "same in all cells"


def write(path, rows, header="start,end,model,input_tokens,output_tokens"):
    """Write rows of start and end [s after ten o'clock], and what else a row has."""
    lines = [
        ",".join(
            [*(str(BEGUN + timedelta(seconds=round(t, 6))) for t in (start, end)), *map(str, rest)]
        )
        for start, end, *rest in rows
    ]
    path.write_text("\n".join([header, *lines, ""]))
    return path


def requests(count=200, rate=2.0, seed=3, inputs=(50, 900), outputs=(20, 2000), digits=3):
    """Requests of lengths within bounds at random times: start, end, model, input and output."""
    random = np.random.default_rng(seed)
    starts = np.round(np.sort(random.uniform(0, count / rate, count)), digits)
    first, second = (random.integers(*ends, count, endpoint=True) for ends in (inputs, outputs))
    lasted = np.round(0.02 * second + random.exponential(0.5, count), digits)
    return [
        (float(s), float(s + d), "a", int(i), int(o))
        for s, d, i, o in zip(starts, lasted, first, second, strict=True)
    ]


def states(rows, count=5):
    """Each request in so many rows, as a stream that is logged while it goes on."""
    return [
        (start, start + (end - start) * k / count, model, i, max(o * k // count, k))
        for start, end, model, i, o in rows
        for k in range(1, count + 1)
    ]


def hops(rows, later=0.004, longer=-0.001, model="a"):
    """Each request as two hops log it."""
    return [
        each
        for start, end, own, i, o in rows
        for each in (
            (start, end, own, i, o),
            (start + later, end + later + longer, model, i, o),
        )
    ]


@pytest.fixture
def told(tmp_path, count, kinds):
    """Rows of either kind that a log is told to have, whatever its parts."""

    def found(rows, parts=(1, 2), repeated=(), **known):
        path = write(tmp_path / "log.csv", rows, **known)
        tables = [count(path, n, repeated=repeated) for n in parts]
        (one,) = {tuple(kinds(each).get(k, 0) for k in (STATES, HOPS)) for each in tables}
        return one

    return found


def test_rows_of_a_stream_without_ids_are_told(told):
    """Five rows of each of 600 requests were charged as 3,000 in silence: 1.62 kWh for 541 Wh."""
    assert told(states(requests())) == (800, 0)
    assert told(states(requests(), 2)) == (200, 0)
    assert told(requests()) == (0, 0)


def test_some_requests_that_are_streamed_are_told_from_a_share_on(told, monkeypatch):
    own = requests(400)
    logged = states(own[:20], 2) + own[20:]
    assert told(logged) == (0, 0)
    monkeypatch.setattr(retold, "LEAST_STATES", 20 / 420)
    assert told(logged) == (20, 0)


def test_states_are_told_in_any_order_and_of_parts_apart(told, tmp_path, count, kinds):
    rows = states(requests())
    np.random.default_rng(1).shuffle(rows)
    assert told(rows) == (800, 0)
    folder = tmp_path / "log"
    folder.mkdir()
    for n in range(2):
        write(folder / f"{n}.csv", rows[n::2])
    assert kinds(count(folder, 2))[STATES] == 800


def test_requests_that_start_together_are_no_states(told):
    # of one input in the same second or hundredth, of others in the same ms, of one length
    for digits in (0, 2):
        rows = [(round(s, digits), e + 1, *rest) for s, e, *rest in states(requests(), 4)]
        assert told(rows) == (0, 0), digits
    own = requests(2_000)
    together = [
        (round(10.001 + n // 5, 3), 90 + o / 50, m, i, o) for n, (*_, m, i, o) in enumerate(own)
    ]
    assert told(together) == (0, 0)
    fixed = [(start, end, model, 512, o) for start, end, model, _, o in together]
    assert told(fixed) == (0, 0)


@pytest.mark.parametrize("inputs", [(50, 900), (50, 60), (50, 50)])
@pytest.mark.parametrize("outputs", [(20, 2000), (1, 3)])
def test_thousands_of_requests_a_second_are_neither(told, inputs, outputs):
    assert told(requests(6_000, 4_000.0, 5, inputs, outputs), (1,)) == (0, 0)


def test_states_end_later_the_more_output_they_have(told):
    rows = states(requests())
    assert told([(s, s + 30 - (e - s) / 2, *rest) for s, e, *rest in rows]) == (0, 0)
    # ends of a batch, all at once
    assert told([(s, s + 300, *rest) for s, _, *rest in rows]) == (0, 0)


def test_names_that_differ_are_other_requests(told):
    rows = states(requests(), 2)
    apart = [(s, e, f"{m}{n % 2}", i, o) for n, (s, e, m, i, o) in enumerate(rows)]
    assert told(apart) == (0, 0)


NAMED = "start,end,model,input_tokens,output_tokens,id"


def test_ids_of_rows_hide_no_states_and_those_of_requests_tell_them_apart(told):
    """Events of a stream with an id each: 600 requests of five rows were 1.87 kWh for a third."""
    rows = [(*row, f"r{n}") for n, row in enumerate(states(requests()))]
    assert told(rows, header=NAMED) == (800, 0)
    # ids of which one is of two rows are of requests, or of sessions; a bare row has none
    bare = [(*row[:-1], "") for row in rows]
    for kind in retold.REPEATED:
        assert told(rows, header=NAMED, repeated=[kind]) == (0, 0)
        assert told(bare, header=NAMED, repeated=[kind]) == (800, 0)
    assert told(rows, header=NAMED, repeated=["duplicate"]) == (800, 0)


def test_kinds_of_repeated_ids_are_those_that_are_counted():
    assert {*retold.REPEATED} == {*REPEATS, SHARED} - {"duplicate"}


@pytest.mark.parametrize(("later", "longer"), [(0.004, -0.001), (0.3, 0.3), (0.04, -0.08)])
def test_hops_of_a_gateway_are_told_by_their_times(told, later, longer):
    """A second hop 4 ms later made 4.07 kWh of 3.05, in silence."""
    own = [row for row in requests() if row[0] % 10 < 9.6]
    assert told(hops(own, later, longer)) == (0, len(own))
    assert told(hops(own, later, longer, "gateway")) == (0, len(own))


def test_hops_are_further_apart_than_nothing_and_no_more_than_is_allowed(
    told, tmp_path, count, kinds
):
    own = [row for row in requests() if row[0] % 10 < 9.6]
    assert told(hops(own, 0.301, 0.0)) == (0, 0)
    assert told(hops(own, 0.0, 0.301)) == (0, 0)
    # what is the same is told as that
    assert told(hops(own, 0.0, 0.0)) == (0, 0)
    assert kinds(count(tmp_path / "log.csv"))[SAME] == len(own)


def test_hops_in_files_of_their_own_and_with_ids_are_told(tmp_path, count, kinds):
    header = "start,end,model,input_tokens,output_tokens,id"
    own = [row for row in requests() if row[0] % 10 < 9.6]
    folder = tmp_path / "log"
    folder.mkdir()
    for hop in range(2):
        rows = [(*row, f"{n}-{hop}") for n, row in enumerate(hops(own)[hop::2])]
        write(folder / f"{hop}.csv", rows, header)
    assert kinds(count(folder, 2))[HOPS] == len(own)
    assert kinds(count(folder, one_in=8)).get(HOPS, 0) % 8 == 0


def test_hops_of_some_requests_are_told_from_a_share_on(told):
    """Four of five requests logged again 5 to 30 ms later made 3.69 kWh of 2.05, in silence."""
    own = [row for row in requests(400) if row[0] % 10 < 9.6]
    # pairs are a twentieth of the rows, themselves among these
    least = -(-len(own) // 19)
    assert told(hops(own[: least - 1]) + own[least - 1 :]) == (0, 0)
    assert told(hops(own[:least]) + own[least:]) == (0, least)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_requests_of_one_length_in_a_part_of_a_log_are_no_hops(told, rate):
    """What other hours say of lengths does not hold there."""
    own = requests(1_000, rate, 4, (500, 500), (300, 300))
    later = own[-1][0] + 100
    others = [(s + later, e + later, *rest) for s, e, *rest in requests(40)]
    assert told(own + others, (1,)) == (0, 0)


def test_requests_that_begin_together_by_chance_of_the_same_lengths_are_no_hops(told):
    """Waves of 64 prompts, of few inputs, of which some answers are of one length."""
    random = np.random.default_rng(8)
    waves = [
        (30.0 * k, 30.0 * k + o / 50 + random.uniform(0, 0.2), "a", int(i), int(o))
        for k in range(40)
        for i, o in zip(
            random.choice([400, 640, 910], 64), random.integers(20, 200, 64), strict=True
        )
    ]
    assert told(waves, (1,)) == (0, 0)


def test_a_few_requests_that_are_sent_twice_are_no_hops(told):
    own = [row for row in requests(14, 0.5) if row[0] % 10 < 9.6]
    for number in (retold.LEAST_HOPS - 1, retold.LEAST_HOPS):
        assert told(hops(own[:number])) == (0, number * (number == retold.LEAST_HOPS))


def test_waves_of_requests_of_the_same_lengths_are_no_hops(told):
    """Of 128 at once that all begin and end together each has 127 others, not one."""
    wave = [
        (10.0 * k + 0.001 * n, 10.0 * k + 9, "a", 500, 300) for k in range(9) for n in range(128)
    ]
    assert told(wave) == (0, 0)
