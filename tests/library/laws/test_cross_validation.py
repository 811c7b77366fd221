"""Laws predict rows that they have not seen, and nothing of these rows reaches the prediction."""

from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws import cross_validation
from inference_energy.laws.cross_validation import (
    MOST_ROWS,
    cross_validate,
    error_statistics,
    evaluate,
    regions,
    with_most_rows,
)
from inference_energy.laws.registry import Kind
from inference_energy.laws.rows import configuration_number
from repository import read


def test_regions_overlap_only_in_long():
    found = regions([128, 1000, 5000, 20000], [4096, 1000, 500, 2000])
    single = [found[name].astype(int) for name in ("prefill-heavy", "balanced", "decode-heavy")]
    assert (sum(single) == 1).all()
    assert list(found["long"]) == [True, False, True, True]


def test_statistics_by_hand():
    predictions = pd.DataFrame(
        {
            "split": "s",
            "law": "l",
            "input_tokens": 100.0,
            "output_tokens": [200.0] * 4,
            "relative_error": [0.1, -0.1, 0.2, -0.4],
        }
    )
    found = error_statistics(predictions).set_index(["region", "statistic"])
    assert set(found.index.get_level_values("region")) == {"all", "decode-heavy"}
    assert found.loc[("all", "mean_absolute_error"), "value"] == pytest.approx(20)
    assert found.loc[("all", "p90_absolute_error"), "value"] == pytest.approx(34)
    assert found.loc[("all", "bias"), "value"] == pytest.approx(-5)
    assert (found["n"] == 4).all()


def test_a_left_out_row_does_not_reach_its_prediction(vendor, hardware):
    rows = vendor[vendor["source_id"].eq("trtllm-0.17") & vendor["tensor_parallel"].eq(8)]
    split = ["leave-shapes-out", "leave-one-shape-out"]
    untouched = cross_validate(rows, hardware, most_known=0)
    untouched = untouched[untouched["split"].isin(split)]
    shape = (rows["input_tokens"] == 128) & (rows["output_tokens"] == 4096)
    changed = rows.assign(throughput_tps=rows["throughput_tps"].where(~shape, 1.0))
    again = cross_validate(changed, hardware, most_known=0)
    again = again[again["split"].isin(split)]
    predicted = untouched["output_tokens"] == 4096
    assert predicted.sum() > 0
    assert (again["predicted_tps"] == untouched["predicted_tps"])[predicted].all()
    one_out = untouched["split"] == "leave-one-shape-out"
    assert (again["predicted_tps"] != untouched["predicted_tps"])[~predicted & one_out].any()


@pytest.fixture(scope="module")
def errors():
    """Errors on the vendor table's rows that a law has not seen, which the run made. [%]"""
    index = ["split", "law", "region", "statistic"]
    table = read("results/validation/law_errors.csv", "law_errors")
    return table.set_index(index)["value"].sort_index()


def test_left_out_shapes_reach_the_target(errors):
    found = errors["leave-shapes-out", "hierarchical"]
    assert found["all", "mean_absolute_error"] <= 5
    assert found["all", "p90_absolute_error"] <= 12
    assert found.xs("mean_absolute_error", level="statistic").max() <= 10


def test_a_configuration_known_from_one_shape_reaches_the_target(errors):
    for split in ["leave-configuration-out, 1 known", "leave-model-out, 1 known"]:
        assert errors[split, "hierarchical", "all", "mean_absolute_error"] <= 20


def test_laws_of_many_configurations_beat_every_law_of_a_single_one(errors):
    for split in ["leave-shapes-out", "leave-one-shape-out"]:
        mean = errors.xs(("all", "mean_absolute_error"), level=("region", "statistic"))[split]
        assert max(mean["hierarchical"], mean["at-load"]) < mean["additive"]
        assert mean["additive"] < mean["log-linear"]


def test_no_model_of_the_same_architecture_and_size_stays_where_one_is_left_out(vendor, hardware):
    one = vendor[vendor["model"].eq("Llama 3.1 70B") & vendor["source_id"].eq("trtllm-0.17")]
    one = one[one["tensor_parallel"].eq(8)].reset_index(drop=True)
    again = one.assign(model="Llama 3.3 70B")
    of_one, of_both = (
        set(cross_validate(rows, hardware, most_known=0)["split"])
        for rows in (one, pd.concat([one, again], ignore_index=True))
    )
    assert of_both == of_one


