"""Requests one by one, to hold what is counted in groups against."""

import pandas as pd
from inference_energy.requests.energies import energies


def by_itself(serving, rows):
    """Energies of requests one by one."""
    single = pd.DataFrame({"n": 1, "cached": 0}, index=rows.index)
    single = single.assign(**rows.rename(columns=lambda name: name.removesuffix("_tokens")))
    return energies(serving, single.reset_index(drop=True), None)
