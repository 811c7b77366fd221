"""The paper's law: a power of either length, capped at the largest throughput seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak

laws = st.builds(
    LogLinear,
    intercept=st.floats(2, 12),
    input_exponent=st.floats(-1, 0),
    output_exponent=st.floats(-0.9, 0.9),
    peak=st.floats(100, 20_000),
    n_rows=st.just(5),
)


def rows_of(law, shapes):
    rows = pd.DataFrame(shapes, columns=["input_tokens", "output_tokens"], dtype=float)
    return rows.assign(throughput_tps=law.predict(rows["input_tokens"], rows["output_tokens"]))


@given(laws, st.floats(1, 1e4), st.floats(0, 1e6))
def test_throughput_never_exceeds_the_largest_benchmark(law, length, output):
    assert 0 < law.predict(length, output) <= law.peak


@given(laws, st.floats(1, 1e4))
def test_the_cap_sets_in_at_the_kink(law, length):
    for kink in law.kinks(length):
        # not among lengths that have the throughput of the floor
        if law.floor * 1.1 < kink < 1e12:
            below, above = law.predict(length, np.array([kink * 0.99, kink * 1.01])) / law.peak
            assert max(below, above) == pytest.approx(1)
            assert min(below, above) < 1 or abs(law.output_exponent) < 1e-12


@given(laws)
def test_a_law_is_recovered_from_its_own_rows(law):
    rows = rows_of(law.uncapped(), [(a, b) for a in (128, 500, 2048) for b in (128, 2000)])
    fitted = LogLinear.fit(rows)
    assert [value for _, value, _ in fitted.terms()] == pytest.approx(
        [
            law.intercept,
            law.input_exponent,
            law.output_exponent,
            rows["throughput_tps"].max(),
            len(rows),
        ],
        rel=1e-9,
        abs=1e-9,
    )


@pytest.mark.parametrize(("place", "other"), [(0, 1), (1, 0)])
def test_a_length_that_does_not_vary_has_no_exponent(place, other):
    true = LogLinear(9.0, -0.5, -0.5, np.inf, 3)
    # repetitions do not hit a mean length exactly
    held, varied = (500.0, 505.0, 497.0), (300.0, 1200.0, 4800.0)
    shapes = [(h, v) if place == 0 else (v, h) for h, v in zip(held, varied, strict=True)]
    law = LogLinear.fit(rows_of(true, shapes))
    exponents = law.input_exponent, law.output_exponent
    assert exponents[place] == 0
    assert exponents[other] == pytest.approx(-0.5, abs=0.01)
    assert law.predict(500.0, 500.0) == pytest.approx(true.predict(500.0, 500.0), rel=0.02)


def test_three_rows_leave_no_residual_and_four_do():
    shapes = [(128, 128), (128, 2048), (2048, 128), (500, 2000)]
    rows = rows_of(LogLinear(9.0, -0.5, 0.1, np.inf, 4), shapes)
    rows["throughput_tps"] *= [1.1, 1.0, 0.9, 1.0]
    assert LogLinear.fit(rows[:3]).residual_sigma == pytest.approx(0, abs=1e-12)
    assert LogLinear.fit(rows).residual_sigma > 0.05
    # what is written has no digits of the processor's rounding
    assert LogLinear.fit(rows[:3]).closed_form()["sigma"] == 0
    assert LogLinear.fit(rows).closed_form()["sigma"] > 0.05


def test_the_domain_is_that_of_the_rows():
    rows = rows_of(LogLinear(9.0, -0.5, 0.1, np.inf, 3), [(128, 300), (500, 100), (60, 4000)])
    assert LogLinear.fit(rows).domain == {"input_tokens": (60, 500), "output_tokens": (100, 4000)}


def test_the_cap_sets_in_where_the_power_of_the_lengths_reaches_it():
    law = LogLinear(6.0, -0.5, 0.4, 1000.0, 5)
    (kink,) = law.kinks(100.0)
    # e^6 (1 / 10) kink^0.4 = 1000
    assert kink == pytest.approx((10_000 / np.exp(6)) ** 2.5, rel=1e-12)
    # without a slope along the output there is none, and next to none reaches beyond all floats
    assert LogLinear(6.0, -0.5, 0.0, 1000.0, 5).kinks(100.0) == ()
    with np.errstate(over="raise"):
        assert LogLinear(6.0, -0.5, 1e-6, 1000.0, 5).kinks(100.0) == (np.inf,)


def test_an_answer_of_no_token_has_the_throughput_of_one_but_in_the_released_code():
    law = LogLinear(7.0, -0.3, 0.2, 4000.0, 4)
    assert law.predict(500.0, 0.0) == law.predict(500.0, 1.0)
    assert law.predict(0.0, 100.0) == law.predict(1.0, 100.0)
    # (1e-6)^0.2
    assert law.released().predict(500.0, 0.0) == pytest.approx(law.predict(500.0, 1.0) * 10**-1.2)
    assert Peak(900.0, 2).released() == Peak(900.0, 2)


def test_a_page_and_a_table_are_told_the_coefficients():
    law = LogLinear(7.0, -0.3, 0.2, 4000.0, 4, residual_sigma=0.1)
    assert law.closed_form() == {
        "kind": "log-linear",
        "intercept": 7.0,
        "exponents": [-0.3, 0.2],
        "floor": 1.0,
        "peak": 4000.0,
        "sigma": 0.1,
    }
    assert law.terms() == [
        ("intercept", 7.0, "ln(tokens/s)"),
        ("input_exponent", -0.3, "1"),
        ("output_exponent", 0.2, "1"),
        ("peak", 4000.0, "tokens/s"),
        ("n_rows", 4, "rows"),
    ]
