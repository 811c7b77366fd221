"""Meters of a log that are no power of their own."""

import numpy as np
import pytest
from inference_energy.meters.wholes import apart, courses_of, names
from library.meters.files import read, refusal
from library.meters.test_compare import of_meters

RANDOM = np.random.default_rng(7)
LOAD = np.where(np.arange(300) % 200 < 150, 6500.0, 2000.0) + RANDOM.normal(0, 30, 300)
"""A node that is at work for a while. [W]"""


def shares(**meters):
    """Text of a table of meters that read a share of the load, and some watts, and noise."""
    return of_meters(
        **{
            name: (share * LOAD + watts + RANDOM.normal(0, noise, 300)).round()
            for name, (share, watts, noise) in meters.items()
        }
    )


@pytest.mark.parametrize(
    ("wholes", "parts"),
    [
        ({"feed": (1.04, 120, 2)}, {"node1": (0.5, 0, 2), "node2": (0.5, 0, 2)}),
        ({"total": (1.03, 140, 2)}, {"a": (0.5, 0, 2), "b": (0.5, 0, 2)}),
        ({"rack 3": (1.03, 40, 2)}, {"pdu_a": (0.5, 0, 5), "pdu_b": (0.5, 0, 5)}),
        ({"mains": (1.05, 60, 0)}, {"server": (1, 0, 0)}),
        ({"pdu": (1.04, 30, 0)}, {"bmc": (1, 0, 0)}),
        ({"wall": (1.04, 30, 0)}, {"ipmi": (1, 0, 0)}),
        ({"Sys_Power": (1, 0, 0)}, {"CPU_Power": (0.1, 0, 0), "GPU_Power": (0.7, 0, 0)}),
        ({"node": (1, 0, 0)}, {"gpus": (0.7, 0, 0), "cpus": (0.1, 0, 0)}),
        ({"node1": (1, 0, 0)}, {"node1_gpu0": (0.3, 0, 9), "node1_gpu1": (0.3, 0, 9)}),
        ({"house": (1, 900, 20)}, {"plug": (1, 0, 0)}),
    ],
)
@pytest.mark.parametrize("constant", [False, True])
def test_a_whole_beside_its_parts_is_told_by_their_names(tmp_path, wholes, parts, constant):
    """6,500 W of a node were 13,300 W."""
    meters = wholes | parts
    text = shares(**meters)
    if constant:
        even = {
            name: np.full(300, 6500 * share + watts) for name, (share, watts, _) in meters.items()
        }
        text = of_meters(**even)
    told = refusal(tmp_path, text)
    assert all(name in told for name in meters)
    assert "the same power would count twice" in told or "it would count twice" in told


def test_a_whole_of_any_name_is_told_by_its_course(tmp_path):
    parts = {name: LOAD / 3 + RANDOM.normal(0, 20, 300) for name in ("u1", "u2", "u3")}
    whole = 1.05 * sum(parts.values()) + 100
    told = refusal(tmp_path, of_meters(x=whole.round(), **{k: v.round() for k, v in parts.items()}))
    assert "x follows the sum of u1, u2, u3 from each reading to the next" in told
    assert "less losses, would count twice; leave one side out" in told


@pytest.mark.parametrize(
    "meters",
    [
        {"node1": (1, 0, 40), "switch": (0, 180, 1)},
        {"node": (1, 0, 40), "switch_plug": (0, 180, 1)},
        {"psu1": (1, 0, 40), "psu2": (0, 21, 2)},
        {"psu1": (0.5, 0, 3), "psu2": (0.5, 0, 3)},
        {f"psu{n}": (1 / 6, 0, 8) for n in range(6)},
        {f"phase_{n}": (1 / 3, 0, 15) for n in "abc"},
        {"gpu-node1": (1, 0, 30), "gpu-node2": (1, 0, 30), "cpu-node1": (0.3, 0, 30)},
        {"rack1-node1": (1, 0, 30), "rack1-node2": (0.9, 0, 30)},
        {"node2": (1, 0, 30), "node1_gpu0": (0.3, 0, 30), "node1_gpu1": (0.3, 0, 30)},
        {"node2": (0.9, 0, 30), "node1_psu0": (0.47, 0, 30), "node1_psu1": (0.47, 0, 30)},
        # at work on one load, each with its own noise
        {"big": (1, 0, 40), "old": (0.47, 0, 40), "older": (0.46, 0, 40)},
    ],
)
def test_meters_that_are_apart_are_read(tmp_path, meters):
    assert len(read(tmp_path, shares(**meters))) == 300 * len(meters)


@pytest.mark.parametrize("name", ["power_limit", "node_budget", "node VA", "apparent_power", "cap"])
@pytest.mark.parametrize("scope", ["node", "gpu"])
def test_what_is_no_power_is_told_by_its_name(tmp_path, name, scope):
    text = of_meters(x=(LOAD / 10).round(), **{name: np.full(300, 1020.0)})
    told = refusal(tmp_path, text, scope)
    assert f"{name} is by its name no power that is drawn: leave it out" in told


