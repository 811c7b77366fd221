"""How well throughput laws predict rows that they have not seen."""

from itertools import combinations

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive, configuration_columns, configuration_number
from inference_energy.laws.hardware import DEPLOYMENT, add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.log_linear import LogLinear, Peak

PAPER_SHAPES = ((128, 128), (128, 2048), (500, 2000), (2048, 128), (5000, 500))
"""Input and output lengths [tokens] that the paper took from the vendor's tables."""

SINGLE = {"log-linear": (LogLinear.fit, 3), "peak": (Peak.fit, 1), "additive": (Additive.fit, 3)}
"""Laws of one configuration: how to fit, and the fewest rows."""

LONG = 4000
"""Input and output together that make a shape long. [tokens]"""


def regions(input_tokens, output_tokens):
    """Shape regions, as boolean arrays; ``long`` overlaps with the others.

    Parameters
    ----------
    input_tokens, output_tokens : array_like
        Lengths. [tokens]

    Returns
    -------
    dict of str to ndarray
        all, prefill-heavy (more input than output), balanced, decode-heavy, long (LONG or more).
    """
    n_in, n_out = np.asarray(input_tokens, float), np.asarray(output_tokens, float)
    return {
        "all": np.ones(n_in.shape, bool),
        "prefill-heavy": n_in > n_out,
        "balanced": n_in == n_out,
        "decode-heavy": n_in < n_out,
        "long": n_in + n_out >= LONG,
    }


def _shapes(rows):
    return list(zip(rows["input_tokens"], rows["output_tokens"], strict=True))


def _predict(law, rows):
    return law.predict(rows["input_tokens"].to_numpy(), rows["output_tokens"].to_numpy())


def _predict_shapes(rows, tested, trained):
    """Every law, fitted to the rows ``trained``, at the rows ``tested``; yields law, rows, TPS."""
    train = rows[trained]
    pooled = Hierarchical.fit(train)
    laws = dict(zip(train["configuration"].unique(), pooled.laws, strict=True))
    for configuration, test in rows[tested].groupby("configuration", sort=False):
        seen = train[train["configuration"] == configuration]
        for name, (fit, minimum) in SINGLE.items():
            if len(seen) >= minimum:
                yield name, test.index, _predict(fit(seen), test)
        law = laws.get(configuration)
        if law is None:
            law = pooled.condition(test.iloc[:1].assign(throughput_tps=np.nan))
        yield pooled.name, test.index, _predict(law, test)


def _predict_configurations(rows, tested, group, most_known):
    """Every law where a group of configurations is unknown but for some rows of one of them.

    Yields law, rows, TPS and the known rows.
    """
    for held in pd.unique(group[tested]):
        train = rows[group != held]
        if train.empty:
            continue
        pooled = Hierarchical.fit(train)
        for _, own in rows[tested & (group == held)].groupby("configuration", sort=False):
            for count in range(min(most_known, len(own) - 1) + 1):
                for chosen in combinations(own.index, count):
                    known, test = own.loc[list(chosen)], own.drop(list(chosen))
                    for name, (fit, minimum) in SINGLE.items():
                        if count >= minimum:
                            yield name, test.index, _predict(fit(known), test), known
                    given = known if count else own.iloc[:1].assign(throughput_tps=np.nan)
                    yield pooled.name, test.index, _predict(pooled.condition(given), test), known


