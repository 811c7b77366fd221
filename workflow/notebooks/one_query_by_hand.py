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
# # The energy of one query, by hand
#
# This page walks through the method of *Energy Use of AI Inference: Efficiency Pathways and
# Test-Time Compute* (arXiv:2509.20241) for one model, on the rows that the paper uses, and ends
# at the numbers in `results/`. It reads results and calls the library; it produces none.

# %%
import matplotlib
import numpy as np
import pandas as pd
from inference_energy import documents
from inference_energy.drawing import (
    BLACK,
    MODEL_COLOURS,
    SETTINGS,
    Picture,
    area,
    headline,
    log_ticks,
    new_figure,
)
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from inference_energy.energy.equation import drawn_power, node_seconds, query_energy
from inference_energy.laws.rows import usable_rows
from inference_energy.method.build import build
from inference_energy.method.materials import tables_of
from inference_energy.tables import read_table
from inference_energy.units import MILLI

matplotlib.rcParams.update(SETTINGS)
MODEL = "Llama 3.1 405B"
method = documents.read("results/oviedo2026/method.yaml")
table = read_table(*tables_of(method), "throughput")

# %% [markdown]
# ## 1. Benchmarks
#
# The method starts from output tokens per second of a whole 8-GPU node. Only FP8 rows with both
# lengths count.

# %%
rows = usable_rows(table, method["benchmarks"])
rows = rows[rows["model"] == MODEL]
rows[["gpu", "input_tokens", "output_tokens", "concurrency", "throughput_tps", "source_id"]]

# %% [markdown]
# The same shape appears twice, at 500 input and 2,000 output tokens: once with all requests queued
# at once, once with 250 concurrent requests. Both enter the fit.

# %% [markdown]
# ## 2. Throughput law
#
# Ordinary least squares of ln TPS on (1, ln *L*<sub>in</sub>, ln *L*<sub>out</sub>),
# capped at the largest throughput seen.

# %%
design = np.column_stack(
    [np.ones(len(rows)), np.log(rows["input_tokens"]), np.log(rows["output_tokens"])]
)
coefficients = np.linalg.lstsq(design, np.log(rows["throughput_tps"]), rcond=None)[0]
peak = rows["throughput_tps"].max()
pd.Series([*coefficients, peak], ["intercept", "input exponent", "output exponent", "peak"])


# %%
def throughput(input_tokens, output_tokens):
    """Tokens per second of the node."""
    logs = np.array([1.0, np.log(input_tokens), np.log(output_tokens)])
    return min(np.exp(coefficients @ logs), peak)


lengths = rows[["input_tokens", "output_tokens"]].itertuples(index=False)
check = rows.assign(law=[throughput(*pair) for pair in lengths])
check["law over measured"] = check["law"] / check["throughput_tps"]
check[["input_tokens", "output_tokens", "throughput_tps", "law", "law over measured"]].round(2)

# %% [markdown]
# ## 3. One query
#
# *E* = PUE · *P*<sub>node</sub> · PU · *L*<sub>out</sub> / (3.6 TPS)
#
# in Wh, with the node power in kW. Power utilisation and PUE are log-normal; here they stand at
# their medians, and the query has the median number of output tokens.

# %%
setup = build(method, table)
model = next(m for m in setup.models if m.name == MODEL)
regime = setup.regimes["traditional"]
tokens = method["regimes"]["traditional"]["output_tokens"]["median"]
speed = throughput(regime.input_tokens, tokens)
utilisation, pue = np.exp(setup.power_utilisation.mu), np.exp(setup.pue.mu)
milliseconds = node_seconds(tokens, speed) / MILLI
power = drawn_power(model.node_power, utilisation, pue)
energy = query_energy(tokens, speed, model.node_power, utilisation, pue)
print(f"throughput           {speed:8.0f} tokens/s")
print(f"time on the node     {milliseconds:8.1f} ms")
print(f"power utilisation    {utilisation:8.2f}")
print(f"PUE                  {pue:8.2f}")
print(f"power, facility      {power:8.2f} kW")
print(f"energy               {energy:8.3f} Wh")

# %% [markdown]
# ## 4. Many queries
#
# The paper draws 10,000 queries per model: output tokens from a rounded exponential, then power
# utilisation, then PUE, from one seeded stream. The exact engine needs no draws: given the tokens
# the energy is log-normal, so its distribution is a weighted sum of log-normals.

# %%
samples = monte_carlo.simulate(setup, regime, monte_carlo.generator(setup))
exact = energy_exact.model_energy(setup, regime, model)
drawn = monte_carlo.describe(samples.energy[MODEL])
pd.DataFrame({"published (sampled)": drawn, "exact": exact.describe()}).drop("n").round(4)

# %%
grid = np.geomspace(exact.quantile(0.005), exact.quantile(0.995), 200)
share = np.diff([exact.cdf(e) for e in grid]) / np.diff(np.log(grid))
edges = np.geomspace(grid[0], grid[-1], 40)
figure = new_figure(4.5, 2.6)
axis = figure.add_axes((0.12, 0.17, 0.85, 0.7))
counts, _ = np.histogram(samples.energy[MODEL], edges)
height = counts / counts.sum() / np.diff(np.log(edges))
axis.stairs(height, edges, fill=True, label="10,000 draws", **area(MODEL_COLOURS[MODEL], 0.5))
axis.plot(np.sqrt(grid[:-1] * grid[1:]), share, color=BLACK, label="exact")
axis.set(xscale="log", xlabel=f"Energy per query, {MODEL} [Wh]", ylabel="Density per unit of ln E")
log_ticks(axis.xaxis)
axis.legend()
headline(
    figure, f"Draws scatter about the exact density; its median is {exact.quantile(0.5):.2f} Wh"
)
Picture(figure)

# %% [markdown]
# ## 5. From models to the frontier blend
#
# The three models with the largest medians are pooled, each trimmed twice: to its own P5-P95, then
# to P10-P90 of what is left. That is what the published median and IQR are of.

# %%
models, names = energy_exact.regime_energy(setup, regime)
summary = {name: models[name].describe() for name in names}
summary["blend, untrimmed"] = energy_exact.blend_energy(setup, models, names, trim=False).describe()
summary["blend, as published"] = energy_exact.blend_energy(setup, models, names).describe()
pd.DataFrame(summary).T[["p25", "p50", "p75", "mean"]].round(3)

# %% [markdown]
# The run's own table says the same:

# %%
results = pd.read_csv("results/oviedo2026/energy_per_query.csv")
results.query(
    "regime == 'traditional' and subject == 'frontier blend' and pathway == 'baseline'"
    " and statistic in ['p25', 'p50', 'p75']"
)[["engine", "statistic", "value", "unit"]]

# %% [markdown]
# Whether that is what the paper prints is in `results/claims.md`; what a different choice at each
# step would do is in `results/audit/`. Next: *Where the uncertainty comes from*.
