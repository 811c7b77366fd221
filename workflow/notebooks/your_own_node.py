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
# # Your own node
#
# Whoever runs nodes need not borrow a paper's: one benchmark run and one power reading give the
# energy of a query on them. This page does it by hand for the example that comes with the project,
# Llama 3.1 405B on eight H100, and ends at what the run writes for it. The file to copy for yours
# is `config/deployments/8xh100-llama-405b.yaml`.

# %%
import matplotlib
import numpy as np
import pandas as pd
from inference_energy import documents
from inference_energy.drawing import (
    SETTINGS,
    TEAL,
    Picture,
    headline,
    log_ticks,
    new_figure,
)
from inference_energy.energy.equation import facility_energy, node_energy, node_seconds
from inference_energy.method.distributions import LogNormal
from inference_energy.readers import detect_and_read
from inference_energy.units import KILO

matplotlib.rcParams.update(SETTINGS)
NAME = "8xh100-llama-405b"
settings = documents.read(f"config/deployments/{NAME}.yaml")
deployment = settings["deployment"]

# %% [markdown]
# ## 1. Read the benchmark
#
# The files of vLLM, SGLang, GenAI-Perf, AIPerf, GuideLLM, MLPerf, inference-perf, InferenceX and
# ML.ENERGY are read as they are; what a file does not tell is stated as a fact.

# %%
runs = detect_and_read(f"config/deployments/{deployment['benchmarks']}", deployment["facts"])
runs[["concurrency", "output_tokens", "throughput_tps", "gpu_power_w"]].round(1)

# %% [markdown]
# ## 2. Choose the load
#
# Throughput is the node's, for all that it serves at once. Take the run at the load that your node
# has by day, not the best one of the sweep.

# %%
load = deployment["concurrency"]["value"]
run = runs[runs["concurrency"] == load].iloc[0]
throughput = run["throughput_tps"]
print(f"at {load:g} requests at once: {throughput:.0f} tokens/s")

# %% [markdown]
# ## 3. Power
#
# The GPUs were measured, the host was not: it comes on top as a range. At the wall of the node the
# power would need no such addition, which is why it is worth a meter.
#
# *P* = *P*<sub>GPUs</sub> + *P*<sub>host</sub>

# %%
host = LogNormal.from_percentiles(deployment["host_power"]["p5"], deployment["host_power"]["p95"])
pue = LogNormal.from_percentiles(settings["pue"]["p5"], settings["pue"]["p95"])
power = run["gpu_power_w"] / KILO + np.exp(host.mu)
print(f"GPUs {run['gpu_power_w'] / KILO:.2f} kW, node {power:.2f} kW, PUE {np.exp(pue.mu):.3f}")

# %% [markdown]
# ## 4. One query
#
# *E* = PUE · *P* · *L* / (3.6 TPS), in Wh

# %%
rows = {}
for query, tokens in (("traditional", 300), ("long", 5000)):
    seconds = node_seconds(tokens, throughput)
    at_node = node_energy(seconds, power)
    rows[query] = {
        "output tokens": tokens,
        "time of the node [s]": seconds,
        "at the node [Wh]": at_node,
        "at the facility [Wh]": facility_energy(at_node, np.exp(pue.mu)),
    }
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# ## 5. What another load does
#
# The same node, the same model, one query of 300 tokens:

# %%
loads = runs.sort_values("concurrency")
powers = loads["gpu_power_w"] / KILO + np.exp(host.mu)
seconds = node_seconds(300, loads["throughput_tps"])
at_load = facility_energy(node_energy(seconds, powers), np.exp(pue.mu))
ends = [
    f"{energy:.2f} Wh at {count:.0f}"
    for energy, count in zip(at_load.iloc[[0, -1]], loads["concurrency"].iloc[[0, -1]], strict=True)
]
figure = new_figure(4.5, 2.6)
axis = figure.add_axes((0.12, 0.17, 0.84, 0.7))
axis.loglog(loads["concurrency"], at_load, "o-", color=TEAL, markersize=4)
axis.set(xlabel="Requests at once", ylabel="Energy per query of 300 tokens [Wh]")
log_ticks(axis.xaxis, (1, 2, 5))
log_ticks(axis.yaxis, (1, 2, 5))
headline(figure, f"A query takes {' and '.join(ends)} requests at once")
Picture(figure)

# %% [markdown]
# ## 6. What the run writes
#
# With the distribution of lengths and the ranges of host and PUE, for the traffic that is stated:

# %%
written = pd.read_csv(f"results/deployments/{NAME}/energy_per_query.csv")
own = written[written["subject"] == deployment["model"]]
own.pivot_table("value", "regime", "statistic", sort=False)[
    ["p5", "p25", "p50", "p75", "p95", "mean"]
].round(3)

# %%
day = pd.read_csv(f"results/deployments/{NAME}/per_day.csv")
day = day[day["statistic"] == "mean"]
day.pivot_table("value", ["quantity", "unit"], "regime", sort=False).map("{:,.1f}".format)

# %% [markdown]
# ## 7. Yours
#
#     cp config/deployments/8xh100-llama-405b.yaml config/deployments/mine.yaml
#     snakemake deployments --config deployments='[config/deployments/mine.yaml]'
#
# No benchmark yet? `snakemake stress` measures a live server, power at the wall included
# (`docs/stress.md`); a log of requests is answered by `snakemake requests` (`docs/requests.md`).
