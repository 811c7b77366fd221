"""What a meter gives in a run without measuring: zeros, one reading again and again, one count."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference_energy.meters.counters import step
from inference_energy.meters.coverage import LEAST_COVERAGE, longest_wait
from inference_energy.text import percent
from inference_energy.units import mean_power

Array = NDArray[np.float64]
Places = NDArray[np.intp]

RANGE = 30.0
"""Power of a device at work over that without any, at most [1]: a graphics card draws 15 W and
450 W. Alone between two others a reading beyond that is none, and powers part there that are in
watts and in kilowatts, or of a node that is off."""

OUTLET = 1800.0
"""What an outlet of 120 V and 15 A gives [W]: a card of a few watts at idle, or a computer on
standby, draws up to that for as short as one reading, and any GPU less. What takes more idles above
`OUTLET` over `RANGE`."""

AWAKE, SLOT = 0.5, 75.0
"""Power that a device draws at least that answers, if only asleep: a computer that is off is
allowed so much by Regulation (EC) 1275/2008 [W]; what a slot of PCI Express gives, above which a
GPU is a card with a fan and memory of its own, no part of a chip that may be dark [W]."""

HANGS, FLAT = 3, 0.01
"""A meter hangs that reads the same for so many times as long as chance lets it; not one whose
readings differ by this share at most, which a hang would not change."""

BESIDE, ENOUGH = 0.1, 20
"""Share of a reading by which others are off that tell how it varies at that power, and how many of
their changes do; where there are fewer, changes at work do, each as a share of its power."""

FINE, COARSE, SMALLEST = 5e-4, 10.0, 0.005
"""A power at work varies by some thousandths from one reading to the next: one that changes by as
little as `FINE` of itself, and usually by `COARSE` times its smallest change, does not stay the
same; the quantile of its changes that is taken for the smallest."""

SELDOM, TURNS = 0.2, 1 / 3
"""Share of readings below a power that repeat the one before, up to which a meter is not one that
tells a steady power below it; share at which they turn up or down, at least: of noise it is two
thirds, and of a power that only settles none."""

WAITS, HALF, FINER = 0.25, 0.5, 1e-4
"""Share of its most that a GPU draws at most that waits with a model in it, which may stay the same
though it sleeps at less; share that a node idles at, at most, where GPUs do its work [1]. A node
whose most no outlet gives has fans and processors that go on at idle, and so varies by more than
the last share."""


class Repeats(NamedTuple):
    """Stretches of a meter's readings that are the same.

    Parameters
    ----------
    first, last : array
        Places of their first and last readings.
    by_chance : float
        Readings that the longest repeats of the one before by chance.
    """

    first: Places
    last: Places
    by_chance: float


def repeats(values: Array) -> Repeats:
    """Stretches of readings that are the same, and the longest that chance explains.

    Of n readings, a share q of which repeats the one before, the longest run of repetitions has
    ln(n (1 - q)) / ln(1/q) of them by chance (Schilling 1990, *College Math. J.* 21(3), 196-207).
    None is unlikely where q is zero, or readings differ by no more than `FLAT`.

    Parameters
    ----------
    values : array
        Readings, in the order of time.
    """
    repeated = np.diff(values) == 0
    share = float(repeated.mean()) if len(repeated) else 0.0
    changes = np.flatnonzero(np.concatenate([[True], ~repeated, [True]]))
    if not share or np.ptp(values) <= FLAT * values.mean():
        by_chance = np.inf
    else:
        by_chance = np.log(len(values) * (1 - share)) / -np.log(share)
    return Repeats(changes[:-1], changes[1:] - 1, float(by_chance))


def hanging(times: Array, power: Array, start: float, end: float) -> slice | None:
    """Readings of a meter that hung above idle for more of a run than may be missing, if any.

    At idle a GPU may read the same for hours. At work no power does that elsewhere varies by far
    more than the smallest change that the meter tells, and between idle and work none that varies
    at idle.

    Parameters
    ----------
    times, power : array
        Readings of the log, in the order of time. [s], [W]
    start, end : float
        Of the run. [s]
    """
    found = repeats(power)
    stretch = np.minimum(times[found.last], end) - np.maximum(times[found.first], start)
    long = found.last - found.first > HANGS * found.by_chance
    works = power > (power.min() + power.max()) / 2
    told = long & (stretch > (1 - LEAST_COVERAGE) * (end - start))
    for place in np.flatnonzero(told):
        first, last = found.first[place], found.last[place]
        level = float(power[first])
        varies = _varies_beside(power, works, level) if works[first] else None
        # a power that is kept comes again: a GPU's limit, or what it idles at with a model in it
        again = np.count_nonzero(long & (power[found.first] == level)) > 1
        is_limit = power.max() <= OUTLET and level == power.max()
        if varies is None and not again and not is_limit:
            varies = _varies_below(power, level) or _is_no_idle(power, works, level)
        if varies:
            return slice(first, last + 1)
    return None


def _varies_beside(power: Array, works: NDArray[np.bool_], level: float) -> bool | None:
    """Whether a power varies near a level, or else at work, by far more than its meter tells.

    None where too few changes tell.
    """
    near = np.abs(power - level) <= BESIDE * level
    changes = np.abs(np.diff(power))[near[1:] & near[:-1]]
    if np.count_nonzero(changes) < ENOUGH:
        both = np.flatnonzero(works[1:] & works[:-1])
        changes = np.abs(np.diff(power))[both] * level / power[both]
    changes = changes[changes > 0]
    if len(changes) < ENOUGH:
        return None
    smallest = float(np.quantile(changes, SMALLEST))
    return bool(smallest <= FINE * level and np.median(changes) >= COARSE * smallest)


def _varies_below(power: Array, level: float) -> bool:
    """Whether a power goes up and down from each reading to the next where it is below a level.

    What varies at idle does so above it, too.
    """
    if level <= WAITS * power.max():
        return False
    below = power < (1 - BESIDE) * level
    changes = np.diff(power)[below[1:] & below[:-1]]
    moved = changes[changes != 0]
    if len(moved) < max(ENOUGH, (1 - SELDOM) * len(changes)):
        return False
    turned = float(np.mean(np.sign(moved[1:]) != np.sign(moved[:-1])))
    return _unit(power[below]) <= FINE * level and turned >= TURNS


def _is_no_idle(power: Array, works: NDArray[np.bool_], level: float) -> bool:
    """Whether a power that stays the same below others is more than what a node idles at."""
    if power.max() <= OUTLET or level <= HALF * power.max():
        return False
    other = power != level
    changes = np.diff(power)[other[1:] & other[:-1]]
    at_work = np.abs(np.diff(power))[works[1:] & works[:-1]]
    seldom = np.mean(changes == 0) <= SELDOM if len(changes) else False
    if not seldom or np.count_nonzero(at_work) < ENOUGH:
        return False
    unit = _unit(power[works])
    return bool(unit <= FINER * level and np.median(at_work) >= COARSE * unit)


def _unit(power: Array) -> float:
    """Smallest difference of two readings, but for odd ones. [W]"""
    return float(np.quantile(np.diff(np.unique(power)), SMALLEST))


def no_answers(times: Array, power: Array, alone: bool, scope: str, unit: float) -> Array:
    """Whether readings of a run are below what the device draws at least: it did not answer.

    No GPU reads 0 W, and no card below `AWAKE`. A node reads what `RANGE` and `OUTLET` leave, but
    where the last digit of its meter is so coarse that it may be zero; one of several meters may be
    of a supply on standby, which is for longer than it takes to miss a reading.

    Parameters
    ----------
    times, power : array
        Readings of the run, in the order of time. [s], [W]
    alone : bool
        Whether the log has no other meter.
    scope : str
        gpu, cpu or node.
    unit : float
        Smallest difference between two readings of the log, and to zero. [W]
    """
    if scope == "gpu":
        return np.asarray(power < AWAKE if power.max() > SLOT else power == 0)
    least = power.max() / RANGE
    if unit / 2 > least:
        return np.zeros(len(power), dtype=bool)
    low = power < (least if power.max() > OUTLET else min(AWAKE, least))
    if alone and power.max() > OUTLET:
        return low
    short = np.zeros(len(power), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], low, [False]]).astype(int)))
    for first, after in edges.reshape(-1, 2):
        inside = first > 0 and after < len(power)
        short[first:after] = inside and times[after - 1] - times[first] <= longest_wait(times)
    return short


def off_alone(
    times: Array, power: Array, others: Callable[[Array], Array], unit: float
) -> NDArray[np.bool_]:
    """Whether readings of a run are those of a meter that is off while all others read as before.

    A supply goes on standby as the load falls, or others take over what it carried.

    Parameters
    ----------
    times, power : array
        Readings of the run, in the order of time. [s], [W]
    others : callable
        Sum of all other meters by times. [W]
    unit : float
        As for ``no_answers``. [W]
    """
    least = power.max() / RANGE
    off = power < least
    if not off.any() or power.max() <= OUTLET or unit / 2 > least:
        return np.zeros(len(power), dtype=bool)
    beside = others(times)
    moved = abs(float(beside[off].mean() - beside[~off].mean()))
    return off & (moved < BESIDE * float(power[~off].mean()))


def standing(times: Array, counts: Array) -> tuple[float, float] | None:
    """From when to when a counter stood still in a run though its device drew power, if it did.

    A counter that is read late, or counts in large steps, is ahead after it.

    Parameters
    ----------
    times, counts : array
        Readings of the run, in the order of time. [s], [J]
    """
    found = repeats(counts)
    rises = np.append(np.diff(counts[found.first]), 0.0).clip(min=0)
    stands = times[found.last] - times[found.first]
    place = int(stands.argmax())
    run = float(np.ptp(times))
    if stands[place] <= (1 - LEAST_COVERAGE) * run:
        return None
    usual = mean_power(float(np.delete(rises, place).sum()), run - float(stands[place]))
    ahead = max(float(rises[place]), step(counts, counts))
    if mean_power(ahead, float(stands[place])) * RANGE >= usual:
        return None
    return float(times[found.first[place]]), float(times[found.last[place]])


def told_of_power(
    meter: str,
    times: Array,
    power: Array,
    run: tuple[float, float],
    alone: bool,
    scope: str,
    repeats: bool,
    others: Callable[[Array], Array] | None = None,
) -> str:
    """What to say of a meter that gives powers in a run without measuring; empty if it does not.

    Parameters
    ----------
    meter : str
        Its name.
    times, power : array
        Readings of the log, in the order of time. [s], [W]
    run : tuple of float
        When it begins and ends. [s]
    alone, scope
        As for ``no_answers``.
    repeats : bool
        Whether the log has one power for several readings, as where it tells changes alone.
    others : callable, optional
        Sum of all other meters by times, if there are and all read power. [W]
    """
    inside = (times >= run[0]) & (times <= run[1])
    at, read = times[inside], power[inside]
    unit = float(np.diff(np.unique(np.append(power, 0.0))).min(initial=np.inf))
    beside = ""
    low = no_answers(at, read, alone, scope, unit) if len(at) > 1 else np.zeros(0, dtype=bool)
    if others is not None and scope != "gpu" and len(at) > 1 and not low.any():
        low = off_alone(at, read, others, unit)
        beside = ", while the other meters read as before and so did not take over its load"
    if low.any():
        values = np.unique(read[low])
        shown = f"{values[0]:g}" + (f" to {values[-1]:g}" if len(values) > 1 else "")
        return (
            f"meter {meter}: reads {shown} W in {percent(low.mean(), '.1f')} of its readings of the"
            f" run, first at {at[low][0]:.15g} s, and up to {read.max():g} W in the others{beside};"
            f" allowed are powers above zero of which the highest is at most {RANGE:g} times the"
            " lowest, as of a device that is on; leave the rows out in which the sensor did not"
            " answer, or, of a device that was off, correct the times of the run"
        )
    stuck = hanging(times, power, *run) if len(times) > 1 and not repeats else None
    if stuck is None:
        return ""
    first, last = times[stuck][[0, -1]]
    return (
        f"meter {meter}: reads {power[stuck][0]:.10g} W to the last digit from {first:.15g} to"
        f" {last:.15g} s, and else another power nearly each time near it, below it or at work;"
        f" allowed are so for at most {percent(1 - LEAST_COVERAGE)} of the run; look after a meter"
        " that hangs, or what repeats its last reading, and measure a run without"
    )


def told_of_counter(meter: str, times: Array, counts: Array) -> str:
    """What to say of a counter that stood still in a run; empty if it did not.

    Parameters
    ----------
    meter : str
        Its name.
    times, counts : array
        Readings of the run, in the order of time. [s], [J]
    """
    still = standing(times, counts)
    if still is None:
        return ""
    return (
        f"meter {meter}: its counter stands still from {still[0]:.15g} to {still[1]:.15g} s, and is"
        " not ahead after it, though it rises by far more in as much time else; allowed are so for"
        f" at most {percent(1 - LEAST_COVERAGE)} of the run; look after a meter that hangs, and"
        " measure a run without"
    )
