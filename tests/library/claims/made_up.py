"""Results of two engines for one subject."""

import pandas as pd
from inference_energy.claims.selectors import Results


def results(published=0.34, exact=0.34):
    """Results of two engines for one subject."""
    table = pd.DataFrame(
        {
            "engine": ["published", "exact"],
            "subject": "a",
            "statistic": "p50",
            "value": [published, exact],
        }
    )
    return Results({"n": {"value": 15}}, {"energy": table}, {"estimate": {"iea": 1.7}})
