"""Requests one by one, to hold what is counted in groups against."""

from inference_energy.requests.energies import energies


def by_itself(serving, rows):
    """Energies of requests one by one."""
    single = rows.rename(columns=lambda name: name.removesuffix("_tokens")).assign(n=1, cached=0)
    return energies(serving, single.reset_index(drop=True))
