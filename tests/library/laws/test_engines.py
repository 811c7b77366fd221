"""Serving software in one spelling, and whether it hides its host's time."""

import numpy as np
import pytest
from inference_energy.laws.engines import engine_name, overlaps


@pytest.mark.parametrize(
    ("written", "known", "hidden"),
    [
        ("SGLang", "SGLang", True),
        ("dynamo-sglang", "SGLang", True),
        ("dynamo-trt", "TensorRT-LLM", True),
        ("tensorrt_llm", "TensorRT-LLM", True),
        ("vllm", "vLLM", False),
        ("mine", "mine", False),
    ],
)
def test_an_engine_has_one_spelling_and_hides_its_host_as_its_makers_document(
    written, known, hidden
):
    assert engine_name(written) == known
    assert overlaps(written) == hidden


@pytest.mark.parametrize("missing", [None, np.nan, ""])
def test_an_engine_that_is_not_told_hides_nothing(missing):
    assert not overlaps(missing)
