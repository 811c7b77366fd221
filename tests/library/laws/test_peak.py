"""A throughput that does not depend on the lengths."""

import numpy as np
import pandas as pd
from inference_energy.laws.peak import Peak


def test_the_peak_is_the_larger_row_whatever_the_lengths():
    rows = pd.DataFrame(
        {"input_tokens": [1.0, 2.0], "output_tokens": [3.0, 4.0], "throughput_tps": [720.0, 5200.0]}
    )
    law = Peak.fit(rows)
    assert (law.predict(np.array([1.0, 5000.0]), np.array([0.0, 1e6])) == 5200).all()
    assert law.kinks(500) == ()
    assert law.domain == {"input_tokens": (1, 2), "output_tokens": (3, 4)}


def test_lengths_that_no_row_states_may_be_any():
    columns = ["input_tokens", "output_tokens", "throughput_tps"]
    law = Peak.fit(pd.DataFrame([(np.nan, 300, 9.0), (np.nan, 200, 8.0)], columns=columns))
    assert law.domain == {"input_tokens": (0, np.inf), "output_tokens": (200, 300)}
    assert law.residual_sigma > 0


def test_a_page_and_a_table_are_given_the_peak():
    law = Peak(900.0, 2, residual_sigma=np.float64(0.2))
    assert law.closed_form() == {"kind": "peak", "peak": 900.0, "sigma": 0.2}
    assert type(law.closed_form()["sigma"]) is float
    assert law.terms() == [("peak", 900.0, "tokens/s"), ("n_rows", 2, "rows")]
