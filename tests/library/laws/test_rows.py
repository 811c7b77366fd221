"""Which benchmark rows count, and which are of one configuration."""

import numpy as np
import pandas as pd
from inference_energy.laws.rows import (
    configuration_number,
    copy_gpus,
    length_range,
    load_of,
    usable_rows,
)


def test_only_rows_of_the_precision_with_both_lengths_are_used():
    table = pd.DataFrame(
        {
            "precision": ["FP8", "FP16", "FP8", "FP8", "FP8"],
            "input_tokens": [128.0, 128, np.nan, 128, 128],
            "output_tokens": [128.0, 128, 128, np.nan, 128],
            "source_id": ["a", "a", "a", "a", "b"],
            "model": ["m", "m", "m", "m", "n"],
            "gpu": ["g", "g", "g", "g", "h"],
            "confidence": ["high", "high", "high", "high", "low"],
        }
    )
    assert list(usable_rows(table, {"precision": ["FP8"]}).index) == [0, 4]
    for choice in (
        {"models": ["m"]},
        {"gpus": ["g"]},
        {"sources": ["a"]},
        {"exclude_sources": ["b"]},
        {"exclude_confidence": ["low"]},
    ):
        assert list(usable_rows(table, {"precision": ["FP8"]} | choice).index) == [0]


def test_configurations_are_numbered_as_they_appear_empty_cells_alike():
    rows = pd.DataFrame({"model": ["b", "a", "b", "a"], "concurrency": [np.nan, 1, np.nan, 2]})
    assert list(configuration_number(rows)) == [0, 1, 0, 2]


def test_gpus_of_a_copy_are_shared_by_tensors_and_stages():
    rows = pd.DataFrame({"tensor_parallel": [8, 2], "pipeline_parallel": [np.nan, 4]})
    assert list(copy_gpus(rows)) == [8, 8]
    assert list(copy_gpus(rows[["tensor_parallel"]])) == [8, 2]
    copies = rows.assign(attention_data_parallel=[2, np.nan])
    assert list(copy_gpus(copies)) == [16, 8]


def test_a_load_that_rows_do_not_state_is_as_many_as_fit_and_a_run_without_end():
    rows = pd.DataFrame({"concurrency": pd.array([8, pd.NA], "Int64"), "requests": [np.nan, 300]})
    concurrency, requests = load_of(rows)
    np.testing.assert_array_equal(concurrency, [8.0, np.inf], strict=True)
    np.testing.assert_array_equal(requests, [np.inf, 300.0], strict=True)
    for load in load_of(rows[[]]):
        np.testing.assert_array_equal(load, [np.inf, np.inf], strict=True)


def test_a_length_that_no_row_states_may_be_any():
    rows = pd.DataFrame({"input_tokens": [np.nan, np.nan], "output_tokens": [5.0, np.nan]})
    assert length_range(rows) == {"input_tokens": (0, np.inf), "output_tokens": (5, 5)}
