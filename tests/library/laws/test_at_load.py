"""The law that knows load."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy import exact
from inference_energy.laws import mixed
from inference_energy.laws.at_load import (
    ALONG,
    AS_MANY_AS_FIT,
    AT_A_LOAD,
    CONFIGURATION,
    DEVIATIONS,
    LEVELS,
    OWN,
    RUN,
    STEADY,
    AtLoad,
    AtLoadFit,
    describe,
    keys,
    throughput_before_fit,
)
from inference_energy.laws.mixed import TAIL
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import configuration_number
from inference_energy.laws.serving import PARTS
from inference_energy.method.build import build
from repository import METHODS, read

LENGTHS = np.array([[100.0], [5000.0]]), np.array([1.0, 300.0, 20_000.0])
LOADS = np.geomspace(1, 1000, 12)
ONE = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "tensor_parallel": 4,
    "precision": "FP8",
    "engine": "TensorRT-LLM",
    "engine_version": "0.19",
    "source_id": "someone",
    "input_tokens": 1000.0,
    "output_tokens": 500.0,
    "concurrency": np.nan,
    "throughput_tps": np.nan,
}


@pytest.fixture(scope="module")
def fitted(vendor, models, gpus):
    return AtLoadFit.fit(describe(vendor, models, gpus))


@pytest.fixture
def law(fitted):
    return fitted.laws[0]


@pytest.fixture
def conditioned(fitted, models, gpus):
    """Law of rows that are ``ONE`` but for some cells."""

    def of(*changes):
        rows = pd.DataFrame([ONE | change for change in changes])
        return fitted.condition(describe(rows, models, gpus))

    return of


def test_before_any_fit_a_throughput_is_that_of_the_priors(conditioned, models, gpus):
    """At whatever load, and in a finite run; no number of the fit is in it."""
    others = {"concurrency": 16.0}, {"requests": 3000.0, "engine": "vLLM"}
    rows = pd.DataFrame([ONE | {"requests": np.inf} | change for change in ({}, *others)])
    factors = np.log([median for median, _ in PARTS.values()])
    expected = [
        replace(
            conditioned(row), log_factors=factors, slopes=np.zeros(2), requests=row["requests"]
        ).predict(1000.0, 500.0)
        for row in rows.to_dict("records")
    ]
    found = throughput_before_fit(rows, models, gpus)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[1] < found[0]


def test_a_new_version_of_finite_runs_is_known_but_for_its_edition(conditioned):
    """The vendor's recipe is one for all versions, whatever its source is called."""
    known, new, other = (
        conditioned({"engine_version": version, "source_id": source})
        for version, source in (("0.19", "trtllm-0.19"), ("9.9", "trtllm-9.9"), ("9.9", "someone"))
    )
    lengths = (1000.0, 500.0)
    assert new.predict(*lengths) == other.predict(*lengths)
    assert known.sigma(*lengths) < new.sigma(*lengths) < 2 * known.sigma(*lengths)
    at_load = conditioned({"engine_version": "9.9", "concurrency": 64.0})
    assert new.sigma(*lengths) < at_load.sigma(*lengths)


def test_a_law_has_seen_the_lengths_of_its_own_model_alone(vendor, models, gpus):
    """What one model was measured at is an extrapolation of another."""
    own, other = (vendor[vendor["model"] == name] for name in ("Llama 3.1 405B", "Llama 3.1 70B"))
    kept = pd.concat([own[own["output_tokens"] <= 500], other], ignore_index=True)
    fitted = AtLoadFit.fit(describe(kept, models, gpus))
    asked = [ONE | {"model": m} for m in ("Llama 3.1 405B", "Llama 3.1 70B", "Mixtral 8x7B")]
    laws = fitted.laws_of(describe(pd.DataFrame(asked), models, gpus))
    longest = [law.domain["output_tokens"][1] for law in laws]
    every = other["output_tokens"].max()
    assert longest == [500, every, every]
    assert [law.extrapolates(1000.0, 2000.0) for law in laws] == [True, False, False]


def test_lengths_and_load_broadcast(law):
    for answer in (law.predict, law.sigma, law.seconds, law.extrapolates, law.batch):
        assert np.shape(answer(*LENGTHS)) == (2, 3)
        assert np.shape(answer(100.0, 300.0)) == ()
    assert law.at(LOADS).predict(100.0, 300.0).shape == LOADS.shape


