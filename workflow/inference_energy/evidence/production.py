"""A day of a provider's service beside the law of throughput at its load."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.evidence import law
from inference_energy.method.distributions import NORMAL_95
from inference_energy.units import SECONDS_PER_HOUR


def compare(day: pd.DataFrame, laws: law.LoadLaws, stated: Mapping[str, Any]) -> pd.DataFrame:
    """Throughput of a node as published, and by the law.

    Parameters
    ----------
    day : DataFrame
        Table of schema ``production_load``.
    laws : LoadLaws
        Throughput with load.
    stated : dict
        ``production`` of config/evidence.yaml: what the provider says of its deployment.

    Returns
    -------
    DataFrame
        layout, gpus of a copy, part (all nodes, prefill nodes, decode nodes), measured, predicted,
        p5, p95 [tokens/s per node; of prefill nodes input, cached or not, else output],
        predicted_over_measured [1], source_id.
    """
    of = day.set_index("quantity")["value"]
    per_output = of["input_tokens"] / of["output_tokens"]
    # the context of an output token is all the input and, on average, half of the output
    n_out = of["context_per_output_token"] / (per_output + 0.5)
    n_in = per_output * n_out
    kept = n_in * of["cached_input_tokens"] / of["input_tokens"]
    known = laws.with_gpu(stated["gpu"], stated["like"], link_gb_s=stated["link_gb_s"])
    seconds = SECONDS_PER_HOUR * of["duration"]
    measured = {
        "all nodes": of["output_tokens"] / seconds / of["nodes_mean"],
        "prefill nodes": stated["prefill_node_tps"],
        "decode nodes": stated["decode_node_tps"],
    }
    tables = []
    for layout, nodes in stated["nodes"].items():
        gpus = round(nodes * of["gpus_per_node"])
        row = law.row(stated["model"], stated["gpu"], gpus, "FP8", np.inf, n_in, n_out, "SGLang")
        row |= {"tensor_parallel": 1, "pipeline_parallel": 1}
        row |= {"attention_data_parallel": gpus, "expert_parallel": gpus}
        one = known.law_of(row).at(of["requests_in_flight_per_node"] * nodes)
        spread = np.exp(NORMAL_95 * float(one.sigma(n_in, n_out)))
        parts = one.parts(n_in, kept, n_out)
        # without output, so that no host's time hides what prefill takes by itself
        alone = one.parts(n_in, kept, 0.0)
        predicted = {
            "all nodes": n_out / float(one.seconds(n_in, n_out, kept)) / nodes,
            "prefill nodes": n_in / float(alone.prefill) / nodes,
            "decode nodes": n_out / float(parts.decode + parts.cached) / nodes,
        }
        table = pd.DataFrame({"measured": measured, "predicted": predicted}).rename_axis("part")
        table = table.reset_index().assign(layout=layout.replace("_", " "), gpus=gpus)
        own = table["predicted"]
        tables.append(table.assign(p5=own / spread, p95=own * spread))
    return pd.concat(tables, ignore_index=True).assign(
        predicted_over_measured=lambda t: t["predicted"] / t["measured"],
        source_id=stated["sources"][0],
    )
