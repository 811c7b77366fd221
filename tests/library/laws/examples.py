"""Rows that a known law made, and an example of every law."""

import numpy as np
import pandas as pd
from inference_energy.laws.additive import Additive, shape_terms
from inference_energy.laws.base import Share
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.registry import LAWS
from inference_energy.laws.varied import Varied
from repository import read

SHAPES = [(128, 128), (128, 2048), (2048, 128), (5000, 500), (500, 2000), (1000, 1000)]
TRUE = np.array([2e-5, 4e-5, 0.0, 0.0, 3e-8])
DOMAIN = {"input_tokens": (100.0, 5000.0), "output_tokens": (100.0, 2000.0)}


def fitted(name):
    """Law of the vendor's first configuration of a model, which learns from the others of it."""
    rows = read("data/throughput/trtllm.csv", "throughput")
    rows = rows[rows["model"] == "Llama 3.1 405B"]
    kind = LAWS[name]
    tables = {table: read(f"data/{table}.csv", table) for table in kind.needs}
    return kind.fit_many(kind.prepare(rows, tables)).laws[0]


EXAMPLES = {
    "log-linear": LogLinear(7.0, -0.3, 0.2, 4000.0, 4, DOMAIN, 0.1),
    "peak": Peak(900.0, 2, DOMAIN, 0.2),
    "additive": Additive(np.array([1e-4, 2e-5, 1e-9, 3e-8, 5e-8]), 5, DOMAIN, 0.1, noise=0.1),
    "hierarchical": fitted("hierarchical"),
    "at-load": fitted("at-load"),
}
"""A law of every name of the registry."""

MADE_OF_OTHERS = {
    "varied": Varied.of(EXAMPLES["log-linear"], factor=2.0, output_exponent=-0.2),
    "varied, knows load": Varied.of(EXAMPLES["at-load"], factor=0.5, input_exponent=0.1),
    "pooled": Pooled.of(
        [
            Share(1.0, 1.0, EXAMPLES["hierarchical"], "a"),
            Share(2.0, 1.5, EXAMPLES["hierarchical"].scaled(0.5), "b"),
        ]
    ),
    "pooled, knows load": Pooled.of(
        [
            Share(1.0, 0.6, EXAMPLES["at-load"].at(8.0), "a", "e", 8.0),
            Share(1.0, 1.0, EXAMPLES["at-load"].at(64.0), "a", "e", 64.0),
            Share(2.0, 1.5, EXAMPLES["at-load"].at(16.0).scaled(2.0), "b", "e", 32.0, 2.0),
        ]
    ),
}
"""Laws that change or pool others."""


def rows_of(coefficients, shapes=SHAPES):
    """Rows whose throughput is equation (1) with these coefficients."""
    n_in, n_out = np.array(shapes, float).T
    throughput = 1 / (shape_terms(n_in, n_out) @ coefficients)
    columns = {"input_tokens": n_in, "output_tokens": n_out, "throughput_tps": throughput}
    return pd.DataFrame(columns)