def test_throughput_and_error_are_positive(law):
    assert (law.predict(*LENGTHS) > 0).all()
    assert (law.sigma(*LENGTHS) > 0).all()
    assert (law.sigma(*LENGTHS) >= law.scatter).all()


def test_no_output_has_the_throughput_of_one_token(law):
    assert law.predict(1000.0, 0.0) == law.predict(1000.0, 1.0) > 0
    assert law.seconds(1000.0, 0.0) > law.parts(1000.0, 0.0, 0.0).prefill > 0


def test_a_scaled_law_is_as_many_times_as_fast_and_as_certain(law):
    thrice = law.scaled(3.0)
    np.testing.assert_allclose(thrice.predict(*LENGTHS), 3 * law.predict(*LENGTHS), rtol=1e-12)
    np.testing.assert_allclose(thrice.sigma(*LENGTHS), law.sigma(*LENGTHS), rtol=1e-12)
    assert (thrice.name, thrice.domain) == (law.name, law.domain)
    assert sum(thrice.parts(1000.0, 500.0, 300.0)) == pytest.approx(thrice.seconds(1000, 300, 500))


def test_node_time_without_cache_is_tokens_over_throughput(law):
    seconds = LENGTHS[1] / law.predict(*LENGTHS)
    np.testing.assert_allclose(law.seconds(*LENGTHS), seconds, rtol=1e-12)


def test_cached_input_costs_less_than_computed_and_more_than_none(law):
    seconds = law.seconds(10_000.0, 300.0, np.linspace(0, 9000, 10))
    assert (np.diff(seconds) < 0).all()
    assert law.seconds(10_000.0, 300.0, 9000.0) > law.seconds(1000.0, 300.0)


def test_cached_input_leaves_the_prefill_of_the_computed_input_alone(law):
    few = law.at(4.0)
    whole, fresh = few.parts(1000.0, 600.0, 300.0), few.parts(400.0, 0.0, 300.0)
    assert whole.prefill == pytest.approx(fresh.prefill, rel=1e-4)


@pytest.mark.parametrize("model", ["Llama 3.1 70B", "DeepSeek-R1", "GLM-5"])
def test_what_cached_input_takes_is_its_share_of_attention_and_of_what_is_read(conditioned, model):
    law = replace(conditioned({"model": model}), slopes=np.zeros(2)).scaled(2.0)
    n_in, kept, n_out = 6000.0, np.array([0.0, 1500.0, 4500.0]), 800.0
    log_time, share = law._time_of(n_in, n_out, kept)
    times = pd.DataFrame(share * np.exp(log_time)[:, None] / 2, columns=list(PARTS))
    # pairs with a cached token, and cached entries of those read on average
    pairs, read = 2 * kept / (n_in + kept), kept / (n_in + n_out / 2)
    expected = pairs * (times["prefill_attention"] + times["prefill_selected"])
    expected += read * (times["cache"] + times["cache_latent"])
    parts = law.parts(n_in, kept, n_out)
    np.testing.assert_allclose(parts.cached, expected, rtol=1e-12)
    assert times[["cache", "cache_latent"]].to_numpy().any()
    assert times["prefill_selected"].any() == (model == "GLM-5")
    assert times["cache_latent"].any() == (model != "Llama 3.1 70B")


def test_parts_and_their_errors_of_many_lengths_are_those_of_each(law):
    n_in, kept = np.array([[1000.0], [5000.0]]), 300.0
    n_out = np.array([1.0, 300.0, 2000.0])
    with np.errstate(invalid="raise", divide="raise"):
        for answer in (law.parts, law.parts_sigma):
            found = np.array(answer(n_in, kept, n_out))
            each = [[answer(i, kept, n) for n in n_out] for i in n_in[:, 0]]
            np.testing.assert_allclose(found, np.moveaxis(np.array(each), -1, 0), rtol=1e-12)
        law.parts_sigma(1000.0, 0.0, 300.0)


def test_a_fit_begins_at_another_and_deviations_are_as_wide_as_its_scale(
    vendor, models, gpus, monkeypatch
):
    few, real, told = describe(vendor.head(40), models, gpus), mixed.fit, []
    monkeypatch.setattr(
        mixed, "fit", lambda *rows, **at: told.append((rows, at)) or real(*rows, **at)
    )
    with np.errstate(divide="raise"):
        first, _ = AtLoadFit.fits(few, (1.0, 0.5))
    (whole, half), starts = zip(
        *((r[2].structure.spreads, a["start"]) for r, a in told), strict=True
    )
    assert whole.tolist() == [x for _, of in LEVELS.values() for x in of.values()] + [
        *OWN.values(),
        *ALONG.values(),
    ]
    np.testing.assert_array_equal(half, whole / 2)
    assert starts[0] is None and starts[1] is first.found.state