def test_a_table_that_leaves_nothing_to_predict_is_refused(vendor, hardware):
    with pytest.raises(InputError, match=r"1 row with both lengths .* two rows"):
        cross_validate(vendor.iloc[:1], hardware)
    lengths = {"input_tokens": [np.nan, 500.0], "output_tokens": [300.0, np.nan]}
    with pytest.raises(InputError, match=r"0 rows with both lengths .* two rows"):
        cross_validate(vendor.iloc[:2].assign(**lengths), hardware)


def test_of_a_large_table_the_configurations_with_the_most_rows_are_left_out(vendor):
    few = with_most_rows(vendor, 3)
    sizes = np.bincount(configuration_number(vendor))
    kept = np.bincount(configuration_number(few))
    assert sorted(kept) == sorted(sizes)[-3:]
    assert with_most_rows(pd.concat([few, few.iloc[:2]]), 3).equals(few)


def test_of_very_many_rows_so_many_are_left_out_as_end_in_time(vendor):
    """A thousand shapes of one configuration, each left out once, would take hours."""
    one = vendor.iloc[:1]
    rows = pd.concat([one] * 1000, ignore_index=True).assign(output_tokens=np.arange(300.0, 1300))
    kept = with_most_rows(rows)["output_tokens"].to_numpy()
    assert len(kept) == MOST_ROWS
    assert (kept[0], kept[-1]) == (300, 1299)
    assert set(np.diff(kept)) <= {999 // (MOST_ROWS - 1), 999 // (MOST_ROWS - 1) + 1}
    assert with_most_rows(rows[:MOST_ROWS]).equals(rows[:MOST_ROWS])


def test_a_shape_is_long_from_four_thousand_tokens_on():
    found = regions([1000, 1000, 2000], [2999, 3000, 2000])
    assert {name: list(inside) for name, inside in found.items()} == {
        "all": [True, True, True],
        "prefill-heavy": [False, False, False],
        "balanced": [False, False, True],
        "decode-heavy": [True, True, False],
        "long": [False, True, True],
    }


def test_statistics_have_a_line_each_in_per_cent():
    rows = [("s", "l", 100.0, 200.0, 0.1), ("s", "l", 200.0, 100.0, -0.3), ("s", "k", 1, 1, 0.5)]
    columns = ["split", "law", "input_tokens", "output_tokens", "relative_error"]
    names = ["mean_absolute_error", "p90_absolute_error", "bias"]
    found = error_statistics(pd.DataFrame(rows, columns=columns))
    expected = [
        ("s", law, region, name, value, "%", n)
        for law, region, values, n in (
            ("l", "all", (20.0, 28.0, -10.0), 2),
            ("l", "prefill-heavy", (30.0, 30.0, -30.0), 1),
            ("l", "decode-heavy", (10.0, 10.0, 10.0), 1),
            ("k", "all", (50.0, 50.0, 50.0), 1),
            ("k", "balanced", (50.0, 50.0, 50.0), 1),
        )
        for name, value in zip(names, values, strict=True)
    ]
    columns = ["split", "law", "region", "statistic", "value", "unit", "n"]
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected, columns=columns))


def test_a_measurement_that_a_written_table_shows_the_same_counts_once(vendor):
    """Rows without both lengths count as none; of configurations alike the first is kept."""
    one = vendor.iloc[:1].assign(input_tokens=100.0, output_tokens=200.0, throughput_tps=1234.56)
    same = one.assign(throughput_tps=1234.5600001, input_tokens=100.0000001)
    other = one.assign(throughput_tps=1234.6)
    bare = one.assign(output_tokens=np.nan)
    rows = pd.concat([bare, one, same, other], ignore_index=True)
    assert with_most_rows(rows).index.tolist() == [1, 3]
    again = pd.concat([one, one.assign(locator="another page")], ignore_index=True)
    assert with_most_rows(again).index.tolist() == [0]
    rows = pd.concat([one.assign(model=f"model {i}") for i in range(40)], ignore_index=True)
    assert with_most_rows(rows, 20).index.tolist() == list(range(20))


@dataclass(frozen=True)
class Witness:
    """A law that predicts the sum of the throughputs that it was fitted to, and what it is asked.

    A throughput of 2^i, of row i, says so which rows it has seen.
    """

    total: float
    load: float = 0.0

    def at(self, concurrency, requests):
        return Witness(self.total, concurrency / 1e2 + requests / 1e4)

    def predict(self, input_tokens, output_tokens):
        return self.total + self.load + input_tokens / 1e9 + output_tokens / 1e12


