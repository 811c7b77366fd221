"""How well throughput laws predict rows that they have not seen."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.errors import InputError
from inference_energy.laws.base import Array, Law
from inference_energy.laws.hardware import DEPLOYMENT
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import configuration_columns, configuration_number, load_of
from inference_energy.laws.serving import add_traits
from inference_energy.tables import format_number
from inference_energy.text import counted
from inference_energy.units import PERCENT

Bools = NDArray[np.bool_]

Prepared = dict[str, pd.DataFrame]
"""The same rows for every law, each with what that law must know of their configurations."""

Record = tuple[str, str, pd.Index, str, Array]
"""Predictions of a law: split, law, rows, the shapes that were known, and throughputs."""

LENGTHS = ["input_tokens", "output_tokens"]

PAPER_SHAPES = ((128, 128), (128, 2048), (500, 2000), (2048, 128), (5000, 500))
"""Input and output lengths [tokens] that the paper took from the vendor's tables."""

LONG = 4000
"""Input and output together that make a shape long. [tokens]"""


MOST = 15
"""Configurations of a user's table that are cross-validated: the time of a fit of many grows with
the cube of their number."""


MOST_ROWS = 100
"""Rows of a user's table that are cross-validated: a hundred shapes of one configuration take nine
seconds of processor, and each is left out of a fit to all others."""