def test_a_run_of_few_requests_has_them_in_flight_at_most(law):
    assert law.at(np.inf, 8.0).batch(1000.0, 500.0) <= 8 < law.batch(1000.0, 500.0)


def test_the_error_of_a_part_is_that_of_what_it_is_made_of(law):
    sigma = law.parts_sigma(1000.0, 0.0, 1000.0)
    assert sigma.cached == pytest.approx(law.scatter)
    assert min(sigma.prefill, sigma.decode) > law.scatter
    # where nearly all is decode, the error of the whole is that of decode
    assert law.parts_sigma(1.0, 0.0, 3000.0).decode == pytest.approx(
        law.sigma(1.0, 3000.0), rel=0.02
    )


def test_the_further_from_the_measured_lengths_the_less_sure_is_the_law(law):
    flat = replace(law, covariance=np.zeros_like(law.covariance))
    drifting = flat.covariance.copy()
    drifting[-2:, -2:] = 0.01 * np.eye(2)
    sloped = replace(flat, covariance=drifting)
    lengths = np.array([1000.0, 4000.0, 16000.0])
    assert (np.diff(sloped.sigma(lengths, 1000.0)) > 0).all()
    assert (np.diff(sloped.sigma(1000.0, lengths)) > 0).all()
    assert sloped.sigma(1000.0, 1000.0) == pytest.approx(law.scatter)


def test_a_slope_changes_the_time_of_every_part_alike(law):
    sloped = replace(law, slopes=np.array([0.1, -0.2]))
    factor = (4100 / 1100) ** 0.1 * (400 / 1100) ** -0.2
    straight = replace(law, slopes=np.zeros(2))
    np.testing.assert_allclose(
        sloped.parts(4000.0, 0.0, 300.0), factor * np.array(straight.parts(4000.0, 0.0, 300.0))
    )
    assert sloped.predict(4000.0, 300.0) == pytest.approx(straight.predict(4000.0, 300.0) / factor)


def test_the_parts_add_up(law):
    kept = np.array([0.0, 400.0, 1000.0])
    parts = law.parts(1000.0, kept, 300.0)
    np.testing.assert_allclose(sum(parts), law.seconds(1000.0, 300.0, kept), rtol=1e-12)
    assert parts.cached[0] == 0
    assert (np.diff(parts.cached) > 0).all()
    assert (np.diff(parts.prefill) < 0).all()
    assert (np.array(parts) >= 0).all()


def test_a_hidden_hosts_time_shows_only_where_it_is_the_longer(law):
    """The law of the vendor's engine hides it; that of one which does not adds it."""
    host = list(PARTS).index("token_hidden")
    assert law.traits["overlapped"] == 1
    straight = replace(law, slopes=np.zeros(2))

    def seconds(factor, **traits):
        factors = law.log_factors.copy()
        factors[[host, host - 1]] = np.log(factor)
        of = replace(straight, traits=law.traits | traits, log_factors=factors)
        return of.seconds(1000.0, 300.0)

    alone = seconds(1e-9)
    shown = 0.1 * alone / 300
    assert seconds(shown) == pytest.approx(1.01**0.5 * alone)
    assert seconds(shown, overlapped=0.0) == pytest.approx(1.1 * alone)
    assert seconds(100 * shown) == pytest.approx(101**0.5 * alone)


@pytest.mark.parametrize("overlapped", [1.0, 0.0])
def test_the_error_of_a_part_follows_from_its_change_with_the_factors(law, overlapped):
    """Finite differences, where the host's time is as long as the GPU's, hidden or not."""
    law = replace(law, traits=dict(law.traits) | {"overlapped": overlapped})
    host = list(PARTS).index("token_hidden")
    factors = law.log_factors.copy()
    factors[host] += np.log(law.seconds(1000.0, 300.0) / 300) - factors[host]
    both = replace(law, log_factors=factors, scatter=0.0)
    step, lengths = 1e-5, (1000.0, 400.0, 300.0)
    changes = np.array([*np.eye(len(PARTS)), *np.zeros((2, len(PARTS)))])
    slopes = np.array([*np.zeros((len(PARTS), 2)), *np.eye(2)])

    def logs(sign):
        return np.array(
            [
                np.log(
                    replace(
                        both,
                        log_factors=factors + sign * step * change,
                        slopes=both.slopes + sign * step * slope,
                    ).parts(*lengths)
                )
                for change, slope in zip(changes, slopes, strict=True)
            ]
        )

    change = (logs(1) - logs(-1)) / (2 * step)
    expected = np.sqrt(np.einsum("ip,ij,jp->p", change, law.covariance, change))
    np.testing.assert_allclose(both.parts_sigma(*lengths), expected, rtol=1e-6)


