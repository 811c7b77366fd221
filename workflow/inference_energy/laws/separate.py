"""A law fitted to each configuration by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from inference_energy.laws.base import Law
from inference_energy.laws.rows import configuration_number


@dataclass(frozen=True)
class Separate:
    """Fit of many configurations that learn nothing from one another.

    Parameters
    ----------
    fit : callable
        Makes a law from the rows of one configuration.
    minimum_rows : int
        Rows that it needs.
    rows : DataFrame
        Rows of all configurations, with both lengths.
    """

    fit: Callable[[pd.DataFrame], Law]
    minimum_rows: int
    rows: pd.DataFrame

    @cached_property
    def laws(self) -> list[Law | None]:
        """Laws of the configurations, in order of first appearance; none of too few rows."""
        # text tells configurations apart, and takes long to part
        numbers = self.rows.select_dtypes("number")
        groups = numbers.groupby(configuration_number(self.rows))
        return [self.condition(own) for _, own in groups]

    def condition(self, rows: pd.DataFrame) -> Law | None:
        """Law of a configuration from its measured rows alone; none if they are too few."""
        known = rows[rows["throughput_tps"].notna()]
        return self.fit(known) if len(known) >= self.minimum_rows else None
