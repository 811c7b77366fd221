# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where the uncertainty comes from
#
# The paper gives the energy of a typical query as a median with a range. This page takes the range
# apart: what of it is that queries differ, and what that we do not know? It ends at the two tables
# that the run writes, `results/<method>/uncertainty.csv`. Start with *One query by hand*.

# %%
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
from inference_energy import documents
from inference_energy.drawing import SETTINGS, Picture
from inference_energy.energy import exact
from inference_energy.method.build import build
from inference_energy.method.distributions import LogNormal
from inference_energy.method.materials import tables_of
from inference_energy.method.setup import fixed_regime
from inference_energy.robustness.figures import variance_shares
from inference_energy.tables import read_table

matplotlib.rcParams.update(SETTINGS)
method = documents.read("results/oviedo2026/method.yaml")
setup = build(method, read_table(*tables_of(method), "throughput"))
regime = setup.regimes["traditional"]

# %% [markdown]
# ## 1. The range, with nothing left out
#
# A query's energy is a product,
#
# *E* = PUE · *P*<sub>node</sub> · *U* · *L* / (3.6 TPS(*L*<sub>in</sub>, *L*)),
#
# so its logarithm is a sum, and a range is best told as a factor: P95 over P5. The published range
# is of a sample that was trimmed twice; here every query counts.


# %%
def blended(setup, regime, trim=False):
    """Energy of a query of the frontier blend."""
    models, members = exact.regime_energy(setup, regime)
    return exact.blend_energy(setup, models, members, trim)


def told(energy):
    """Percentiles [Wh], and the factor from P5 to P95."""
    low, first, middle, third, high = (energy.quantile(p) for p in (0.05, 0.25, 0.5, 0.75, 0.95))
    return {"P5": low, "P25": first, "P50": middle, "P75": third, "P95": high, "P95/P5": high / low}


pd.DataFrame(
    {
        "as published, trimmed twice": told(blended(setup, regime, trim=True)),
        "every query": told(blended(setup, regime)),
    }
).T.round(3)

# %% [markdown]
# ## 2. What if we knew?
#
# Each unknown in turn is held at its median, all others stay. What the range loses is that
# unknown's part of it.

# %%
median_length = float(regime.output_tokens.quantile(0.5))
alone = {
    name: told(exact.model_energy(setup, regime, model))
    for name, model in ((m.name, m) for m in setup.models)
}
known = {
    "nothing": blended(setup, regime),
    "PUE": blended(replace(setup, pue=LogNormal.fixed(np.exp(setup.pue.mu))), regime),
    "power utilisation": blended(
        replace(setup, power_utilisation=LogNormal.fixed(np.exp(setup.power_utilisation.mu))),
        regime,
    ),
    "output tokens": blended(setup, fixed_regime(regime.input_tokens, median_length)),
}
factors = {name: told(energy)["P95/P5"] for name, energy in known.items()}
factors["model"] = float(np.median([of["P95/P5"] for of in alone.values()]))
table = pd.Series(factors, name="P95/P5").sort_values(ascending=False)
table.round(1).to_frame()

# %% [markdown]
# Of the model the typical single model stands there. Most of the range is not ignorance: it is that
# answers have different lengths. Whoever knows the lengths of a service knows most of what there is
# to know *inside this method*.
#
# ## 3. What the method does not count as unknown
#
# The throughput law enters without an error. On shapes (input and output lengths) that it was not
# fitted to it is off by this much in the mean, and the load at which a node serves does not enter
# at all:

# %%
errors = pd.read_csv("results/validation/law_errors.csv")
unseen = errors.query("split == 'leave-one-shape-out' and region == 'all'").query(
    "statistic == 'mean_absolute_error'"
)
unseen.set_index("law")["value"].sort_values().round(1).rename("mean error on unseen shapes [%]")

# %%
load = pd.read_csv("results/validation/concurrency.csv")
load.groupby("gpu")["ratio"].describe()[["count", "min", "50%", "max"]].round(1)

# %% [markdown]
# The last table has the energy per token at the smallest batch that was measured over that at the
# best one: between models and GPUs it is a factor of several, which no percentile of the paper's
# range holds.
#
# ## 4. With load as an input
#
# The method `revised` draws model, node, engine and load, and gives its law an error. Shares of the
# variance of ln *E*, as the run computes them:

# %%
names = {"oviedo2026": "the paper", "revised": "revised"}
parts = pd.concat(
    pd.read_csv(f"results/{name}/uncertainty.csv").assign(method=told_as)
    for name, told_as in names.items()
)
shares = parts.pivot_table(index=["method", "regime"], columns="source", values="share", sort=False)
shares.round(2)

# %%
Picture(variance_shares(parts[parts["method"] == "the paper"]))

# %%
Picture(variance_shares(parts[parts["method"] == "revised"]))

# %% [markdown]
# Which *choices* move the median itself is another question: `results/audit/multiverse.md` computes
# every defensible combination of them. Next: *4-20 times*.
