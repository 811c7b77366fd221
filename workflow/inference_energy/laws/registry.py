"""The throughput laws that a method can name: how each is fitted, and what that takes.

The workflow reads this before any job, so a law's module imports nothing that takes long.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from inference_energy.laws.additive import Additive
from inference_energy.laws.at_load import AtLoadFit, describe
from inference_energy.laws.base import Fit, Law
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.separate import Separate


@dataclass(frozen=True)
class Kind:
    """How a law is fitted, and what that takes.

    Parameters
    ----------
    fit_many : callable
        Makes a :class:`Fit` from rows of many configurations, after ``prepare``.
    fit_one : callable, optional
        Makes a law from rows of one configuration; none if the law learns from other
        configurations.
    minimum_rows : int
        Rows of a configuration that determine it.
    needs : tuple of str
        Tables of data/ that say what the law must know of a configuration.
    describe : callable, optional
        Appends it to the rows, given these tables.
    serving_needs : tuple of str
        Further tables, if a method says at which load and on which nodes its models are served.
    knows_load : bool
        Whether the concurrency of a configuration is an input of its law, so that a method may
        say ``serving``; its fit is then a :class:`LoadedFit`.
    by_length : bool
        Whether the throughput depends on the lengths.
    charges_input : bool
        Whether the node time that the law gives holds that of the input.
    has_spare : callable, optional
        Whether rows of one configuration determine the law, with one to spare that tells its error;
        unless given, by their number.
    words : str
        The throughput in words, for readers of the method.
    mark : tuple of str, optional
        Colour of ``drawing`` and marker; a law without one is not drawn.
    """

    fit_many: Callable[[pd.DataFrame], Fit]
    fit_one: Callable[[pd.DataFrame], Law] | None = None
    minimum_rows: int = 0
    needs: tuple[str, ...] = ()
    describe: Callable[..., pd.DataFrame] | None = None
    serving_needs: tuple[str, ...] = ()
    knows_load: bool = False
    by_length: bool = True
    charges_input: bool = False
    has_spare: Callable[[pd.DataFrame], bool] | None = None
    words: str = ""
    mark: tuple[str, str] | None = None

    @property
    def pooled(self) -> bool:
        """Whether a configuration's law learns from the rows of other configurations."""
        return self.fit_one is None

    def tells_error(self, rows: pd.DataFrame) -> bool:
        """Whether rows of one configuration determine the law and show how far it errs."""
        return self.has_spare(rows) if self.has_spare else len(rows) > self.minimum_rows

    def prepare(self, rows: pd.DataFrame, hardware: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Append to the rows what the law must know of their configurations.

        Parameters
        ----------
        rows : DataFrame
            Schema ``throughput``.
        hardware : mapping of str to DataFrame
            Tables of ``needs``, and others.
        """
        if self.describe is None:
            return rows
        return self.describe(rows, **{name: hardware[name] for name in self.needs})


def _single(
    fit: Callable[[pd.DataFrame], Law],
    minimum_rows: int,
    words: str,
    by_length: bool = True,
    charges_input: bool = False,
    has_spare: Callable[[pd.DataFrame], bool] | None = None,
    mark: tuple[str, str] | None = None,
) -> Kind:
    return Kind(
        partial(Separate, fit, minimum_rows),
        fit,
        minimum_rows,
        by_length=by_length,
        charges_input=charges_input,
        has_spare=has_spare,
        words=words,
        mark=mark,
    )


LAWS: dict[str, Kind] = {
    "log-linear": _single(
        LogLinear.fit,
        LogLinear.minimum_rows,
        "ln TPS = a + b ln input + c ln output, at most the largest measured",
        mark=("MAGENTA", "X"),
    ),
    "peak": _single(
        Peak.fit,
        Peak.minimum_rows,
        "the largest measured, whatever the lengths",
        by_length=False,
    ),
    "additive": _single(
        Additive.fit,
        Additive.minimum_rows,
        "1/TPS is a sum of times: computing a token, the input, reading the cache",
        charges_input=True,
        has_spare=Additive.has_spare,
        mark=("OLIVE", "s"),
    ),
    "hierarchical": Kind(
        Hierarchical.fit,
        needs=("models", "gpus"),
        describe=add_serving_times,
        charges_input=True,
        words="additive, each time from the hardware's peak rates times factors learned from all"
        " configurations",
        mark=("TEAL", "o"),
    ),
    "at-load": Kind(
        AtLoadFit.fit,
        needs=("models", "gpus"),
        describe=describe,
        charges_input=True,
        knows_load=True,
        words="as hierarchical, with the batch that the load, the memory and the layout leave, and"
        " the engine",
        serving_needs=("nodes", "mlenergy", "inferencex", "wall_power"),
    ),
}
"""Laws by name, as method files and result tables write it."""

WITHOUT_LENGTHS = LAWS["peak"]
"""Law of rows whose lengths are not known, or too few: one throughput whatever the lengths."""

AT_ONE_LOAD = LAWS["additive"]
"""Law of what was measured of one configuration at one load, beside a method's law that pools the
rows of all: it charges input, and few shapes determine it."""


def needed_tables(names: Iterable[str] = tuple(LAWS)) -> list[str]:
    """Names of the tables of data/ that laws need, of all laws unless some are named."""
    return list(dict.fromkeys(table for name in names for table in LAWS[name].needs))


def serving_tables(names: Iterable[str] = tuple(LAWS)) -> list[str]:
    """Further tables, if a method says at which load and on which nodes its models are served."""
    return list(dict.fromkeys(table for name in names for table in LAWS[name].serving_needs))


def named_laws(settings: Mapping[str, Any]) -> list[str]:
    """Laws that a method's section ``throughput_law`` names: the law, and one to fall back on."""
    return [settings[key] for key in ("name", "fallback") if key in settings]