def test_throughput_grows_with_load_and_ends_at_what_fits(law):
    throughput = law.at(LOADS).predict(1000.0, 1000.0)
    assert (np.diff(throughput) > 0).all()
    assert throughput[0] * LOADS[-1] / LOADS[0] > throughput[-1]
    best = law.at(np.inf).predict(1000.0, 1000.0)
    assert throughput[-1] < best
    assert law.at(1e9).predict(1000.0, 1000.0) == pytest.approx(best)
    again = law.at(64).at(np.inf)
    assert (again.concurrency, again.requests) == (np.inf, np.inf)
    assert again.predict(1000.0, 1000.0) == best
    assert law.at(8, requests=8).predict(100.0, 100.0) < law.at(8).predict(100.0, 100.0)


def test_terms_are_named_once_and_have_units(law):
    terms = law.at(64.0).terms()
    names = [name for name, _, _ in terms]
    assert len(set(names)) == len(names)
    assert ("n_rows", law.n_rows, "rows") in terms
    assert ("concurrency", 64.0, "requests") in terms
    assert "concurrency" not in [name for name, _, _ in law.terms()]
    units = {name: unit for name, _, unit in terms}
    assert set(units.values()) == {"s", "1", "requests", "ln(tokens/s)", "rows"}
    assert units["factor_token"] == units["factor_token_hidden"] == "s"
    assert units["factor_weights"] == units["slope_input"] == units["copies"] == "1"
    assert ("scatter", law.scatter, "ln(tokens/s)") in terms
    assert ("slope_output", law.slopes[1], "1") in terms
    assert ("copies", 3.0, "1") in law.scaled(3.0).terms()


def test_a_page_is_told_all_but_the_load(law):
    told = replace(law, traits=law.traits | {"bandwidth": np.inf}).scaled(2.0).closed_form()
    traits = {name: float(value) for name, value in law.traits.items()} | {"bandwidth": None}
    assert told.pop("traits") == {n: None if v == np.inf else v for n, v in traits.items()}
    upper = told.pop("covariance")
    places = [(i, j) for i in range(len(law.covariance)) for j in range(i, len(law.covariance))]
    assert upper == [law.covariance[place] for place in places]
    assert told == {
        "kind": "at-load",
        "factors": list(law.log_factors),
        "slopes": list(law.slopes),
        "scatter": law.scatter,
        "copies": 2.0,
    }


def test_every_configuration_of_the_fit_has_its_law(fitted, vendor):
    number = configuration_number(vendor)
    assert len(fitted.laws) == number.max() + 1
    assert [law.n_rows for law in fitted.laws] == list(np.bincount(number))
    errors = []
    for k, law in enumerate(fitted.laws):
        own = vendor[number == k]
        at = law.at(np.inf, own["requests"].astype(float).to_numpy())
        predicted = at.predict(own["input_tokens"].to_numpy(), own["output_tokens"].to_numpy())
        errors += list(np.log(predicted / own["throughput_tps"].to_numpy()))
        together, sigma = fitted.predict(fitted.rows[number == k])
        np.testing.assert_allclose(together, predicted, rtol=1e-9)
        np.testing.assert_allclose(
            sigma,
            at.sigma(own["input_tokens"].to_numpy(), own["output_tokens"].to_numpy()),
            rtol=1e-9,
        )
    assert np.median(np.abs(errors)) < 0.05


def test_an_unseen_configuration_model_and_engine_is_less_and_less_certain(conditioned):
    known = {"source_id": "trtllm-0.19", "source_version": "another"}
    changes = ({}, {"model": "Qwen2.5 72B"}, {"model": "Qwen2.5 72B", "engine": "vLLM"})
    sigmas = [float(conditioned(known | change).sigma(1000.0, 500.0)) for change in changes]
    assert sigmas == sorted(sigmas)
    assert sigmas[1] > 1.2 * sigmas[0]


