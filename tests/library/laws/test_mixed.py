"""Fit of a sum of parts whose factors groups of rows share."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.laws import mixed
from inference_energy.laws.mixed import SCATTER, Rows, Structure, fit, time_of
from inference_energy.laws.shared_fits import FOLDER
from inference_energy.laws.spreads import renewed

STRUCTURE = Structure(
    median=np.log([1.0, 1.0]),
    spread=np.array([1.0, 1.0]),
    moves=np.array([[1.0, 0.0], [1.0, 1.0]]),
    levels=((np.array([0, 1]), np.array([0.3, 0.3])), (np.array([0]), np.array([0.1]))),
    own=(np.array([0]), np.array([0.05])),
    along=np.array([0.1]),
    hidden=np.array([False, False]),
)

SLOPE = 0.15


@pytest.fixture
def made():
    """Parts, time and places of rows that known factors and deviations made."""
    random = np.random.default_rng(1)
    own = np.repeat(np.arange(24), 5)
    groups = np.stack([own % 6, own % 4], axis=1)
    parts = random.uniform(0.2, 2.0, (len(own), 2))
    shared = np.log([2.0, 0.5])
    by_group = 0.3 * random.standard_normal((6, 2))
    deviation = by_group[groups[:, 0]]
    factors = shared + deviation @ STRUCTURE.moves.T
    time, _ = time_of(parts * np.exp(factors), STRUCTURE.hidden)
    noise = 0.02 * random.standard_normal(len(own))
    along = random.uniform(-1, 1, (len(own), 1))
    drift = SLOPE * np.where(own % 2, 1, -1) * along[:, 0]
    return parts, time + drift + noise, Rows(STRUCTURE, groups, own, along), factors


def kinds(rows):
    return np.zeros(len(rows.own), int)


def test_the_logarithm_of_a_sum_by_hand():
    none = np.array([False, False])
    total, share = time_of(np.array([[2.0, 3.0]]), none)
    assert total == pytest.approx(np.log(5.0))
    np.testing.assert_allclose(share, [[0.4, 0.6]])
    # a part that is absent has no share
    total, share = time_of(np.array([[1.0, 0.0]]), none)
    assert (total[0], *share[0]) == (0, 1, 0)
    # times whose squares no number can be
    total, share = time_of(np.array([[1e-200, 3e-200], [1e200, 3e200]]), none)
    np.testing.assert_allclose(total, np.log([4e-200, 4e200]))
    np.testing.assert_allclose(share, [[0.25, 0.75]] * 2)


HIDDEN = np.array([False, True, False])


def test_a_hidden_part_takes_what_is_longer_by_hand():
    # (1 + 1)^2 + 2^2 = 8
    total, share = time_of(np.array([[1.0, 2.0, 1.0]]), HIDDEN)
    assert total[0] == pytest.approx(np.log(8) / 2)
    np.testing.assert_allclose(share, [[0.25, 0.5, 0.25]])
    for parts, longer in (([1.0, 100.0, 1.0], 100.0), ([50.0, 1.0, 50.0], 100.0)):
        total, share = time_of(np.array(parts), HIDDEN)
        assert np.exp(total) == pytest.approx(longer, rel=1e-3)
        assert share.sum() == pytest.approx(1)
    # without a hidden part, or with nothing else, a sum as ever
    for parts in ([1.0, 0.0, 3.0], [0.0, 4.0, 0.0]):
        total, share = time_of(np.array(parts), HIDDEN)
        assert np.exp(total) == pytest.approx(4.0)
        np.testing.assert_allclose(share, np.array(parts) / 4)


@pytest.mark.parametrize("hidden", [HIDDEN, ~HIDDEN, np.zeros(3, bool)], ids=str)
def test_shares_are_the_change_of_the_time_and_sum_to_one(hidden):
    random = np.random.default_rng(4)
    logs, step = random.normal(size=(20, 3)), 1e-6
    _, share = time_of(np.exp(logs), hidden)
    np.testing.assert_allclose(share.sum(axis=-1), 1)
    for part, unit in enumerate(np.eye(3)):
        above, below = (time_of(np.exp(logs + sign * step * unit), hidden)[0] for sign in (1, -1))
        np.testing.assert_allclose(share[:, part], (above - below) / (2 * step), atol=1e-8)


def test_factors_of_hidden_parts_are_found(made):
    """Where either is the longer, rows tell both; the fit follows the times that they make."""
    parts, _, rows, factors = made
    structure = replace(STRUCTURE, hidden=np.array([False, True]))
    time, _ = time_of(parts * np.exp(factors), structure.hidden)
    found = fit(parts, time, replace(rows, structure=structure), kinds(rows))
    for k in (0, 7, 23):
        mean, covariance = found.of(rows.groups[rows.own == k][0], k)
        expected = factors[np.flatnonzero(rows.own == k)[0]]
        assert (np.abs(mean[:2] - expected) < 3 * np.sqrt(np.diag(covariance))[:2]).all()


def test_the_factors_of_every_configuration_are_found(made):
    parts, time, rows, factors = made
    found = fit(parts, time, rows, kinds(rows))
    for k in (0, 7, 23):
        row = np.flatnonzero(rows.own == k)[0]
        mean, covariance = found.of(rows.groups[row], k)
        sd = np.sqrt(np.diag(covariance))
        expected = [*factors[row], SLOPE if k % 2 else -SLOPE]
        assert (np.abs(mean - expected) < 3 * sd).all()
        assert (sd < 0.2).all()
    assert found.scatter[0] == pytest.approx(0.02, rel=0.5)


def test_groups_are_eliminated_exactly(made):
    """Against the dense matrix: solution, and inverse wherever a row can have both values."""
    _, _, rows, _ = made
    nested = replace(rows, groups=np.stack([rows.own % 3, rows.own % 6], axis=1))
    for one, first, tops in ((rows, 1, 6), (nested, 0, 1)):
        assert (one.nested, len(one._tops[0])) == (first, tops)
        random = np.random.default_rng(3)
        wide = random.standard_normal((one.count, 4, 9))
        by_own = wide @ wide.transpose(0, 2, 1)
        precision = random.uniform(1, 2, int(one.offsets[-1]))
        vector = random.standard_normal(len(precision))
        dense = np.diag(precision)
        for values, cell in zip(one.columns, by_own, strict=True):
            dense[np.ix_(values, values)] += cell[np.ix_(one.features, one.features)]
        solved = mixed._solve(
            *one.matrices(by_own[:, :2, :2].sum(axis=0), by_own[:, 2:]), precision, vector, one
        )
        np.testing.assert_allclose(solved.solution, np.linalg.solve(dense, vector), atol=1e-12)
        inverse = np.linalg.inv(dense)
        in_blocks = solved.in_blocks(one)
        np.testing.assert_allclose(solved.variance(one, in_blocks), np.diag(inverse), atol=1e-12)
        seen = one.seen_covariance(solved.top, in_blocks)
        for values, of_features in zip(one.columns, seen, strict=True):
            both = np.ix_(values, values)
            found = solved.covariance(one, values)
            np.testing.assert_allclose(found, inverse[both], atol=1e-12)
            sums = np.eye(one.features.max() + 1)[one.features].T
            expected = sums @ inverse[both] @ sums.T
            np.testing.assert_allclose(of_features, expected[2:], atol=1e-12)


def test_a_matrix_that_is_no_covariance_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match=r"^matrix of the normal .* positive definite$"):
        mixed._inverse(-np.eye(2))


RICH = Structure(
    median=np.log([1.0, 1.5, 0.5]),
    spread=np.array([1.0, 0.8, 0.6]),
    moves=np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
    levels=((np.array([0, 1]), np.array([0.3, 0.2])), (np.array([1]), np.array([0.4]))),
    own=(np.array([1]), np.array([0.15])),
    along=np.array([0.1, 0.25]),
    hidden=np.array([False, False, True]),
    normal=1,
)
"""Three parts, one of them hidden, and two covariates."""


def spread_out(rows, flat):
    """Factors and slopes w of every row, of all values and then of v and w, one after the other."""
    s, count = rows.structure, rows.count
    deviations = [d for d, _ in s.levels]
    sizes = [(g.max() + 1) * len(d) for g, d in zip(rows.groups.T, deviations, strict=True)]
    shared, *levels, own = np.split(flat, np.cumsum([len(s.median), *sizes]))
    moved = np.zeros((len(rows.own), s.moves.shape[1]))
    for values, group, d in zip(levels, rows.groups.T, deviations, strict=True):
        moved[:, d] += values.reshape(-1, len(d))[group]
    own = own.reshape(count, -1)[rows.own]
    moved[:, s.own[0]] += own[:, : len(s.own[0])]
    return shared + moved @ s.moves.T, own[:, len(s.own[0]) :]


def slopes(function, flat):
    units = 1e-5 * np.eye(len(flat))
    return np.stack([(function(flat + d) - function(flat - d)) / 2e-5 for d in units], axis=-1)


@pytest.mark.parametrize("by", [(6, 4), (3, 6)], ids=["crossed", "nested"])
def test_a_step_is_that_of_the_equations_in_one_matrix(by):
    """And so are the weights, spreads and scatter after it, and what is said of a configuration."""
    random = np.random.default_rng(7)
    own = np.repeat(np.arange(24), 5)
    kind, parts = own % 2, random.uniform(0.2, 2.0, (len(own), 3))
    time, _ = time_of(parts * np.exp(RICH.median), RICH.hidden)
    time += 0.1 * random.standard_normal(24)[own] + 0.05 * random.standard_normal(len(own))
    groups = np.stack([own % size for size in by], axis=1)
    rows = Rows(RICH, groups, own, random.uniform(-1, 1, (len(own), 2)))
    problem, size = mixed._Problem(parts, time, rows, kind), int(rows.offsets[-1])
    centre = np.zeros(size + 24 * 3)
    centre[:3] = RICH.median
    # what has one standard deviation
    of_level = np.concatenate([np.tile([0, 1], by[0]), np.full(by[1], 2)])
    alike = np.concatenate([of_level, np.tile([3, 4, 5], 24)])

    def error(flat):
        factors, along = spread_out(rows, flat)
        return (
            time_of(parts * np.exp(factors), RICH.hidden)[0]
            + (rows.along * along).sum(axis=1)
            - time
        )

    def flat(state):
        return np.concatenate([state.values, state.own.ravel()])

    def tails(state):
        return np.concatenate([state.tail, state.own_tail.ravel()])

    def equations(state):
        """Scale of the rows, precision of the priors and covariance of all."""
        scale, slope = state.weight / state.scatter[kind] ** 2, slopes(error, flat(state))
        drawn = tails(state) / state.spreads[alike] ** 2
        precision = np.concatenate([1 / RICH.spread**2, drawn])
        return scale, precision, np.linalg.inv(slope.T * scale @ slope + np.diag(precision))

    start = problem.start()
    np.testing.assert_array_equal(flat(start), centre)
    assert (start.spreads.tolist(), set(start.scatter)) == (RICH.spreads.tolist(), {SCATTER})
    ahead = vars(problem.renewed(problem.renewed(start)))
    state = mixed.State(**{k: x * random.uniform(0.5, 1.5, x.shape) for k, x in ahead.items()})
    here, (scale, precision, covariance) = flat(state), equations(state)
    pull = slopes(error, here).T @ (scale * error(here)) + precision * (here - centre)
    there = here - covariance @ pull
    step = problem.newton(state, *problem.predict(state.values, state.own))
    misfits = [scale @ error(x) ** 2 + precision @ (x - centre) ** 2 for x in (here, there)]
    assert misfits[1] < misfits[0]
    for x, misfit in zip((here, there), misfits, strict=True):
        values, v = x[:size], x[size:].reshape(24, 3)
        found = problem.misfit(step, problem.predict(values, v)[0], values, v)
        assert found == pytest.approx(misfit, rel=1e-6)

    after = problem.renewed(state)
    np.testing.assert_allclose(flat(after), there, atol=1e-7)
    slope, away, scatter = slopes(error, there), error(there), state.scatter[kind]
    variance = np.einsum("ij,jk,ik->i", slope, covariance, slope)
    weight = 5 / (4 + (away**2 + variance) / scatter**2)
    np.testing.assert_allclose(after.weight, weight, rtol=1e-6)
    drawn, of_drawn, sd = there[3:], np.diag(covariance)[3:], state.spreads[alike]
    tail = 5 / (4 + (drawn**2 + of_drawn) / sd**2)
    tail[: by[0] * 2] = 1
    np.testing.assert_allclose(tails(after), tail, rtol=1e-6)
    square, known = tail * drawn**2, 1 - tail * of_drawn / sd**2
    spreads = renewed(np.bincount(alike, square), np.bincount(alike, known), RICH.spreads, 10)
    np.testing.assert_allclose(after.spreads, spreads, rtol=1e-6)
    square, known = weight * away**2, 1 - weight * variance / scatter**2
    scatters = renewed(np.bincount(kind, square), np.bincount(kind, known), SCATTER, 20)
    np.testing.assert_allclose(after.scatter, scatters, rtol=1e-6)

    fitted = fit(parts, time, rows, kind)
    _, _, covariance = equations(fitted.state)
    for k in (0, 1, 23):

        def of(x, row=5 * k):
            return np.concatenate([each[row] for each in spread_out(rows, x)])

        mean, found = fitted.of(groups[5 * k], k)
        np.testing.assert_allclose(mean, of(flat(fitted.state)), rtol=1e-9)
        slope = slopes(of, centre)
        np.testing.assert_allclose(found, slope @ covariance @ slope.T, rtol=1e-5, atol=1e-9)
    # a fit that begins where one has ended is there, whatever the order of its rows
    order = random.permutation(len(own))
    mixed_up = replace(rows, groups=groups[order], own=own[order], along=rows.along[order])
    again = fit(parts[order], time[order], mixed_up, kind[order], 9, fitted.state)
    assert again.values == pytest.approx(fitted.values, abs=0.01)


@pytest.mark.parametrize(
    ("misfits", "length"),
    [([1.0, 1.0], 1.0), ([1.0, 2.0, 2.0, 0.5], 0.25), ([1.0] + [2.0] * 11, 2.0**-10)],
)
def test_a_step_is_halved_until_the_misfit_does_not_rise(made, monkeypatch, misfits, length):
    parts, time, rows, _ = made
    problem, told = mixed._Problem(parts, time, rows, kinds(rows)), iter(misfits)
    start = problem.start()
    step = problem.newton(start, *problem.predict(start.values, start.own))
    monkeypatch.setattr(mixed._Problem, "misfit", lambda *_: next(told))
    moved = problem.renewed(start).values - start.values
    np.testing.assert_allclose(moved, length * step.values, rtol=1e-9, atol=1e-15)


def test_a_group_that_is_not_in_the_fit_is_drawn(made):
    parts, time, rows, _ = made
    found = fit(parts, time, rows, kinds(rows))
    known, covariance = found.of(np.array([0, 0]), -1)
    mean, wider = found.of(np.array([-1, 0]), -1)
    assert np.abs(known - mean).max() > 0
    drawn = np.diag(wider - covariance)
    assert (drawn[:2] > 0).all()
    assert drawn[2] == pytest.approx(0)
    nobody, widest = found.of(np.array([-1, -1]), -1)
    np.testing.assert_allclose(nobody, [*found.values[:2], 0])
    # by hand: the shared factors' covariance and that of all that is drawn
    moves, ((_, first), (_, second)) = STRUCTURE.moves, found.structure.levels
    expected = found.covariance(np.arange(2)) + moves @ np.diag(first**2) @ moves.T
    own = found.structure.own[1]
    expected = expected + np.outer(moves[:, 0], moves[:, 0]) * (second**2 + own**2)
    np.testing.assert_allclose(widest[:2, :2], expected)
    assert widest[2, 2] == pytest.approx(found.structure.along[0] ** 2)
    assert not widest[2, :2].any()


def test_the_spreads_are_drawn_to_what_the_groups_show(made):
    parts, time, rows, _ = made
    wide = replace(STRUCTURE, along=np.array([1.0]))
    found = fit(parts, time, replace(rows, structure=wide), kinds(rows))
    again = fit(parts, time, rows, kinds(rows))
    # 24 configurations against the prior's 10
    assert again.structure.along[0] < found.structure.along[0] < 0.75
    assert 0.1 < again.structure.along[0] < 0.2
    assert again.structure.own[1][0] < 0.05


def test_the_further_a_row_is_the_less_sure_is_the_law(made):
    parts, time, rows, _ = made
    _, covariance = fit(parts, time, rows, kinds(rows)).of(rows.groups[0], 0)
    near, far = (np.array([0.5, 0.5, x]) for x in (1.0, 4.0))
    assert far @ covariance @ far > near @ covariance @ near


def test_a_misprint_does_not_bend_the_fit(made):
    parts, time, rows, _ = made
    wrong = time.copy()
    wrong[0] += 3.0
    mean, _ = fit(parts, wrong, rows, kinds(rows)).of(rows.groups[0], 0)
    straight, _ = fit(parts, time, rows, kinds(rows)).of(rows.groups[0], 0)
    assert np.abs(mean - straight).max() < 0.1


def test_what_is_odd_is_put_down_to_levels_that_may_be(made):
    """Two configurations of one group are slow: with Normal levels the group is not."""
    parts, time, rows, _ = made
    slow = time + np.where(rows.own % 12 == 0, 2.0, 0.0)
    normal = replace(rows, structure=replace(STRUCTURE, normal=2))
    found = fit(parts, slow, normal, kinds(rows))
    assert found.own[[0, 12], 0] == pytest.approx(2.0, abs=0.2)
    for level in (0, 1):
        assert np.abs(found.values[found.places(level, np.array([0]))][0, 0]) < 0.5


def test_every_kind_of_row_has_a_scatter_of_its_own(made):
    parts, time, rows, _ = made
    kind = (rows.own % 2).astype(int)
    noisy = time + np.where(kind, 0.3, 0.0) * np.random.default_rng(2).standard_normal(len(time))
    quiet, loud = fit(parts, noisy, rows, kind).scatter
    assert quiet < SCATTER < 0.15 < loud


def test_one_row_is_enough(made):
    parts, time, rows, _ = made
    one = replace(rows, groups=np.zeros((1, 2), int), own=np.zeros(1, int), along=rows.along[:1])
    found = fit(parts[:1], time[:1], one, np.zeros(1, int))
    assert np.isfinite(found.values).all()


def test_a_fit_that_another_job_has_done_is_the_same_bit_for_bit(made, tmp_path, monkeypatch):
    parts, time, rows, _ = made
    alone = fit(parts, time, rows, kinds(rows))
    monkeypatch.setenv(FOLDER, str(tmp_path))
    fit(parts, time, rows, kinds(rows))
    monkeypatch.setattr(mixed, "fixed_point", None)
    again = fit(parts, time, rows, kinds(rows))
    for name in ("values", "own", "own_covariance", "own_gain", "scatter"):
        assert getattr(again, name).tobytes() == getattr(alone, name).tobytes()
    every = np.arange(len(alone.values))
    assert again.covariance(every).tobytes() == alone.covariance(every).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda parts, time, rows: (parts + 0.1, time, rows),
        lambda parts, time, rows: (parts, time + 0.1, rows),
        lambda parts, time, rows: (parts, time, replace(rows, along=rows.along * 2)),
        lambda parts, time, rows: (parts, time, replace(rows, groups=rows.groups[:, ::-1])),
        lambda parts, time, rows: (
            parts,
            time,
            replace(rows, structure=replace(STRUCTURE, normal=1)),
        ),
        lambda parts, time, rows: (
            parts,
            time,
            replace(rows, structure=replace(STRUCTURE, hidden=np.array([False, True]))),
        ),
        lambda parts, time, rows: (
            parts,
            time,
            replace(rows, structure=STRUCTURE.with_spreads(2 * STRUCTURE.spreads)),
        ),
    ],
    ids=["parts", "times", "covariates", "groups", "normal", "hidden", "spreads"],
)
def test_another_fit_is_not_taken_for_the_one_that_is_done(made, tmp_path, monkeypatch, change):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    parts, time, rows, _ = made
    for given in (made[:3], change(parts, time, rows)):
        fit(*given, kinds(rows))
    assert len(list(tmp_path.iterdir())) == 2
    fit(parts, time, rows, kinds(rows), mixed.STEPS - 1)
    assert len(list(tmp_path.iterdir())) == 3
