"""Rows that a known law made, and one law of every class."""

import numpy as np
import pandas as pd
from inference_energy.laws.additive import Additive, shape_terms
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak

SHAPES = [(128, 128), (128, 2048), (2048, 128), (5000, 500), (500, 2000), (1000, 1000)]
TRUE = np.array([2e-5, 4e-5, 0.0, 0.0, 3e-8])
DOMAIN = {"input_tokens": (100.0, 5000.0), "output_tokens": (100.0, 2000.0)}

EXAMPLES = {
    "log-linear": LogLinear(7.0, -0.3, 0.2, 4000.0, 4, DOMAIN, 0.1),
    "peak": Peak(900.0, 2, DOMAIN, 0.2),
    "additive": Additive(np.array([1e-4, 2e-5, 1e-9, 3e-8, 5e-8]), 5, DOMAIN, 0.1, noise=0.1),
}


def rows_of(coefficients, shapes=SHAPES):
    """Rows whose throughput is equation (1) with these coefficients."""
    n_in, n_out = np.array(shapes, float).T
    throughput = 1 / (shape_terms(n_in, n_out) @ coefficients)
    columns = {"input_tokens": n_in, "output_tokens": n_out, "throughput_tps": throughput}
    return pd.DataFrame(columns)