def with_most_rows(rows: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Rows of the ``most`` configurations that have the most rows; repeated measurements once.

    Measurements are the same that a written table shows the same. Of more than MOST_ROWS of them so
    many, evenly from the first to the last.
    """
    rows = rows.dropna(subset=LENGTHS)
    shown = rows.assign(**rows[[*LENGTHS, "throughput_tps"]].map(format_number))
    again = shown.duplicated([*configuration_columns(rows), *LENGTHS, "throughput_tps"])
    rows = rows[~again]
    number = configuration_number(rows)
    # of as many rows each, those that come first
    largest = [each for each, _ in Counter(number).most_common(most)]
    kept = rows[np.isin(number, largest)]
    places = np.linspace(0, len(kept) - 1, min(len(kept), MOST_ROWS))
    return kept.iloc[places.round().astype(int)]


def regions(input_tokens: ArrayLike, output_tokens: ArrayLike) -> dict[str, Bools]:
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
    n_in, n_out = np.asarray(input_tokens), np.asarray(output_tokens)
    return {
        "all": np.ones(n_in.shape, bool),
        "prefill-heavy": n_in > n_out,
        "balanced": n_in == n_out,
        "decode-heavy": n_in < n_out,
        "long": n_in + n_out >= LONG,
    }


def _shapes(rows: pd.DataFrame) -> Array:
    return rows[LENGTHS].to_numpy(float)


def _predict(law: Law, asked: Array) -> Array:
    n_in, n_out, *load = asked.T
    return law.at(*load).predict(n_in, n_out)


def _asked(prepared: Prepared) -> Array:
    """What a law is told of rows that it predicts, by their index: lengths, then load."""
    rows = next(iter(prepared.values()))
    return np.column_stack([_shapes(rows), *load_of(rows)])


def _unmeasured(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[:1].assign(throughput_tps=np.nan)


def _predict_shapes(
    prepared: Prepared, tested: Bools, trained: Bools
) -> Iterator[tuple[str, pd.Index, Array]]:
    """Every law, fitted to the rows ``trained``, at the rows ``tested``; yields law, rows, TPS."""
    fits = {name: LAWS[name].fit_many(rows[trained]) for name, rows in prepared.items()}
    number, asked = next(iter(prepared.values()))["configuration"], _asked(prepared)
    place = {configuration: i for i, configuration in enumerate(number[trained].unique())}
    left_out = number[tested]
    for configuration, test in left_out.groupby(left_out, sort=False):
        for name, rows in prepared.items():
            fit = fits[name]
            law = fit.laws[place[configuration]] if configuration in place else None
            law = law or fit.condition(_unmeasured(rows.loc[test.index]))
            if law is not None:
                yield name, test.index, _predict(law, asked[test.index])


def _predict_configurations(
    prepared: Prepared, tested: Bools, group: NDArray[np.integer[Any]], most_known: int
) -> Iterator[tuple[str, pd.Index, Array, Array]]:
    """Every law where a group of configurations is unknown but for some rows of one of them.

    Yields law, rows, TPS and, as of ``_asked``, the known rows.
    """
    number, asked = next(iter(prepared.values()))["configuration"], _asked(prepared)
    for held in pd.unique(group[tested]):
        trained = group != held
        if not trained.any():
            return
        fits = {name: LAWS[name].fit_many(rows[trained]) for name, rows in prepared.items()}
        out = number[tested & ~trained]
        for _, own in out.groupby(out):
            for count in range(min(most_known, len(own) - 1) + 1):
                for chosen in map(list, combinations(own.index, count)):
                    rest = own.index.drop(chosen)
                    for name, rows in prepared.items():
                        given = rows.loc[chosen] if count else _unmeasured(rows.loc[own.index])
                        law = fits[name].condition(given)
                        if law is not None:
                            yield name, rest, _predict(law, asked[rest]), asked[chosen]


def _without_shapes(
    prepared: Prepared, rows: pd.DataFrame, tested: Bools, training: Sequence[tuple[float, float]]
) -> Iterator[Record]:
    """Shapes that are left out: all but those of the training, then each alone."""
    shapes = _shapes(rows)

    def of(chosen: Sequence[tuple[float, float]]) -> Bools:
        return (shapes[:, None] == np.array(chosen)[None]).all(axis=2).any(axis=1)

    splits = [("leave-shapes-out", ~of(training))]
    splits += [("leave-one-shape-out", of([s])) for s in np.unique(shapes[tested], axis=0)]
    for split, left_out in splits:
        if (left_out & tested).any() and not left_out.all():
            for law, index, predicted in _predict_shapes(prepared, left_out & tested, ~left_out):
                yield split, law, index, "", predicted


def _without_groups(
    prepared: Prepared, rows: pd.DataFrame, tested: Bools, most_known: int
) -> Iterator[Record]:
    """Configurations, then models, that are left out but for some rows.

    Rows have ``network`` of ``serving.add_traits``: models that are the same in it are one.
    """
    served = ["network", *(name for name in DEPLOYMENT if name in rows and name != "model")]
    for split, grouping in (("leave-configuration-out", served), ("leave-model-out", ["network"])):
        group = rows.groupby(grouping, dropna=False).ngroup().to_numpy()
        found = _predict_configurations(prepared, tested, group, most_known)
        for law, index, predicted, known in found:
            names = " ".join(f"{i:g}/{o:g}" for i, o in known[:, :2])
            yield f"{split}, {len(known)} known", law, index, names, predicted


def _beside_measured(records: Sequence[Record], measured: pd.DataFrame) -> pd.DataFrame:
    """Table of all predictions, each beside its measured row."""
    each = pd.DataFrame(records, columns=["split", "law", "rows", "known_shapes", "predicted"])
    found = measured.loc[np.concatenate(each["rows"])].reset_index(drop=True)
    for name in ("split", "law", "known_shapes"):
        found[name] = np.repeat(each[name].to_numpy(), each["rows"].map(len))
    found["predicted_tps"] = np.concatenate(each["predicted"])
    found["relative_error"] = found["predicted_tps"] / found["throughput_tps"] - 1
    return found


def _nothing_left(count: int) -> InputError:
    return InputError(
        f"throughput table: {counted(count, 'row', 'rows')} with both lengths"
        f" {'leaves' if count == 1 else 'leave'} nothing to predict from; give two rows or more of"
        " one configuration, or two configurations"
    )


def cross_validate(
    rows: pd.DataFrame,
    hardware: Mapping[str, pd.DataFrame],
    background: pd.DataFrame | None = None,
    training_shapes: Sequence[tuple[float, float]] = PAPER_SHAPES,
    most_known: int = 1,
) -> pd.DataFrame:
    """Predict rows of a table from other rows of it, with every law.

    Nothing about a predicted row enters its prediction: every fit, of shared factors too, is made
    anew without the rows that are left out.

    - ``leave-shapes-out``: fitted to ``training_shapes`` of every configuration, tested on all
      other shapes.
    - ``leave-one-shape-out``: every shape from all others.
    - ``leave-configuration-out, k known``: the configuration is left out, from whatever source, but
      for k of its rows, in all combinations; tested on its other rows.
    - ``leave-model-out, k known``: the same with all configurations of the model left out.

    Models of one architecture and size are one model here.

    Parameters
    ----------
    rows : DataFrame
        Table of schema ``throughput`` with both lengths.
    hardware : mapping of str to DataFrame
        Tables that the laws need.
    background : DataFrame, optional
        Further rows that laws may learn from, under the same rules; never tested.
    training_shapes : tuple of (int, int)
        Input and output lengths. [tokens]
    most_known : int
        Largest k.

    Returns
    -------
    DataFrame
        Columns the configuration's, input_tokens, output_tokens, throughput_tps, split, law,
        known_shapes, predicted_tps, relative_error (predicted/actual - 1).

    Raises
    ------
    InputError
        If the table has too few rows to leave one out.
    """
    given = [rows] if background is None else [rows, background]
    usable = [table.dropna(subset=LENGTHS) for table in given]
    if usable[0].empty:
        raise _nothing_left(0)
    everything = pd.concat(usable, ignore_index=True)
    tested = np.arange(len(everything)) < len(usable[0])
    measured = everything[[*configuration_columns(rows), *LENGTHS, "throughput_tps"]]
    everything["configuration"] = configuration_number(everything)
    prepared = {name: kind.prepare(everything, hardware) for name, kind in LAWS.items()}
    network = add_traits(everything, hardware["models"], hardware["gpus"])["network"]
    records = [
        *_without_shapes(prepared, everything, tested, training_shapes),
        *_without_groups(prepared, everything.assign(network=network), tested, most_known),
    ]
    if not records:
        raise _nothing_left(tested.sum())
    return _beside_measured(records, measured)


def error_statistics(predictions: pd.DataFrame) -> pd.DataFrame:
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
                (split, law, region, name, PERCENT * value, "%", len(error))
                for name, value in statistics.items()
            ]
    columns = ["split", "law", "region", "statistic", "value", "unit", "n"]
    return pd.DataFrame(found, columns=columns)


def evaluate(
    rows: pd.DataFrame,
    hardware: Mapping[str, pd.DataFrame],
    background: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cross-validate every law.

    Returns
    -------
    tuple of DataFrame
        ``error_statistics`` and the predictions behind them, of ``cross_validate``.
    """
    predictions = cross_validate(rows, hardware, background)
    return error_statistics(predictions), predictions
