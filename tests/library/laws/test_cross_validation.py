"""Laws predict rows that they have not seen, and nothing of these rows reaches the prediction."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.cross_validation import (
    MOST_ROWS,
    cross_validate,
    error_statistics,
    regions,
    with_most_rows,
)
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
    with pytest.raises(InputError, match=r"1 rows with both lengths .* two rows"):
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