class Witnesses:
    """Fits of each configuration alone, or of all, which know those they have not seen too."""

    def __init__(self, rows, shared):
        self.shared = shared
        self.total = rows["throughput_tps"].sum()
        own = rows.groupby("configuration", sort=False)["throughput_tps"].sum()
        self.laws = [Witness(self.total if shared else each) for each in own]

    def condition(self, rows):
        assert "model" in rows
        known = rows["throughput_tps"].sum()
        # of what was not measured, one row tells what it is of
        assert known or np.isnan(rows["throughput_tps"].to_numpy()).tolist() == [True]
        if self.shared:
            return Witness(self.total + known)
        return Witness(known) if known else None


MODELS = ["Llama 3.1 70B"] * 3 + ["Llama 3.3 70B"] + ["Llama 3.1 8B"] * 3 + ["Llama 3.1 70B"]
SHAPES = [(128, 128), (128, 2048), (500, 500), (128, 128), (128, 128), (300, 900), (128, 128)]
SHAPES += [(500, 500)]
TESTED = 6
"""Rows of the table; those that follow are of the background."""

WITNESSED = pd.DataFrame(
    {
        "model": MODELS,
        "gpu": "H100-SXM-80GB",
        "tensor_parallel": [8, 8, 8, 8, 1, 1, 2, 8],
        "pipeline_parallel": [np.nan] * 6 + [2, np.nan],
        "precision": "FP8",
        "input_tokens": [float(n) for n, _ in SHAPES],
        "output_tokens": [float(n) for _, n in SHAPES],
        "throughput_tps": [2.0**i for i in range(8)],
        "concurrency": [10.0, 10.0, 10.0, 20.0, 30.0, 30.0, 40.0, 50.0],
        "requests": [float(i + 1) for i in range(8)],
        "source_id": ["a"] * 7 + ["b"],
    }
)
CONFIGURATION = [0, 0, 0, 1, 2, 2, 3, 4]
SERVED = [0, 0, 0, 0, 2, 2, 3, 0]
"""Architectures and layouts, whatever the source, and whatever a model is called."""
NETWORK = [0, 0, 0, 0, 2, 2, 2, 0]
KINDS = {
    "alone": Kind(partial(Witnesses, shared=False)),
    "shared": Kind(partial(Witnesses, shared=True)),
}


def witnessed():
    """Every prediction that is to be: split, law, row, known shapes, and rows seen."""
    every = range(len(WITNESSED))
    tested = range(TESTED)
    for row in tested:
        if SHAPES[row] != (128, 128):
            yield "leave-shapes-out", row, "", {j for j in every if SHAPES[j] == (128, 128)}
        yield "leave-one-shape-out", row, "", {j for j in every if SHAPES[j] != SHAPES[row]}
    for split, group in (("leave-configuration-out", SERVED), ("leave-model-out", NETWORK)):
        for row in tested:
            own = [j for j in tested if CONFIGURATION[j] == CONFIGURATION[row] and j != row]
            others = {j for j in every if group[j] != group[row]}
            for count in (0, 1, 2):
                for known in combinations(own, count):
                    shapes = " ".join(f"{SHAPES[j][0]}/{SHAPES[j][1]}" for j in known)
                    yield f"{split}, {count} known", row, shapes, others | {*known}


@pytest.mark.parametrize("background", [True, False])
def test_a_law_sees_all_rows_but_those_that_are_left_out(monkeypatch, hardware, background):
    """Of the same model or layout no row stays from any source; the background is never tested."""
    monkeypatch.setattr(cross_validation, "LAWS", KINDS)
    rows, more = WITNESSED.iloc[:TESTED], WITNESSED.iloc[TESTED:]
    # a table of its own, whose index says nothing of the other's
    given = more.reset_index(drop=True) if background else None
    found = cross_validate(rows, hardware, given, ((128, 128),), most_known=2)
    expected = set()
    for split, row, shapes, seen in witnessed():
        there = seen if background else {j for j in seen if j < TESTED}
        known = "known" in split
        for law in KINDS:
            saw = there
            if law == "alone":
                saw = {j for j in there if CONFIGURATION[j] == CONFIGURATION[row]}
            if not saw and law == "alone":
                continue
            if not there and not known:
                continue
            expected.add((split, law, row, shapes, sum(2**j for j in saw)))
    row = np.log2(found["throughput_tps"]).astype(int)
    asked = WITNESSED.loc[row].reset_index(drop=True)
    told = asked["concurrency"] / 1e2 + asked["requests"] / 1e4
    told += asked["input_tokens"] / 1e9 + asked["output_tokens"] / 1e12
    total = (found["predicted_tps"] - told).round(6)
    columns = [found["split"], found["law"], row, found["known_shapes"], total]
    records = list(zip(*columns, strict=True))
    assert len(records) == len(set(records))
    assert set(records) == expected
    error = found["predicted_tps"] / found["throughput_tps"] - 1
    np.testing.assert_allclose(found["relative_error"], error)
    columns = ["source_id", "model", "gpu", "tensor_parallel", "pipeline_parallel", "precision"]
    columns += ["concurrency", "input_tokens", "output_tokens", "throughput_tps"]
    pd.testing.assert_frame_equal(found[columns], asked[columns])
    columns += ["split", "law", "known_shapes", "predicted_tps", "relative_error"]
    assert list(found) == columns


