"""Where fits that must not see a part of the rows start from."""

from inference_energy.laws.left_out import FEWEST, GROUPS, starts


def test_no_start_has_seen_the_part_that_is_left_out():
    parts, made = [f"part {k}" for k in range(FEWEST)], []

    def fit(group):
        made.append(set(parts) - set(group))
        return made[-1]

    found = starts(parts, fit)
    assert sorted(found) == sorted(parts)
    for part, seen in found.items():
        assert part not in seen
        assert len(seen) >= len(parts) / 2
    assert len(made) == GROUPS


def test_few_parts_have_no_start():
    assert starts(list(range(FEWEST - 1)), lambda group: 1 / 0) == {}
