"""Energy per output token against the number of sequences served at once."""

import numpy as np
import pandas as pd

from inference_energy.evidence import law
from inference_energy.evidence.estimates import Band

DEPLOYMENT = ["task", "model_id", "precision", "gpu", "gpus", "tensor_parallel", "expert_parallel"]
SUBJECT = ["task", "model_id", "precision", "gpu"]


def best_deployments(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the deployment with the lowest energy per token of each model, task and GPU.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.

    Returns
    -------
    DataFrame
        The sweep of that deployment, by rising concurrency.
    """
    best = runs.loc[runs.groupby(SUBJECT)["energy_per_token_j"].idxmin(), DEPLOYMENT]
    return runs.merge(best, on=DEPLOYMENT).sort_values([*DEPLOYMENT, "concurrency"])


def summarise(runs: pd.DataFrame, band: Band, near_best: float) -> pd.DataFrame:
    """What concurrency alone does to the energy per token of each model and GPU.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.
    band : tuple of float
        Lower and upper end of the range of ratios to be explained. [1]
    near_best : float
        Energy per token over the best that counts as near it. [1]

    Returns
    -------
    DataFrame
        Per task, model, precision and GPU: energy per token at the smallest batch and at the best
        [J], their ratio [1], the lowest concurrency near the best [requests], the part of ln of
        each end of the band that the ratio makes up [1].
    """
    lines = []
    for key, sweep in best_deployments(runs).groupby(DEPLOYMENT, sort=False):
        energy, load = sweep["energy_per_token_j"], sweep["concurrency"]
        best = energy.min()
        ratio = energy.iloc[0] / best
        lines.append(
            dict(zip(DEPLOYMENT, key, strict=True))
            | {
                "model": sweep["model"].iloc[0],
                "source_id": sweep["source_id"].iloc[0],
                "runs": len(sweep),
                "smallest_batch": load.iloc[0],
                "energy_smallest_batch_j": energy.iloc[0],
                "best_batch": load.iloc[energy.argmin()],
                "energy_best_j": best,
                "ratio": ratio,
                "near_best_batch": load[energy <= near_best * best].min(),
                "explained_lower": np.log(ratio) / np.log(band[0]),
                "explained_upper": np.log(ratio) / np.log(band[1]),
            }
        )
    return pd.DataFrame(lines)


def from_one(summary: pd.DataFrame, runs: pd.DataFrame, laws: law.LoadLaws) -> pd.DataFrame:
    """Append what the law says of one sequence alone, where no sweep begins.

    The law's energy at the smallest batch is brought to the measured one, and its energy of one
    sequence with it; the interval is that of the law at one sequence.

    Parameters
    ----------
    summary : DataFrame
        From :func:`summarise`.
    runs : DataFrame
        Table of schema ``mlenergy``.
    laws : LoadLaws
        Throughput and power with load.

    Returns
    -------
    DataFrame
        With ratio_from_one, ratio_from_one_p5 and ratio_from_one_p95 [1], energy per token of one
        sequence over the best measured.
    """
    smallest = best_deployments(runs).drop_duplicates(DEPLOYMENT)
    rows = law.of_runs(summary[DEPLOYMENT].merge(smallest, on=DEPLOYMENT, validate="1:1"))
    there, alone = (laws.energy(table) for table in (rows, rows.assign(concurrency=1.0)))
    measured = summary["ratio"].to_numpy() / there["predicted_j"].to_numpy()
    names = {"": "predicted_j", "_p5": "p5_j", "_p95": "p95_j"}
    added = {f"ratio_from_one{end}": alone[name].to_numpy() for end, name in names.items()}
    return summary.assign(**{name: measured * energy for name, energy in added.items()})
