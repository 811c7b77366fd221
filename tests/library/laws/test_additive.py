"""A law of times that add up recovers what made the data and behaves as physics says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.laws.additive import Additive, shape_terms
from library.laws.examples import SHAPES, TRUE, rows_of

lengths = st.floats(1, 1e5)
tokens = st.one_of(st.just(0.0), lengths)


def test_additive_recovers_its_coefficients_exactly():
    law = Additive.fit(rows_of(TRUE))
    assert law.coefficients == pytest.approx(TRUE, rel=1e-9)
    assert law.residual_sigma == pytest.approx(0, abs=1e-9)


def test_additive_never_fits_a_negative_time():
    rising = rows_of(TRUE).assign(throughput_tps=lambda rows: rows["input_tokens"])
    assert (Additive.fit(rising).coefficients >= 0).all()


@given(factor=st.floats(1e-3, 1e3))
def test_additive_scales_with_the_throughput(factor):
    rows = rows_of(TRUE * [1, 2, 0, 0, 3])
    rows["throughput_tps"] *= [1.1, 0.9, 1.0, 1.05, 0.97, 1.02]
    scaled = rows.assign(throughput_tps=factor * rows["throughput_tps"])
    n_in, n_out = np.array([(300, 700), (20000, 2000)], float).T
    expected = factor * Additive.fit(rows).predict(n_in, n_out)
    assert Additive.fit(scaled).predict(n_in, n_out) == pytest.approx(expected, rel=1e-9)


@given(n_in=lengths, more=st.floats(1.01, 10), n_out=lengths)
def test_throughput_falls_with_the_input_length(pooled, n_in, more, n_out):
    for law in [Additive.fit(rows_of(TRUE)), pooled.laws[0]]:
        assert law.predict(n_in * more, n_out) < law.predict(n_in, n_out)


@given(n_in=tokens, n_out=tokens, more=lengths)
def test_time_of_a_query_grows_with_its_output(pooled, n_in, n_out, more):
    for law in [Additive.fit(rows_of(TRUE)), pooled.laws[0]]:
        short, long = (
            n_out / law.predict(n_in, n_out),
            (n_out + more) / law.predict(n_in, n_out + more),
        )
        assert 0 <= short < long < np.inf


def test_lengths_broadcast(pooled):
    law = pooled.laws[0]
    found = law.predict(np.array([[100.0], [200.0]]), np.array([10.0, 20.0, 30.0]))
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(law.predict(200, 30), rel=1e-12)


def test_residual_sigma_is_the_scatter_put_in():
    many = [(i, o) for i in (100, 300, 1000, 3000, 10000) for o in (100, 300, 1000, 3000)]
    rows = rows_of(TRUE, many)
    rows["throughput_tps"] *= np.exp(0.05 * np.random.default_rng(0).standard_normal(len(rows)))
    assert Additive.fit(rows).residual_sigma == pytest.approx(0.05, rel=0.3)


def test_parts_are_the_terms_of_the_equation():
    d, p, q, r, c = TRUE
    law = Additive(TRUE, 3)
    n_in, cached, n_out = 5000.0, 3000.0, 400.0
    computed = n_in - cached
    parts = law.parts(n_in, cached, n_out)
    read = (r + c) * cached * n_out
    assert parts.prefill == pytest.approx(p * computed + q * computed**2)
    assert parts.cached == pytest.approx(2 * q * computed * cached + read)
    own = d + r * (computed + n_out) + c * (computed + n_out / 2)
    assert parts.decode == pytest.approx(own * n_out)


def test_a_query_without_an_answer_costs_its_input_and_one_token():
    _, p, q, _, _ = TRUE
    law, n_in = Additive(TRUE, 3), np.array([0.0, 5000.0])
    seconds = law.seconds(n_in, 0.0, 0.0)
    assert seconds == pytest.approx(law.seconds(n_in, 1.0))
    assert (seconds > p * n_in + q * n_in**2).all()


ALL = np.array([2e-4, 3e-5, 5e-9, 7e-8, 1.1e-7])
"""Coefficients of which none is zero."""


@pytest.mark.parametrize("kind", [np.int32, np.float32, float])
def test_lengths_of_any_type_are_counted_in_full(kind):
    """By hand, d to c of equation (1); 100,000 squared is no whole number of 32 bits."""
    n_in, cached, n_out = np.array([100_003]), np.array([60_001]), np.array([301])
    of_kind = [length.astype(kind) for length in (n_in, n_out, cached)]
    expected = [1.0, 100_003 / 301, 100_003**2 / 301, 100_304.0, 100_153.5]
    np.testing.assert_allclose(shape_terms(*of_kind[:2]), [expected], rtol=1e-14)
    computed = [301, 40_002, 100_003**2 - 60_001**2, 100_304 * 301, 100_153.5 * 301]
    np.testing.assert_allclose(Additive(ALL, 5).seconds(*of_kind), [ALL @ computed], rtol=1e-14)


def test_the_error_is_that_of_the_sum_of_uncertain_parts():
    """By hand: d(ln sum) = sum of shares times errors of ln of each part, and a measurement's."""
    root = np.random.default_rng(0).normal(size=(5, 5))
    law = Additive(ALL, 5, log_covariance=root @ root.T, noise=0.1)
    n_in, n_out = np.array([[500.0], [9000.0]]), np.array([300.0, 1.0, 70.0])
    found = law.sigma(n_in, n_out)
    for i, j in np.ndindex(2, 3):
        parts = shape_terms(n_in[i, 0], n_out[j]) * ALL
        errors = root.T @ (parts / parts.sum())
        assert found[i, j] == pytest.approx(np.sqrt(np.sum(errors**2) + 0.01), rel=1e-12)


def test_a_fit_knows_the_lengths_of_its_rows():
    law = Additive.fit(rows_of(TRUE))
    assert law.domain == {"input_tokens": (128.0, 5000.0), "output_tokens": (128.0, 2048.0)}


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (SHAPES[:4], True),
        (SHAPES[:3], False),
        # as many rows, but d and c or p and c cannot be told apart
        ([(500, 300)] * 6, False),
        ([(128, 128), (128, 2048)] * 3, False),
        # columns of very different size are told apart by their shape
        ([(1, 1e5), (2, 2e5), (3, 2e5), (4, 1e5)], True),
    ],
)
def test_rows_tell_the_times_apart_and_have_one_to_spare(shapes, expected):
    assert Additive.has_spare(rows_of(TRUE, shapes)) is expected


def test_a_page_is_given_the_equation_in_plain_numbers():
    covariance = np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    law = Additive(ALL, 5, log_covariance=covariance, noise=np.float64(0.1))
    form = law.closed_form()
    assert form == {
        "kind": "additive",
        "coefficients": ALL.tolist(),
        "covariance": covariance.tolist(),
        "noise": 0.1,
    }
    rows = [form["coefficients"], *form["covariance"], [form["noise"]]]
    assert {type(number) for row in rows for number in row} == {float}


def test_the_terms_are_the_coefficients_and_how_they_were_found():
    assert Additive(ALL, 5, residual_sigma=0.3).terms() == [
        ("output_token", 2e-4, "s"),
        ("input_token", 3e-5, "s"),
        ("input_attention", 5e-9, "s/token"),
        ("reserved_token", 7e-8, "s/token"),
        ("context_token", 1.1e-7, "s/token"),
        ("residual_sigma", 0.3, "ln(tokens/s)"),
        ("n_rows", 5, "rows"),
    ]