@pytest.mark.parametrize("name", ["average", "node_avg", "node peak", "Max"])
def test_a_statistic_beside_a_power_is_told_by_its_name(tmp_path, name):
    told = refusal(tmp_path, shares(x=(1, 0, 9), **{name: (0.98, 50, 30)}))
    assert f"{name} is by its name a statistic of a power" in told
    # alone it may be the mean of a minute
    assert len(read(tmp_path, shares(**{name: (0.98, 50, 30)}))) == 300


def test_the_name_of_a_part_holds_that_of_its_whole():
    assert names("node1_gpu0", "Node1") and names("rack1-node 1-psu2", "node1")
    assert not names("node10_gpu0", "node1") and not names("gpu0", "node1")


def nodes(*names):
    """Text of a table of nodes on one load, each with its own noise."""
    even = np.where(LOAD > 4000, 6500.0, 2000.0)
    return of_meters(**{name: (even + RANDOM.normal(0, 30, 300)).round() for name in names})


@pytest.mark.parametrize(
    "meters",
    [
        ("peak-01", "peak-02"),
        ("node va-01", "node va-02"),
        ("va", "ny"),
        ("node-ac", "node-dc"),
        ("ai-in-1", "ai-out-1"),
        ("primary node", "secondary node"),
    ],
)
def test_names_of_nodes_that_go_their_own_ways_are_no_sign(tmp_path, meters):
    """Two nodes on one load were refused by what their names say besides."""
    assert len(read(tmp_path, nodes(*meters))) == 600
    if "peak-01" in meters:
        return
    # one that follows the other, at once or some readings later, and what tells too little
    for late in (0, 1, 5):
        after = np.roll(0.95 * LOAD, late) + RANDOM.normal(0, 5, 300)
        assert meters[0] in refusal(
            tmp_path, of_meters(**dict(zip(meters, (LOAD, after), strict=True)))
        )
    own = dict.fromkeys(meters, LOAD[:90]) | {meters[1]: LOAD[90:150].repeat(2)[:90] * 0.96}
    assert meters[0] in refusal(tmp_path, of_meters(**own))


@pytest.mark.parametrize(
    "meters",
    [
        ("cap01", "node2"),
        ("max-node", "min-node"),
        ("server1", "pdu-fans"),
        ("node", "cpu-fan"),
        ("ups-lab", "node 7"),
    ],
)
def test_no_name_refuses_what_the_readings_contradict(tmp_path, meters):
    """Two devices that go up and down each by itself were refused by words in their names."""
    assert len(read(tmp_path, nodes(*meters))) == 600
    after = 0.95 * LOAD + RANDOM.normal(0, 5, 300)
    told = refusal(tmp_path, of_meters(**dict(zip(meters, (LOAD, after), strict=True))))
    assert any(meter in told for meter in meters)


@pytest.mark.parametrize("window", [3, 10, 60])
@pytest.mark.parametrize("names", [("max", "min"), ("node_avg", "node"), ("peak-01", "node")])
def test_statistics_of_one_power_are_told_among_themselves(tmp_path, names, window):
    """Those of one power are in the order that their names say, and a mean follows the power."""
    of = {"max": np.max, "peak-01": np.max, "min": np.min, "node_avg": np.mean}
    windows = np.lib.stride_tricks.sliding_window_view(LOAD, window)
    read_as = {name: of[name](windows, axis=1) if name in of else windows[:, -1] for name in names}
    told = refusal(tmp_path, of_meters(**read_as))
    assert "is by its name a statistic of a power that the log holds besides" in told


@pytest.mark.parametrize("noise", [0.5, 2, 5])
def test_a_part_that_changes_little_beside_its_whole_is_told_by_its_name(tmp_path, noise):
    """What is in a whole goes up and down by itself, too, and not all of it can be seen there."""
    part = 300 + RANDOM.normal(0, noise, 300)
    whole = LOAD + part
    assert "a whole and its parts" in refusal(
        tmp_path, of_meters(**{"node": whole.round(1), "cpu-fan": part.round(1)})
    )


@pytest.mark.parametrize("gpus", [2, 8])
def test_parts_of_their_own_noise_are_in_their_whole(tmp_path, gpus):
    parts = {f"gpu{n}": 0.1 * LOAD + RANDOM.normal(0, 9, 300) for n in range(gpus)}
    whole = sum(parts.values()) + 800 + RANDOM.normal(0, 20, 300)
    assert "a whole and its parts" in refusal(
        tmp_path, of_meters(node=whole.round(), **{k: v.round() for k, v in parts.items()})
    )


def test_meters_are_apart_where_their_readings_say_so(tmp_path):
    courses = courses_of(read(tmp_path, nodes("a", "b")))
    assert apart(courses, "a", "b")
    assert not apart(courses, "a", "a") and not apart(courses, "a", "c")
    # read at other times
    times, power = courses["b"]
    assert not apart({**courses, "b": (times + 0.5, power)}, "a", "b")
    # too few, or none that changes
    assert not apart({m: (t[:50], p[:50]) for m, (t, p) in courses.items()}, "a", "b")
    assert not apart({**courses, "b": (times, np.full(300, 5.0))}, "a", "b")
    assert not apart({m: (t[:4], p[:4]) for m, (t, p) in courses.items()}, "a", "b")
