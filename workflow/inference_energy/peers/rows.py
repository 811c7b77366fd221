"""Measured runs that every predictor is asked for, from three tables, in one form."""

import re
from collections.abc import Mapping

import pandas as pd

from inference_energy.energy.equation import token_energy
from inference_energy.errors import InputError
from inference_energy.laws.rows import copy_gpus
from inference_energy.project import AnyPath
from inference_energy.tables import read_table

MEASURED = {
    "mlenergy": "mlenergy",
    "inferencex": "inferencex",
    "at_load": "throughput",
    "models": "models",
}
"""Tables that the runs are taken from, and their schemas."""

COLUMNS = [
    "id",
    "table",
    "source_id",
    "model",
    "method_model",
    "architecture",
    "params_total_b",
    "params_active_b",
    "precision",
    "gpu",
    "gpus",
    "tensor_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "engine",
    "engine_version",
    "protocol",
    "input_tokens",
    "output_tokens",
    "concurrency",
    "throughput_tps",
    "energy_per_token_j",
]

ENGINE, ENGINE_VERSION = "vLLM", "0.11.1"
"""Serving software of all runs of the tables that measure power, and its version for those of
ML.ENERGY, as data/sources.csv says."""

STEADY = "steady"
"""Protocol of a run whose throughput is that of its steady part; else that of all of a run."""

INPUT_TOKENS = 300.0
"""Input of ML.ENERGY's runs, which do not state it: a chat's first turn, or a question with its
choices. [tokens]"""

OWN = "own_node."
"""Begin of the id of a cell of the project's own stress tests."""

ADDED_UP = "GPUs of prefill and decode added up"
"""Begin of the note of rows that no single group of GPUs has served."""


def read_rows(paths: Mapping[str, AnyPath]) -> pd.DataFrame:
    """Read the tables of MEASURED, by name, and list the runs."""
    return rows(**{name: read_table(path, MEASURED[name]) for name, path in paths.items()})


def rows(
    mlenergy: pd.DataFrame, inferencex: pd.DataFrame, at_load: pd.DataFrame, models: pd.DataFrame
) -> pd.DataFrame:
    """Runs to be predicted.

    Left out are runs whose prefill and decode have GPUs of their own, which no predictor here
    describes, and rows of low confidence, whose layout is a guess.

    Parameters
    ----------
    mlenergy, inferencex, at_load, models : DataFrame
        Tables of schemas ``mlenergy``, ``inferencex``, ``throughput`` and ``models``.

    Returns
    -------
    DataFrame
        COLUMNS; ``model`` as in ``models``, ``method_model`` in the spelling of the methods. Energy
        counts the GPUs alone; a measurement that a table has not is empty. [tokens/s, J]

    Raises
    ------
    InputError
        If a model is in none of ``models``' names and aliases.
    """
    parts = [_mlenergy(mlenergy), _inferencex(inferencex), _at_load(at_load)]
    together = pd.concat(parts, ignore_index=True)
    names = _names(models)
    keys = together["name"].map(_key)
    unknown = sorted(set(together["name"][~keys.isin(names)]))
    if unknown:
        raise InputError(
            f"data/models.csv: column model: no name or alias {name}; allowed are the models of the"
            " measured runs; add a row or an alias"
            for name in unknown
        )
    known = models.set_index("model")
    together["model"] = keys.map(names)
    together["tensor_parallel"] = together["gpus"] / together["attention_data_parallel"]
    for column in ("architecture", "params_total_b", "params_active_b"):
        together[column] = together["model"].map(known[column])
    return together[COLUMNS]


def own_rows(cells: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Cells of the project's own stress tests, to be predicted as :func:`rows` are.

    They stand apart from those: no fit of this project, and none of a package, has seen them.

    Parameters
    ----------
    cells, models : DataFrame
        Tables of schemas ``own_node`` and ``models``.

    Returns
    -------
    DataFrame
        COLUMNS, one row a cell in the order of ``cells``. [tokens/s, J]
    """
    known = models.set_index("model")
    described = {
        name: cells["model"].map(known[name])
        for name in ("architecture", "params_total_b", "params_active_b")
    }
    told = cells.assign(
        id=OWN + cells["test"] + "." + cells["cell"],
        table="own_node",
        method_model=cells["model"],
        gpus=cells["n_gpus"],
        attention_data_parallel=1,
        expert_parallel=1,
        protocol=STEADY,
        energy_per_token_j=token_energy(cells["power_w"], cells["throughput_tps"]),
        **described,
    )
    return told[COLUMNS]


def _key(name: object) -> str:
    return re.sub(r"[^a-z0-9.]", "", str(name).lower())


def _names(models: pd.DataFrame) -> dict[str, str]:
    aliases = models["aliases"].fillna("").str.split(";")
    pairs = zip(models["model"], aliases, strict=True)
    return {_key(name): model for model, others in pairs for name in (*others, model)}


def _mlenergy(runs: pd.DataFrame) -> pd.DataFrame:
    # its experts are spread over all GPUs or its tensors are; the attention of either is tensor-
    # parallel
    return runs[
        [
            "source_id",
            "precision",
            "gpu",
            "gpus",
            "expert_parallel",
            "output_tokens",
            "concurrency",
            "throughput_tps",
            "energy_per_token_j",
        ]
    ].assign(
        id="mlenergy." + runs["row"].astype(str),
        table="mlenergy_v3",
        name=runs["model_id"],
        method_model=runs["model"],
        attention_data_parallel=1,
        engine=ENGINE,
        engine_version=ENGINE_VERSION,
        protocol=STEADY,
        input_tokens=INPUT_TOKENS,
    )


def _inferencex(runs: pd.DataFrame) -> pd.DataFrame:
    runs = runs[runs["disaggregated"] == "no"]
    columns = ["source_id", "precision", "gpu", "gpus", "input_tokens", "output_tokens"]
    return runs[[*columns, "concurrency"]].assign(
        id="inferencex." + runs["id"].astype(str),
        table="inferencex_power",
        name=runs["model"],
        method_model=runs["model"],
        attention_data_parallel=1,
        expert_parallel=1,
        engine=ENGINE,
        energy_per_token_j=runs["energy_per_output_token_j"],
    )


def _at_load(table: pd.DataFrame) -> pd.DataFrame:
    noted = table["note"].fillna("").str.startswith(ADDED_UP)
    table = table[~noted & (table["confidence"] != "low")]
    copies = table["attention_data_parallel"].fillna(1)
    columns = ["source_id", "precision", "gpu", "engine", "engine_version"]
    columns += ["input_tokens", "output_tokens", "concurrency", "throughput_tps"]
    return table[columns].assign(
        id="at_load." + table["locator"].str.rsplit(", ", n=1).str[-1],
        table="at_load",
        name=table["model"],
        method_model=table["model"],
        gpus=copy_gpus(table),
        attention_data_parallel=copies,
        expert_parallel=table["expert_parallel"].fillna(1),
    )
