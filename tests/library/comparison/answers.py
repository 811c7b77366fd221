"""Answers that tests of the what-if page make up."""

import numpy as np
import pandas as pd
from inference_energy.comparison.sides import Side
from inference_energy.comparison.whatif import Answer


def side(median):
    """An answer of a bell of densities."""
    energy = np.geomspace(median / 10, median * 10, 60)
    curve = pd.DataFrame({"energy_wh": energy, "density": np.exp(-(np.log(energy / median) ** 2))})
    table = pd.DataFrame(
        {
            "engine": "exact",
            "regime": ["traditional", "long"],
            "subject": "frontier blend",
            "pathway": "baseline",
            "statistic": "p50",
            "value": median,
        }
    )
    curves = {"traditional": curve, "long": curve}
    return Answer(Side("x", {"kind": "paper"}), {"energy_per_query": table}, curves)
