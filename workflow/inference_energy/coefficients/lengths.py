"""How far the formula of the coefficients is from the laws at other lengths than theirs.

The formula (equation (1) of ``coefficients.table``) is linear in the tokens of a query. The laws
are not: attention grows with the square of the context, all of the context is read with every
output token, and fewer long requests fit at once. At lengths q and energies E of the laws

    f(q) = E(q) / (c_in L_c + c_cached L_k + c_out L_out)                                       (1)

with the layout of highest throughput, the batch and the power at these lengths, as the coefficients
have them at theirs; a product of the formula with f is what the laws say.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from inference_energy.coefficients.table import KEYS, formula_wh, node_parts
from inference_energy.energy.equation import node_energy

USES: dict[str, dict[str, float]] = {
    "short": {"input_tokens": 200.0, "cached_tokens": 0.0, "output_tokens": 200.0},
    "chat": {"input_tokens": 500.0, "cached_tokens": 0.0, "output_tokens": 300.0},
    "reasoning": {"input_tokens": 500.0, "cached_tokens": 0.0, "output_tokens": 5000.0},
    "document": {"input_tokens": 10000.0, "cached_tokens": 0.0, "output_tokens": 500.0},
    "long": {"input_tokens": 8000.0, "cached_tokens": 0.0, "output_tokens": 8000.0},
}
"""Lengths at which equation (1) is given, beside those of the mean call of agents; the cached
tokens are part of the input. [tokens]"""

AGENT = "agent"
"""Use of the mean call of production agents."""

ALLOWED = 1.25
"""Factor up to which the formula stands for the laws. [1]"""


def factor_column(use: str) -> str:
    """Column of schema ``coefficients`` with equation (1) of a use."""
    return f"{use}_factor"


def add_factors(
    table: pd.DataFrame,
    uses: Mapping[str, Mapping[str, float]],
    nodes: Iterable[pd.DataFrame],
    models: pd.DataFrame,
) -> pd.DataFrame:
    """Append equation (1) of every use to the coefficients.

    Parameters
    ----------
    table : DataFrame
        From ``table.coefficients``.
    uses : mapping of str to mapping
        Lengths by name, each as ``table.QUERY``. [tokens]
    nodes : iterable of DataFrame
        From ``table.loaded_nodes``, of every use.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    DataFrame
        ``table`` with ``factor_column`` of every use [1]; empty where a request is longer than the
        model's context or than the cache of a copy.
    """
    found = table.set_index(KEYS)
    known = models.set_index("model")["context_tokens"].astype(float)
    context = known[found.index.get_level_values("model")].to_numpy()
    for (use, query), own in zip(uses.items(), nodes, strict=True):
        energy, room = _of_laws(own, query)
        total = query["input_tokens"] + query["output_tokens"]
        held = (room.reindex(found.index) >= total) & (context >= total)
        over = energy.reindex(found.index) / formula_wh(found, query)
        found[factor_column(use)] = over.where(held)
    return found.reset_index()


def _of_laws(nodes: pd.DataFrame, query: Mapping[str, float]) -> tuple[pd.Series, pd.Series]:
    """Energy of a query [Wh], geometric mean over engines, and tokens that every cache holds."""
    seconds = query["output_tokens"] / nodes["speed"]
    if query["cached_tokens"]:
        seconds = node_parts(nodes["law"], query)[0].sum(axis=1)
    energy = node_energy(seconds, nodes["node_kw"])
    own = nodes.assign(log=np.log(energy)).groupby(["model", "gpu", "precision", "at"])
    mean, room = np.exp(own["log"].mean()), own["cache_tokens"].min()
    return mean.rename_axis(KEYS), room.rename_axis(KEYS)