def test_a_release_is_less_certain_as_another_source_runs_it(vendor, models, gpus):
    at_load = describe(vendor.assign(concurrency=64.0), models, gpus)
    rows = at_load.iloc[[-1, -1]].assign(source_id=["trtllm-0.19", "someone"], source_version="x")
    same, other = AtLoadFit.fit(at_load).laws_of(rows)
    assert float(other.sigma(1000.0, 500.0)) > 1.05 * float(same.sigma(1000.0, 500.0))


def test_a_measured_row_moves_the_law_as_far_as_both_errors_say(conditioned):
    """One row of a normal law: where the gradient is zero, and the covariance left (Sherman)."""
    lengths = {"input_tokens": 4000.0, "output_tokens": 150.0}
    before = conditioned(lengths)
    measured = 1.3 * float(before.predict(*lengths.values()))
    after = conditioned(lengths | {"throughput_tps": measured})
    error = np.log(measured / after.predict(*lengths.values()))
    _, change = after._log_time(*lengths.values())
    moved = [getattr(after, name) - getattr(before, name) for name in ("log_factors", "slopes")]
    along = before.covariance @ change
    np.testing.assert_allclose(
        np.concatenate(moved), -along * error / before.scatter**2, rtol=1e-6, atol=1e-9
    )
    left = before.covariance - np.outer(along, along) / (before.scatter**2 + change @ along)
    np.testing.assert_allclose(after.covariance, left, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("loud", "quiet"), [(STEADY, AS_MANY_AS_FIT), (AS_MANY_AS_FIT, STEADY)])
def test_a_protocol_has_a_scatter_of_its_own_and_an_unseen_one_the_largest(
    vendor, models, gpus, loud, quiet
):
    rows = describe(vendor, models, gpus)
    steady = ~rows["model"].str.startswith("Llama").to_numpy()
    noise = np.where(steady == (loud == STEADY), 0.2, 0.01) * np.random.default_rng(
        1
    ).standard_normal(len(rows))
    fit = AtLoadFit.fit(
        rows.assign(
            protocol=np.where(steady, STEADY, AS_MANY_AS_FIT),
            throughput_tps=rows["throughput_tps"] * np.exp(noise),
        )
    )
    by_name = dict(zip(fit.protocols, fit.found.scatter, strict=True))
    assert list(by_name) == [AS_MANY_AS_FIT, STEADY]
    assert by_name[loud] > 1.5 * by_name[quiet]
    unseen = rows.iloc[[0, 0, 0]].assign(protocol=[STEADY, AS_MANY_AS_FIT, AT_A_LOAD])
    # of a Student's t of so many degrees of freedom
    expected = [by_name[STEADY], by_name[AS_MANY_AS_FIT], by_name[loud]]
    found = [law.scatter for law in fit.laws_of(unseen)]
    assert found == pytest.approx(np.array(expected) * np.sqrt(TAIL / (TAIL - 2)))


def test_every_law_of_several_has_the_scatter_of_its_own(law):
    laws = [replace(law, scatter=scatter) for scatter in (0.01, 0.1, 0.4)]
    query = (1000.0, 600.0, 300.0)
    _, sigma = AtLoad.joined(laws).parts(*query)
    np.testing.assert_allclose(sigma, [each.parts_sigma(*query) for each in laws], rtol=1e-12)


def test_how_a_model_is_served_is_the_first_level_that_may_be_odd(fitted):
    assert list(LEVELS)[fitted.found.structure.normal] == "served"


@pytest.mark.parametrize(
    ("part", "moved_by"),
    [
        ("weights", ["all", "weights"]),
        ("link", ["all", "token"]),
        ("token_hidden", ["all", "host"]),
        ("prefill_attention", ["all", "prefill"]),
        ("step_latent", ["all", "step"]),
    ],
)
def test_a_part_is_moved_by_the_deviations_that_name_it(fitted, part, moved_by):
    moves = fitted.found.structure.moves[list(PARTS).index(part)]
    assert [name for name, move in zip(DEVIATIONS, moves, strict=True) if move] == moved_by


def test_keys_are_the_same_for_the_same_thing_alone():
    rows = pd.DataFrame(
        {
            "engine_version": ["v0.19", "0.19", None],
            "gpu": ["v100", "100", "100"],
            "nodes": [None, 1.0, 2.0],
        }
    )
    assert list(keys(rows, ["engine_version"])) == ["0.19", "0.19", ""]
    assert list(keys(rows, ["gpu", "nodes"])) == ["v100|1", "100|1", "100|2"]
    assert list(keys(rows, ["tensor_parallel", "protocol"])) == ["1|"] * 3


