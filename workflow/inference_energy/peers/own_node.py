"""What other estimators say of the project's own stress tests, which no fit has seen."""

import numpy as np
import pandas as pd

from inference_energy.evidence.token_energy import energy_per_token
from inference_energy.laws.at_load import describe
from inference_energy.laws.fitting import Hardware
from inference_energy.laws.training import LoadFit
from inference_energy.peers.page import CONFIGURATOR, NAMES
from inference_energy.peers.rows import own_rows
from inference_energy.peers.score import QUANTITIES, TOLD
from inference_energy.power.ways import fit_gpu_power

ECOLOGITS = "ecologits"
BY_POWER_LAW = f"{NAMES[CONFIGURATOR]} with our power law"
"""AIConfigurator models no power here: its throughput at the power that our law has at it."""

TOLD_SPEED = "our power law, told the throughput"

COLUMNS = ["quantity", "prediction", "cell", "measured", "predicted"]


def beside(
    cells: pd.DataFrame,
    answers: pd.DataFrame,
    training: pd.DataFrame,
    hardware: Hardware,
    law: str,
) -> pd.DataFrame:
    """Predictions of the packages, told everything, and of the law with load and that of power.

    Parameters
    ----------
    cells, answers : DataFrame
        Tables of schemas ``own_node`` and ``peer_answers``.
    training : DataFrame
        Rows that the law with load is fitted to.
    hardware : dict of str to DataFrame
        As for ``power.ways``.
    law : str
        What the law with load is called.

    Returns
    -------
    DataFrame
        COLUMNS; quantity is of ``score.QUANTITIES``. One row a prediction that there is.
        [tokens/s, J per output token, of the GPUs]
    """
    rows = own_rows(cells, hardware["models"]).set_index("id", drop=False)
    told = answers[answers["told"] == TOLD].set_index("id")
    of = {name: told[told["predictor"] == name].reindex(rows.index) for name in NAMES}
    speed = of[CONFIGURATOR]["throughput_tps"]
    energy, throughput = QUANTITIES
    found = {
        (throughput, law): _law_throughput(rows, training, hardware),
        (throughput, NAMES[CONFIGURATOR]): speed,
        (energy, BY_POWER_LAW): _energy_at(rows, speed, hardware),
        (energy, TOLD_SPEED): _energy_at(rows, rows["throughput_tps"], hardware),
        (energy, NAMES[ECOLOGITS]): of[ECOLOGITS]["energy_per_token_j"],
    }
    parts = [
        pd.DataFrame({"cell": rows["id"], "measured": rows[quantity], "predicted": predicted})
        .assign(quantity=QUANTITIES[quantity], prediction=name)
        .dropna(subset=["predicted"])
        for (quantity, name), predicted in found.items()
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _law_throughput(rows: pd.DataFrame, training: pd.DataFrame, hardware: Hardware) -> pd.Series:
    """Throughput by the law with load, asked as a stress test asks it. [tokens/s]"""
    # it is told neither the engine's version nor who measured, nor how the run was read
    untold = dict.fromkeys(["engine_version", "protocol"], None)
    asked = rows.assign(source_id="", source_version="", throughput_tps=np.nan, **untold)
    asked = describe(asked, hardware["models"], hardware["gpus"])
    laws = LoadFit.fit(training).laws_of(asked)
    lengths = asked[["input_tokens", "output_tokens"]].to_numpy(float)
    loaded = zip(laws, asked["concurrency"], lengths, strict=True)
    return pd.Series([float(law.at(load).predict(*of)) for law, load, of in loaded], rows.index)


def _energy_at(rows: pd.DataFrame, speed: pd.Series, hardware: Hardware) -> pd.Series:
    """Energy per output token at a throughput [tokens/s], by the law of GPU power. [J]"""
    asked = rows.assign(speed=speed, task="", batch=rows["concurrency"]).dropna(subset=["speed"])
    asked = asked.rename(columns={"attention_data_parallel": "attention_copies"})
    tables = (hardware["models"], hardware["gpus"])
    drawn = energy_per_token(fit_gpu_power(hardware), asked, asked["speed"], 0.0, *tables)
    return pd.Series(drawn["predicted_j"].to_numpy(), asked.index)
