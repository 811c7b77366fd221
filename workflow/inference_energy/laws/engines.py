"""Serving software: in one spelling, and whether its host's time adds to the GPU's."""

from typing import Any

import pandas as pd

ENGINES = {"vllm": "vLLM", "sgl": "SGLang", "trt": "TensorRT-LLM", "tensorrt": "TensorRT-LLM"}
"""What a name of a serving software contains, whatever its case and dashes, and which one it is."""

OVERLAPPED = ("SGLang", "TensorRT-LLM")
"""Engines whose host plans a step while the GPU computes the one before, as their makers document.

SGLang: since 0.4, the "zero-overhead batch scheduler"
(https://lmsys.org/blog/2024-12-04-sglang-v0-4/, on by default with sgl-project/sglang#2067); no
table holds an older one. TensorRT-LLM: release notes of 0.20, "Enable scheduling overlap by
default"; for the page of 0.19 trtllm-bench enabled it. Before that, its C++ runtime did one after
the other, but "the overlapping [...] did not provide additional benefits", as little time of the
host was left to hide (configuration of the Triton backend, on ``enable_trt_overlap``). vLLM: on by
default since 0.14 (vllm-project/vllm#27614); its versions in the tables are fitted as if it were
not, which comes nearer to what is left out of the fit (docs/load.md)."""


def engine_name(name: str) -> str:
    """A serving software in one spelling: InferenceX writes dynamo-trt, and vllm."""
    return next((known for part, known in ENGINES.items() if part in name.lower()), name)


def overlaps(engine: Any) -> bool:
    """Whether an engine hides the host's time behind the GPU's: is of OVERLAPPED.

    One that nobody has measured, or that is missing, adds it, which is never faster.
    """
    return not pd.isna(engine) and engine_name(str(engine)) in OVERLAPPED