def test_an_edition_is_one_whoever_ran_it(conditioned):
    ours, theirs = (
        conditioned({"source_id": name, "source_version": "another"})
        for name in ("trtllm-0.19", "someone")
    )
    assert ours.predict(1000.0, 500.0) == theirs.predict(1000.0, 500.0)
    assert ours.sigma(1000.0, 500.0) == theirs.sigma(1000.0, 500.0)


def test_measured_rows_draw_the_law_towards_them(conditioned):
    before = conditioned({})
    measured = 1.3 * float(before.predict(1000.0, 500.0))
    after = conditioned({"throughput_tps": measured})
    predicted = float(after.predict(1000.0, 500.0))
    assert before.predict(1000.0, 500.0) < predicted < measured
    assert after.sigma(1000.0, 500.0) < before.sigma(1000.0, 500.0)
    assert (before.n_rows, after.n_rows) == (0, 1)
    many = conditioned(*({"throughput_tps": measured, "input_tokens": n} for n in (999.0, 1000.0)))
    assert many.n_rows == 2


def test_a_law_is_at_the_load_of_its_rows(conditioned):
    law = conditioned({"concurrency": 16.0})
    assert law.batch(1000.0, 500.0) == pytest.approx(16, rel=1e-2)
    assert law.at(64).predict(1000.0, 500.0) > law.predict(1000.0, 500.0)


def test_how_a_row_was_measured_follows_from_its_load_unless_it_is_stated(models, gpus):
    rows = pd.DataFrame([ONE, ONE | {"concurrency": 8.0}])
    assert list(describe(rows, models, gpus)["protocol"]) == [AS_MANY_AS_FIT, AT_A_LOAD]
    stated = describe(rows.assign(protocol=[STEADY, None]), models, gpus)
    assert list(stated["protocol"]) == [STEADY, AT_A_LOAD]


def test_a_configuration_tells_its_groups():
    """Else rows of one configuration would have different factors."""
    columns = {column for columns, _ in LEVELS.values() for column in columns} | set(RUN)
    assert columns - {"network", "recipe", "edition"} <= set(CONFIGURATION)


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "dynamo-trt"},
        {"engine": "trtllm", "engine_version": "v0.19"},
        {"nodes": 1, "pipeline_parallel": 1.0, "expert_parallel": None},
        {"tensor_parallel": 4.0},
    ],
    ids=str,
)
def test_one_thing_has_one_spelling(conditioned, change):
    """Else an engine or a layout would count as unseen."""
    stated, same = conditioned({}), conditioned(change)
    assert same.predict(1000.0, 500.0) == pytest.approx(stated.predict(1000.0, 500.0))
    assert same.sigma(1000.0, 500.0) == pytest.approx(stated.sigma(1000.0, 500.0))
    assert conditioned({"engine": "mine"}).sigma(1000.0, 500.0) > stated.sigma(1000.0, 500.0)


def test_the_registry_fits_it(fitted, vendor, hardware):
    kind = LAWS["at-load"]
    assert kind.pooled
    again = kind.fit_many(kind.prepare(vendor, hardware)).laws[0]
    assert again.predict(500.0, 500.0) == pytest.approx(fitted.laws[0].predict(500.0, 500.0))
    assert replace(again, n_rows=1).name == "at-load"


def test_a_method_can_name_it(hardware):
    """Energies of a query follow from it as from every other law, at as many requests as fit."""
    method = deepcopy(METHODS["oviedo2026"])
    method["benchmarks"] = {
        "table": "data/throughput/trtllm.csv",
        "precision": ["FP8"],
        "gpus": ["H100-SXM-80GB", "H200-SXM-141GB"],
        "models": ["Llama 3.1 405B", "Llama 3.1 70B", "Mixtral 8x22B"],
    }
    method["node_power"]["models"] = {}
    table = read("data/throughput/trtllm.csv", "throughput")
    reference = {"input_tokens": 1000, "output_tokens": 1000, "unit": "tokens"}
    medians = {}
    for name in ("hierarchical", "at-load"):
        method["throughput_law"] = {"name": name, "gpus_per_node": 8, "reference": reference}
        setup = build(method, table, {}, hardware)
        answers = exact.regime_energy(setup, setup.regimes["traditional"])
        medians[name] = exact.blend_energy(setup, *answers).quantile(0.5)
    assert {model.law.name for model in setup.models} == {"at-load"}
    assert medians["at-load"] == pytest.approx(medians["hierarchical"], rel=0.2)
