"""Phases that a log's meters name."""

import pytest
from inference_energy.meters.phases import lacking
from library.meters.files import read, refusal
from library.meters.test_wholes import shares


@pytest.mark.parametrize(
    "meters",
    [
        ["L1"],
        ["l3"],
        ["phase_a"],
        ["Phase B"],
        ["PDU-A Phase L2"],
        ["rack L2"],
        ["ph3"],
        ["switch", "L1"],
        ["pdu1 L1", "pdu2 L1"],
    ],
)
def test_a_phase_alone_is_no_node(tmp_path, meters):
    """It was read as 2,164 W of 6,500 W, in silence."""
    text = shares(**{meter: (0.3, 10 * n, 20) for n, meter in enumerate(meters, 1)})
    told = refusal(tmp_path, text)
    assert "by its name one of 3 phases, and the log holds none of phase " in told
    assert "give the others too, or, if all of its power comes by this one, name the meter" in told


def test_two_phases_are_told(tmp_path):
    """They may be all that there is, or 4,330 W of 6,500 W."""
    with pytest.warns(UserWarning, match="L1, L3 are by their names two of 3 phases") as told:
        frame = read(tmp_path, shares(L1=(0.3, 0, 20), L3=(0.3, 0, 20)))
    assert "none of phase 2: the sum is of these alone" in str(told[0].message)
    assert frame.attrs["told"] == [str(told[0].message)]
    assert set(frame["meter"]) == {"L1", "L3"}


@pytest.mark.parametrize(
    "meters",
    [
        ["L1", "L2", "L3"],
        ["phase_a", "phase_b", "phase_c"],
        ["node1 L1", "node2 L2", "node3 L3"],
        ["L1", "L2", "L4"],
        ["L0", "L1"],
        ["l40"],
        ["rail1"],
        ["model1"],
        ["a"],
        ["phase"],
        ["phases"],
        ["L"],
        ["feed b"],
        ["node"],
    ],
)
def test_other_names_are_no_sign(tmp_path, meters):
    assert lacking(meters) == ("", "")
    text = shares(**{meter: (0.3, 10 * n, 20) for n, meter in enumerate(meters, 1)})
    assert "told" not in read(tmp_path, text).attrs


def test_gpus_have_no_phases(tmp_path):
    assert set(read(tmp_path, shares(L1=(0.1, 0, 2)), "gpu")["meter"]) == {"L1"}
