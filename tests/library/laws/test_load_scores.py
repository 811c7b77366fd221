"""Scores of the law that knows load."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws import load_scores as module
from inference_energy.laws.at_load import AtLoadFit, describe
from inference_energy.laws.load_scores import (
    BEFORE,
    ELSEWHERE,
    SCALED,
    SCALES,
    SPLITS,
    bounds,
    leave_out,
    measured_elsewhere,
    predictions,
    score,
    score_load,
    statistics,
    unseen_sources,
)
from inference_energy.laws.page import load_page, predicted_page
from inference_energy.laws.peak import Peak
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import copy_gpus
from inference_energy.laws.serving import TRAITS
from inference_energy.laws.training import LAYOUT_AS_GIVEN
from repository import ROOT, read


@pytest.fixture(scope="module")
def rows(vendor, models, gpus):
    return describe(vendor, models, gpus)


@pytest.fixture(scope="module")
def fitted(rows):
    return AtLoadFit.fit(rows)


def test_the_ends_of_an_interval_by_hand():
    low, high = bounds(100.0, 0.1, 90)
    assert low == pytest.approx(100 * np.exp(-0.1644854))
    assert high == pytest.approx(100 * np.exp(0.1644854))


def test_the_statistics_by_hand():
    found = {name: value for name, value, _ in statistics([100.0] * 3, [100.0, 50.0, 110.0], 0.1)}
    assert found["median_factor"] == pytest.approx(1.1)
    assert found["bias"] == 1
    assert found["mean_absolute_error"] == pytest.approx(20)
    assert found["coverage_50"] == pytest.approx(100 / 3)
    assert found["coverage_90"] == pytest.approx(200 / 3)
    width = 2 * 0.1644854
    expected = width + 20 * (np.log(2) - 0.1644854) / 3
    assert found["interval_score"] == pytest.approx(expected, rel=1e-5)


def test_the_tenth_of_eleven_is_the_ninetieth_percentile():
    """By hand: predictions 2 to 12 times what was measured."""
    ratio = np.arange(2, 13)
    found = statistics(np.full(11, 10), 10 * ratio, np.ones(11))
    values = {name: (value, unit) for name, value, unit in found}
    away = np.log(ratio)
    reach = 1.6448536 * np.array([-1, 1])
    beyond = np.maximum(away - reach[1], 0).mean()
    expected = {
        "median_factor": (7, "1"),
        "p90_factor": (11, "1"),
        "bias": (7, "1"),
        "mean_absolute_error": (600, "%"),
        "p90_absolute_error": (1000, "%"),
        "interval_score": (reach[1] - reach[0] + 20 * beyond, "ln(tokens/s)"),
        # ln 2 is beyond the central half, ln 5 within the central nine tenths
        "coverage_50": (0, "%"),
        "coverage_90": (100 * 4 / 11, "%"),
    }
    assert {name: unit for name, (_, unit) in values.items()} == {
        name: unit for name, (_, unit) in expected.items()
    }
    for name, (value, _) in expected.items():
        assert values[name][0] == pytest.approx(value, rel=1e-7), name


def test_what_is_predicted_exactly_lies_in_an_interval_without_width():
    found = {name: value for name, value, _ in statistics([100.0, 50.0], [100.0, 51.0], [0.0, 0.0])}
    assert found["coverage_50"] == found["coverage_90"] == 50


class Seen:
    """Stands for the fit: its predictions are the sum of what it has seen, and one."""

    def __init__(self, seen, scale, start):
        self.seen, self.scale, self.start = seen, scale, start

    @classmethod
    def fits(cls, rows, scales):
        first = cls(rows, scales[0], None)
        return [first, *(cls(rows, scale, first) for scale in scales[1:])]

    def predict(self, rows):
        started = self.start.scale if self.start else 0.0
        predicted = self.seen["tag"].sum() + 1
        return np.full(len(rows), predicted), np.full(len(rows), self.scale + started)


@pytest.fixture
def tagged(monkeypatch):
    """Rows whose tags are powers of two, so that a sum tells which were seen."""
    monkeypatch.setattr(module, "AtLoadFit", Seen)

    def of(**columns):
        rows = pd.DataFrame(columns)
        rows.index = 3 * rows.index[::-1]
        return rows.assign(tag=2.0 ** np.arange(len(rows)), throughput_tps=100.0)

    return of


def unseen(rows, predicted):
    """Numbers of the rows that the prediction of every row has not seen."""
    missing = (rows["tag"].sum() + 1 - predicted).astype(int)
    return [[k for k in range(len(rows)) if m >> k & 1] for m in missing]


def test_every_group_is_left_out_by_itself(tagged):
    rows = tagged(network=["b", "a", "b", None, None])
    ((predicted, _),) = leave_out(rows, "model")
    assert unseen(rows, predicted) == [[0, 2], [1], [0, 2], [3, 4], [3, 4]]


def test_of_many_groups_every_eighth_is_left_out_at_once_in_order_of_appearance(tagged):
    names = ["x", "y", "a", "b", "c", "d", "e", "f", "z", "y"]
    rows = tagged(network=names, gpu="g")
    ((predicted, _),) = leave_out(rows, "configuration")
    assert unseen(rows, predicted) == [[0, 8], [1, 9], *([k] for k in range(2, 8)), [0, 8], [1, 9]]


def test_lengths_that_are_nearly_the_same_are_one_shape(tagged):
    """By hand: twice the ln of 100 is 9.2, of 115 9.5 and of 120 9.6."""
    rows = tagged(
        input_tokens=[100, 115, 120, 100, 1, 100], output_tokens=[100, 100, 100, 120, 9999, 115]
    )
    ((predicted, _),) = leave_out(rows, "shape")
    assert unseen(rows, predicted) == [[0, 1, 5], [0, 1, 5], [2], [3], [4], [0, 1, 5]]


def test_fits_at_other_scales_start_from_that_at_the_first(tagged):
    rows = tagged(network=["a", "b"])
    sigma = [of.tolist() for _, of in leave_out(rows, "model", (3.0, 0.5, 2.0))]
    assert sigma == [[3.0, 3.0], [3.5, 3.5], [5.0, 5.0]]


def test_rows_of_a_source_are_asked_without_what_they_measured():
    asked = []

    class Fit:
        def condition(self, row):
            asked.append((len(row), row["throughput_tps"].isna().all(), row["gpus"].iloc[0]))
            return (
                Peak(100.0 * row["gpus"].iloc[0], 1, residual_sigma=0.5) if len(asked) < 3 else None
            )

    rows = pd.DataFrame(
        {
            "model": ["a", "b", "a", "c"],
            "gpus": [1, 2, 1, 3],
            "input_tokens": 5,
            "output_tokens": 7,
            "throughput_tps": 9.0,
        },
        index=[4, 3, 2, 1],
    )
    predicted, sigma = unseen_sources(rows, Fit())
    np.testing.assert_array_equal(predicted, [100.0, 200.0, 100.0, np.nan], strict=True)
    np.testing.assert_array_equal(sigma, [0.5, 0.5, 0.5, np.nan], strict=True)
    assert asked == [(1, True, 1), (1, True, 2), (1, True, 3)]


def test_every_group_is_scored_by_its_own_rows():
    rows = pd.DataFrame(
        {"mixture": [0, 1, 1], "source_id": ["t", "s", "s"], "throughput_tps": [100, 100, 50]}
    )
    lines = score(rows, "model", "a law", np.array([200.0, 100.0, 100.0]), np.full(3, 0.1))
    assert list(lines.columns) == [
        *("left_out", "law", "source", "class", "statistic", "value", "unit", "n")
    ]
    bias = lines[lines["statistic"] == "bias"].drop(columns="statistic")
    assert bias.to_numpy().tolist() == [
        ["model", "a law", "all", "all", 2.0, "1", 3],
        ["model", "a law", "all", "dense", 2.0, "1", 1],
        ["model", "a law", "all", "mixture", 1.5, "1", 2],
        ["model", "a law", "s", "all", 1.5, "1", 2],
        ["model", "a law", "s", "mixture", 1.5, "1", 2],
        ["model", "a law", "t", "all", 2.0, "1", 1],
        ["model", "a law", "t", "dense", 2.0, "1", 1],
    ]
    # of the three only the second is near what was measured
    inside = lines.loc[lines["statistic"] == "coverage_90", "value"]
    assert inside.tolist() == pytest.approx([100 / 3, 0, 50, 50, 50, 0, 0])


def test_predictions_are_rows_with_the_ends_of_their_intervals():
    rows = pd.DataFrame({"mixture": [0, 1], "throughput_tps": [50.0, 60.0]}, index=[3, 1])
    found = predictions(rows, np.array([100.0, 200.0]), np.array([0.1, 0.2]))
    reach = np.exp(1.6448536 * np.array([0.1, 0.2]))
    assert found["measured"].tolist() == [50, 60] and found["class"].tolist() == [
        "dense",
        "mixture",
    ]
    assert found["p5"].tolist() == pytest.approx(np.array([100, 200]) / reach)
    assert found["p95"].tolist() == pytest.approx(np.array([100, 200]) * reach)
    assert found["sigma"].tolist() == [0.1, 0.2] and found["predicted"].tolist() == [100, 200]


@pytest.fixture
def scored(tagged, monkeypatch):
    """Tables of made-up rows, the folds that were asked for, and the rows."""
    rows = tagged(
        network=["a", "a", "b"], gpu="g", engine="e", source_id=["s", "t", "t"], protocol=None
    )
    rows["protocol"] = ["as many as fit", "as many as fit", "at a load"]
    rows = rows.assign(input_tokens=100, output_tokens=100, **dict.fromkeys(TRAITS, 0.0))
    rows["mixture"] = [0.0, 0.0, 1.0]

    class Fit:
        def __init__(self, rows):
            self.count = len(rows)

        def condition(self, row):
            return Peak(100.0 * self.count, 1, residual_sigma=0.5)

    kind = replace(LAWS["peak"], fit_many=Fit, describe=lambda rows: rows)
    monkeypatch.setitem(LAWS, "before", kind)
    monkeypatch.setattr(module, "measured_elsewhere", lambda rows: np.array([True, True, False]))
    folds = []

    def apply(function, outs):
        folds.append(len(outs))
        return map(function, outs)

    return *score_load(rows, "before", {}, apply), folds, rows


def test_everything_is_left_out_in_turn_and_some_of_it_at_other_scales(scored):
    scores, _, folds, _ = scored
    # one shape, GPU and engine, two configurations, models, versions and sources
    assert folds == [1, 2, 2, 1, 1, 2, 2]
    assert scores.index.tolist() == list(range(len(scores)))
    asked = scores.drop_duplicates(["left_out", "law"]).groupby("left_out", sort=False)["law"]
    assert asked.agg(list).to_dict() == {
        split: list(SCALES) if split in SCALED else ["at-load"] for split in SPLITS
    } | {"source": ["at-load", "before"]}


def test_predictions_are_those_with_the_model_left_out_at_the_scale_of_the_law(scored):
    _, left_out, _, rows = scored
    assert unseen(rows, left_out["predicted"]) == [[0, 1], [0, 1], [2]]
    assert left_out["sigma"].tolist() == [1.0, 1.0, 1.0]


def test_rows_measured_elsewhere_are_scored_once_more_with_their_source_left_out(scored):
    """By hand: the tags are 1, 2 and 4; the row of s is told 7, the first of t is told 2."""
    scores, _, _, _ = scored
    again = scores[scores["class"].eq(ELSEWHERE)]
    assert set(again["left_out"]) == {"source"} and set(again["law"]) == {"at-load"}
    bias = again[again["statistic"] == "bias"].set_index("source")[["value", "n"]]
    assert bias.T.to_dict("list") == {
        "all": pytest.approx([0.045, 2]),
        "s": pytest.approx([0.07, 1]),
        "t": pytest.approx([0.02, 1]),
    }


def test_the_law_before_is_fitted_to_finite_runs_and_asked_for_the_others(scored):
    scores, _, _, _ = scored
    of = scores[scores["law"].eq("before") & scores["statistic"].eq("bias")]
    assert of[["left_out", "source", "class", "value", "n"]].to_numpy().tolist() == [
        ["source", "all", "all", 2.0, 1],
        ["source", "all", "mixture", 2.0, 1],
        ["source", "t", "all", 2.0, 1],
        ["source", "t", "mixture", 2.0, 1],
    ]


@pytest.mark.parametrize("split", ["configuration", "model"])
def test_what_is_left_out_tells_nothing_of_itself(rows, fitted, split):
    ((predicted, sigma),) = leave_out(rows, split)
    assert np.isfinite(predicted).all()
    group = rows.groupby([c for c in SPLITS[split] if c in rows], dropna=False).ngroup()
    own = (group == group.iloc[0]).to_numpy()
    wrong = rows.assign(throughput_tps=np.where(own, 10.0, 1.0) * rows["throughput_tps"])
    ((again, _),) = leave_out(wrong, split)
    np.testing.assert_allclose(again[own], predicted[own], rtol=1e-6)
    inside, _ = fitted.predict(rows)
    away = np.abs(np.log(np.stack([predicted, inside]) / rows["throughput_tps"].to_numpy()))
    assert np.median(away[0]) > np.median(away[1])
    assert (sigma > 0).all()


def test_scores_are_told_by_source_and_class(rows, fitted):
    lines = score(rows, "model", "at-load", *fitted.predict(rows))
    of = lines[lines["statistic"] == "bias"].set_index(["source", "class"])["n"]
    assert of["all", "all"] == len(rows)
    assert of["all", "dense"] + of["all", "mixture"] == len(rows)
    assert of["trtllm-0.17", "all"] + of["trtllm-0.19", "all"] == len(rows)
    assert ("trtllm-0.19", "mixture") not in of.index


def test_a_deployment_that_another_version_ran_is_measured_elsewhere(rows):
    alone = rows.assign(source_id=np.where(rows["source_id"] == "trtllm-0.17", "a", "b"))
    again = measured_elsewhere(alone)
    assert 0 < again.sum() < len(rows)
    both = alone[again].groupby(["network", "gpu", "tensor_parallel", "precision"])
    assert (both["source_id"].nunique() == 2).all()
    assert not measured_elsewhere(rows.assign(source_id="one")).any()


def test_an_aim_is_missed_by_either_number():
    committed = read("results/validation/load_scores.csv", "load_scores")
    page = load_page(committed, BEFORE)
    assert page.count("| reached |") + page.count("| **missed** |") == 8
    worse = committed["left_out"].eq("model") & committed["statistic"].eq("p90_factor")
    page = load_page(committed.assign(value=committed["value"].mask(worse, 1.51)), BEFORE)
    found = next(row for row in page.splitlines() if row.startswith("| model | 2,515 | median x"))
    assert found.endswith("P90 x 1.51 | **missed** |")


def test_another_law_is_told_the_load(vendor, hardware):
    kind = LAWS[BEFORE]
    rows = kind.prepare(vendor, hardware)
    few = rows.iloc[[0, 0]].assign(concurrency=[8.0, 64.0])
    predicted, sigma = unseen_sources(few, kind.fit_many(rows))
    assert predicted[0] < predicted[1]
    assert (sigma > 0).all()


def as_read(table):
    """The table with the layouts that ``read_throughput`` gives every row, all of one GPU."""
    return table.assign(**{f"{n}{of}": 1 for n in LAYOUT_AS_GIVEN for of in ("", "_as_given")})


def test_the_pages_tell_the_scores(rows, hardware, monkeypatch):
    for split in ("shape", "GPU", "engine"):
        monkeypatch.delitem(SPLITS, split)
    mixed = rows.assign(protocol=np.where(rows["source_id"] == "trtllm-0.17", "at a load", None))
    mixed["protocol"] = mixed["protocol"].fillna("as many as fit")
    scores, left_out = score_load(mixed, BEFORE, hardware)
    page = load_page(scores, BEFORE)
    assert set(scores["left_out"]) == set(SPLITS)
    again = scores[scores["class"].eq(ELSEWHERE) & scores["statistic"].eq("bias")]
    assert set(again["source"]) <= {"all", "trtllm-0.17", "trtllm-0.19"}
    assert set(scores.loc[scores["law"] == BEFORE, "source"]) == {"all", "trtllm-0.17"}
    assert "| model, mixture | 36 |" in page
    assert len(left_out) == len(rows)
    page = predicted_page(as_read(left_out.assign(committed="yes", beyond="")), "mine.csv")
    assert f"no predictions: {len(rows)} of {len(rows)} rows" in page


def test_shares_of_fewer_than_five_rows_are_counted(rows, fitted):
    few = rows.head(3)
    table = predictions(few, *fitted.predict(few)).assign(committed="no", beyond="")
    # the middle of the interval, a value inside of the wide one alone, one outside of both
    table["measured"] = table["predicted"] * np.exp(table["sigma"] * [0, 1, 3])
    page = predicted_page(as_read(table), "mine.csv")
    line = next(row for row in page.splitlines() if row.startswith("| all |"))
    assert line.endswith("| 1 of 3 | 2 of 3 |")


def test_an_engine_is_one_group_however_the_table_spells_it(rows, fitted):
    few = rows.head(3)
    table = predictions(few, *fitted.predict(few)).assign(
        committed="no", engine=["trtllm", "TensorRT-LLM", None], beyond=""
    )
    lines = predicted_page(as_read(table), "mine.csv").splitlines()
    (line,) = (row for row in lines if row.startswith("| engine "))
    assert line.startswith("| engine TensorRT-LLM | 2 |")


def test_the_page_says_what_in_how_many_rows_nobody_measured(rows, fitted):
    few = rows.head(3)
    table = predictions(few, *fitted.predict(few)).assign(committed="no")
    page = predicted_page(as_read(table.assign(beyond=["GPU; load", "", "load"])), "mine.csv")
    assert "(column `beyond`): 2 of 3 rows, for their load (2), GPU (1)." in page
    assert "`beyond`" not in predicted_page(as_read(table.assign(beyond="")), "mine.csv")


def test_predictions_stand_between_their_quantiles(rows, fitted):
    table = predictions(rows, *fitted.predict(rows))
    assert (table["p5"] < table["predicted"]).all()
    assert (table["predicted"] < table["p95"]).all()
    assert set(table["class"]) == {"dense", "mixture"}


ERRORS = ("mean_absolute_error", "p90_absolute_error")


def test_the_page_on_the_law_says_how_often_its_intervals_hold_and_what_it_misses():
    scores = read("results/validation/load_scores.csv", "load_scores")
    own = scores[scores["law"].eq("at-load") & scores["source"].eq("all")]
    coverage = own[own["statistic"] == "coverage_90"].set_index(["left_out", "class"])["value"]
    page = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())
    shape, version = coverage["shape", "all"], coverage["version", "mixture"]
    assert f"A shape that is left out lies in its 90 % interval in {shape:.0f} of 100" in page
    assert f"such a table lies in its 90 % interval in {version:.0f} of 100" in page
    source = coverage["source", "mixture"]
    assert f"left out with all of its versions in {source:.0f} of 100" in page
    of = scores[scores["law"].eq("at-load")].set_index(["left_out", "source", "class", "statistic"])
    errors = {
        (left, source): [of.loc[(left, source, "all", what), "value"] for what in ERRORS]
        for left in ("source", "shape")
        for source in ("trtllm-0.17", "trtllm-0.19")
    }
    (old, old90), (new, new90) = (errors["source", f"trtllm-0.{n}"] for n in (17, 19))
    whole = f"mean error of {old:.1f} % (v0.17) and {new:.1f} % (v0.19), P90 {old90:.1f} % and"
    assert f"{whole} {new90:.1f} %, where at most 7 % and 15 % were aimed at" in page
    (old, old90), (new, new90) = (errors["shape", f"trtllm-0.{n}"] for n in (17, 19))
    shapes = f"errors of {old:.1f} % (v0.17) and {new:.1f} % (v0.19), P90 {old90:.1f} % and"
    assert f"{shapes} {new90:.1f} %, where 4 % and 9 % were aimed at" in page
    old, new = (
        of.loc[("source", f"trtllm-0.{n}", ELSEWHERE, ERRORS[0]), "value"] for n in (17, 19)
    )
    assert f"off by {old:.1f} % and {new:.1f} %" in page


def test_the_page_on_the_law_says_of_what_the_vendors_tables_hold_little():
    vendor = read("data/throughput/trtllm.csv", "throughput")
    four_bit = vendor[vendor["precision"] == "FP4"]
    assert set(zip(four_bit["model"], four_bit["gpu"], strict=True)) == {("Llama 3.1 405B", "B200")}
    models = read("data/models.csv", "models")
    mixtures = set(models.loc[models["experts"].notna(), "model"])
    assert {name.split()[0] for name in mixtures & set(vendor["model"])} == {"Mixtral"}
    page = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())
    assert "These two are all the finite runs of mixtures and of FP4" in page


def test_the_page_on_the_law_says_how_long_runs_wait_for_their_host():
    runs = read("data/measured/mlenergy_v3.csv", "mlenergy")
    kind = runs["model_id"].str.replace(r"-(Instruct|Thinking)-2507", "", regex=True)
    runs = runs.assign(kind=kind)[runs["gpu"].eq("B200") & runs["gpus"].eq(1)]
    both = runs[runs["task"] == "chat"].merge(
        runs[runs["task"] == "gpqa"], on=["kind", "concurrency_limit"], suffixes=("", "_gpqa")
    )
    more = both["inter_token_latency_ms_gpqa"] - both["inter_token_latency_ms"]
    few = both["concurrency_limit"] == both["concurrency_limit"].min()
    page = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())
    alone = f"take {more[few].min():.0f} to {more[few].max():.0f} ms a token more"
    assert f"{alone} than the same models in chat at 8 requests" in page
    assert f"and {more.min():.0f} to {more.max():.0f} ms more at one load or another" in page

    waiting = runs[runs["task"].eq("gpqa") & runs["kind"].isin(both["kind"])]
    columns = {"model": "model_id", "concurrency": "concurrency", "measured": "throughput_tps"}
    columns["limit"] = "concurrency_limit"
    waiting = pd.DataFrame({name: waiting[own] for name, own in columns.items()})
    own = read("results/validation/load_predictions.csv", "load_predictions").merge(waiting)
    assert len(own) == len(waiting)
    over = (own["predicted"] / own["measured"]).groupby(own["limit"]).agg(["min", "median", "max"])
    at = over.loc[8]
    assert f"{at['min']:.1f} to {at['max']:.1f} times too fast at 8 requests" in page
    middle = over["median"]
    assert f"{middle[64]:.1f} times at 64 and {middle[512]:.1f} times at 512 (medians)" in page


def test_the_page_on_the_law_says_how_far_off_it_is_on_many_nodes():
    day = read("results/validation/production.csv", "production")
    own = day[day["part"].eq("all nodes") & day["layout"].eq("as deployed")].iloc[0]
    page = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())
    slow = 1 / own["predicted_over_measured"]
    assert own["p95"] < own["measured"]
    assert f"with copies on {own['gpus']}, it is {slow:.0f} times too slow, far outside" in page
    known = read("results/validation/load_predictions.csv", "load_predictions")
    assert copy_gpus(known).max() == 8


def test_the_page_on_the_law_says_how_many_measurements_are_there_twice():
    """Two sources publish them, and one cuts its name of a nightly version short."""
    known = read("results/validation/load_predictions.csv", "load_predictions")
    nightly = known[known["engine_version"].str.startswith("nightly-dev", na=False)]
    same = ["gpu", "tensor_parallel", "expert_parallel", "precision", "input_tokens"]
    same += ["output_tokens", "concurrency"]
    told = nightly.assign(digits=nightly["measured"].map("{:.3g}".format))
    twice = told.duplicated([*same, "digits"]).sum()
    page = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())
    assert f"{twice} measurements of Qwen3.5 397B A17B are there twice" in page