def test_one_row_of_each_configuration_is_known_unless_more_are_asked_for(monkeypatch, hardware):
    monkeypatch.setattr(cross_validation, "LAWS", {"shared": KINDS["shared"]})
    rows, more = WITNESSED.iloc[:TESTED], WITNESSED.iloc[TESTED:]
    errors, predictions = evaluate(rows, hardware, more)
    pd.testing.assert_frame_equal(predictions, cross_validate(rows, hardware, more))
    assert set(predictions["split"]) == {
        "leave-shapes-out",
        "leave-one-shape-out",
        *(
            f"leave-{what}-out, {count} known"
            for what in ("configuration", "model")
            for count in (0, 1)
        ),
    }
    pd.testing.assert_frame_equal(errors, error_statistics(predictions))
    # the shapes of the paper are what the first split is fitted to
    first = predictions[predictions["split"] == "leave-shapes-out"]
    shapes = set(zip(first["input_tokens"], first["output_tokens"], strict=True))
    assert shapes == {(500, 500), (300, 900)}
    background = pd.concat([more.assign(output_tokens=np.nan), more])
    pd.testing.assert_frame_equal(evaluate(rows, hardware, background)[1], predictions)


def test_what_is_said_of_a_table_that_leaves_nothing_to_predict(vendor, hardware):
    told = (
        "throughput table: 1 row with both lengths leaves nothing to predict from; give two rows or"
        " more of one configuration, or two configurations"
    )
    with pytest.raises(InputError) as error:
        cross_validate(vendor.iloc[:1], hardware)
    assert error.value.problems == [told]


def test_a_background_alone_teaches_no_law_of_one_configuration(monkeypatch, hardware):
    """A row is not known where it is predicted, and the rows of others say nothing of it."""
    monkeypatch.setattr(cross_validation, "LAWS", {"alone": KINDS["alone"]})
    with pytest.raises(InputError, match="1 row with both lengths leaves nothing to predict from"):
        cross_validate(WITNESSED.iloc[:1], hardware, WITNESSED.iloc[4:])


def test_left_out_shapes_come_in_the_order_of_the_table(monkeypatch, hardware):
    """Of configurations that alternate, the one with the first of the rows that are left out."""
    monkeypatch.setattr(cross_validation, "LAWS", {"shared": KINDS["shared"]})
    rows = WITNESSED.iloc[[0, 4, 5, 2, 1]]
    found = cross_validate(rows, hardware, training_shapes=[(128, 128)])
    first = found[found["split"] == "leave-shapes-out"]
    assert first["throughput_tps"].tolist() == [32, 4, 2]


def test_no_law_is_fitted_to_all_rows(monkeypatch, hardware):
    """With no shape but those of the training none is left out of it."""
    rows = WITNESSED.iloc[:TESTED]

    def fit(some):
        assert len(some) < len(rows)
        return Witnesses(some, shared=True)

    monkeypatch.setattr(cross_validation, "LAWS", {"shared": Kind(fit)})
    found = cross_validate(rows, hardware, training_shapes=SHAPES)
    assert "leave-shapes-out" not in set(found["split"])


def test_lengths_may_be_whole_numbers_of_any_type(monkeypatch, hardware):
    monkeypatch.setattr(cross_validation, "LAWS", KINDS)
    rows = WITNESSED.iloc[:TESTED]
    whole = rows.astype({"input_tokens": "Int64", "output_tokens": int})
    for found, expected in zip(evaluate(whole, hardware), evaluate(rows, hardware), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