def cross_validate(rows, models, gpus, background=None, training_shapes=PAPER_SHAPES, most_known=1):
    """Predict rows of a table from other rows of it, with every law.

    Nothing about a predicted row enters its prediction: every fit, of shared factors too, is made
    anew without the rows that are left out.

    - ``leave-shapes-out``: fitted to ``training_shapes`` of every configuration, tested on all
      other shapes.
    - ``leave-one-shape-out``: every shape from all others.
    - ``leave-configuration-out, k known``: the configuration is left out, from whatever source, but
      for k of its rows, in all combinations; tested on its other rows.
    - ``leave-model-out, k known``: the same with all configurations of the model left out.

    Parameters
    ----------
    rows : DataFrame
        Table of schema ``throughput`` with both lengths.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    background : DataFrame, optional
        Further rows that the hierarchical law may learn from, under the same rules; never tested.
    training_shapes : tuple of (int, int)
        Input and output lengths. [tokens]
    most_known : int
        Largest k.

    Returns
    -------
    DataFrame
        Columns split, law, the configuration's, input_tokens, output_tokens, known_shapes,
        throughput_tps, predicted_tps, relative_error (predicted/actual - 1).

    Raises
    ------
    InputError
        If the table has too few rows to leave one out.
    """
    background = rows.iloc[:0] if background is None else background
    everything = pd.concat([rows, background], ignore_index=True)
    tested = np.arange(len(everything)) < len(rows)
    usable = everything[["input_tokens", "output_tokens"]].notna().all(axis=1)
    everything, tested = everything[usable].reset_index(drop=True), tested[usable]
    columns = [*configuration_columns(rows), "input_tokens", "output_tokens", "throughput_tps"]
    known_columns = everything[columns]
    everything = add_serving_times(everything, models, gpus)
    everything["configuration"] = configuration_number(everything)
    shapes = np.array(_shapes(everything))
    records = []

    def by_shapes(split, trained, left_out):
        if (left_out & tested).any() and trained.any():
            for law, index, predicted in _predict_shapes(everything, left_out & tested, trained):
                records.append((split, law, index, "", predicted))

    def of(chosen):
        return (shapes[:, None] == np.array(chosen)[None]).all(axis=2).any(axis=1)

    trained = of(training_shapes)
    by_shapes("leave-shapes-out", trained, ~trained)
    for shape in np.unique(shapes[tested], axis=0):
        by_shapes("leave-one-shape-out", ~of([shape]), of([shape]))
    served = [column for column in DEPLOYMENT if column in everything]
    for label, grouping in {
        "leave-configuration-out": served,
        "leave-model-out": ["model"],
    }.items():
        group = everything.groupby(grouping, dropna=False, sort=False).ngroup().to_numpy()
        for law, index, predicted, known in _predict_configurations(
            everything, tested, group, most_known
        ):
            names = " ".join(f"{i:g}/{o:g}" for i, o in _shapes(known))
            records.append((f"{label}, {len(known)} known", law, index, names, predicted))

    if not records:
        raise InputError(
            f"throughput table: {usable[: len(rows)].sum()} rows with both lengths leave nothing "
            "to predict from; give two rows or more of one configuration, or two configurations"
        )
    sizes = [len(record[2]) for record in records]
    found = known_columns.loc[np.concatenate([record[2] for record in records])]
    found = found.reset_index(drop=True)
    for position, name in {0: "split", 1: "law", 3: "known_shapes"}.items():
        found[name] = np.repeat([record[position] for record in records], sizes)
    found["predicted_tps"] = np.concatenate([record[4] for record in records])
    found["relative_error"] = found["predicted_tps"] / found["throughput_tps"] - 1
    return found


def error_statistics(predictions):
    """Errors by split, law and shape region.

    Parameters
    ----------
    predictions : DataFrame
        As ``cross_validate`` returns it.

    Returns
    -------
    DataFrame
        Columns split, law, region, statistic, value, unit, n. Statistics: mean and p90 of the
        absolute relative error, and bias, the mean of the signed one; n counts the predictions.
    """
    found = []
    for (split, law), rows in predictions.groupby(["split", "law"], sort=False):
        for region, inside in regions(rows["input_tokens"], rows["output_tokens"]).items():
            error = rows["relative_error"].to_numpy()[inside]
            if not len(error):
                continue
            statistics = {
                "mean_absolute_error": np.abs(error).mean(),
                "p90_absolute_error": np.percentile(np.abs(error), 90),
                "bias": error.mean(),
            }
            found += [
                (split, law, region, name, 100 * value, "%", len(error))
                for name, value in statistics.items()
            ]
    columns = ["split", "law", "region", "statistic", "value", "unit", "n"]
    return pd.DataFrame(found, columns=columns)


def evaluate(rows, models, gpus, background=None):
    """Cross-validate every law.

    Returns
    -------
    tuple of DataFrame
        ``error_statistics`` and the predictions behind them, of ``cross_validate``.
    """
    predictions = cross_validate(rows, models, gpus, background)
    return error_statistics(predictions), predictions
