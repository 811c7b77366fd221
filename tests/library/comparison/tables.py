"""Results of two methods, and their comparison."""

import pandas as pd
from inference_energy.comparison.compare import comparison
from inference_energy.comparison.medians import ExactMedians
from library.comparison.methods import V1, V2, paper

FLEET = pd.DataFrame(
    {
        "engine": "exact",
        "scenario": ["traditional", "long"],
        "pathway": "baseline",
        "statistic": "p50",
        "value": [2.0, 8.0],
        "unit": "GWh/day",
    }
)


def claims(*verdicts):
    return pd.DataFrame(
        {
            "claim": [name for name, _ in verdicts],
            "engine": "published",
            "verdict": [verdict for _, verdict in verdicts],
        }
    )


BASE_CLAIMS = claims(("a", "reproduced"), ("b", "reproduced"), ("c", "not testable"))
HEAD_CLAIMS = claims(("a", "reproduced"), ("b", "not reproduced"), ("d", "reproduced"))


def whole(head=V1, base=V2):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    other = {"fleet": FLEET.assign(value=[2.0, 6.0]), "claims": HEAD_CLAIMS}
    return comparison(base, head, results, other, ExactMedians(paper))
