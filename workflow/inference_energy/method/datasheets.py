"""What is known of GPUs and of the nodes around them, held against each other across tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from inference_energy.agreement import unusual
from inference_energy.documents import near
from inference_energy.laws.training import LARGEST_NODE, NODE_GPUS
from inference_energy.power.node import node_power as power_of
from inference_energy.power.node import water_cooled
from inference_energy.tables import load_schema
from inference_energy.units import W_PER_KW


@dataclass(frozen=True)
class Bound:
    """What a ratio may be.

    Parameters
    ----------
    allowed, usual : tuple of float
        Least and most. [1]
    reason : str
        Why.
    """

    allowed: tuple[float, float]
    usual: tuple[float, float]
    reason: str


SUPPLIED = Bound(
    (0.1, 1.0),
    (0.35, 0.95),
    "supplies switch off beyond their capacity, of which half may be spare",
)
"""All that a node draws over what its power supplies give. Of the project's nodes 0.58 and 0.66."""
BLOWN = Bound((0.3, 3.0), (0.8, 1.3), "fans reach their full duty about where the heat is largest")
"""Power at which the fans are at full duty over that of GPUs and fixed part. Both nodes: 1.04."""
FANS = Bound(
    (0.005, 0.6), (0.03, 0.25), "moving the air takes about a tenth of the heat it carries"
)
"""Power of the fans over that of GPUs and fixed part. Both nodes: 0.12."""
REST = Bound((0.01, 3.0), (0.05, 0.6), "processors, memory and network take a part of what GPUs do")
"""Power of the fixed part over that of the GPUs. Of the project's nodes 0.16 and 0.23."""
AROUND = Bound((1.0, 4.0), (1.2, 2.5), "a node draws its GPUs' rated power and up to as much again")
"""Maximum power of a node over that of its GPUs. Of the project's nodes 1.79 and 1.82."""
OTHERWISE = Bound(
    (0.3, 1.5), (0.5, 1.1), "a maximum is what the parts of such a node draw together"
)
"""What the parts of a node draw over its maximum power, per GPU. Of the B200's 0.76."""
METERED = Bound(
    (0.0, 1.5),
    (0.0, 1.1),
    "GPUs hold themselves to their limit, and nodes of the same GPUs differ in the rest",
)
"""A meter at the wall over what its node draws with each GPU at its limit. Of the project's meters,
means and 95th percentiles, 0.90 to 1.03. The rest of a node is 0.7 times as much as its GPUs at
half their rated power: of a node with twice that rest it would be 1.4."""
STATED = Bound((0.0, 1.0), (0.0, 1.0), "a node draws no more than the maximum stated of it")
"""A meter at the wall over the maximum power of its node. Of the project's at most 0.74."""

NODES, MAXIMA, GPUS = "data/nodes.csv: node", "data/node_power.csv: gpu", "data/gpus.csv: gpu"
MODELS, FACTS = "data/models.csv: model", "data/facility.csv: fact"
METERS = "data/measured/mlperf_wall_power.csv:"
"""Beginnings of sentences about a row."""

READINGS = ("wall_power_w", "wall_power_p95_w")
"""Columns of a meter that its node limits. Idle power is at most the mean by the table's schema."""


def held(
    gpus: pd.DataFrame, nodes: pd.DataFrame, node_power: pd.DataFrame
) -> Iterator[tuple[bool, str]]:
    """Find rows that those of another table, or what is usual, contradict.

    Parameters
    ----------
    gpus, nodes, node_power : DataFrame
        Tables of those schemas.

    Yields
    ------
    (bool, str)
        Whether it cannot be (or is only unusual), and a sentence.
    """
    for name, where, table in (
        ("gpus", GPUS, gpus),
        ("nodes", NODES, nodes),
        ("node_power", MAXIMA, node_power),
    ):
        yield from unusual_rows(name, where, table)
    rated = dict(zip(gpus["gpu"], gpus["tdp_w"].astype(float), strict=True))
    yield from _nodes(nodes, rated)
    yield from _maxima(node_power, nodes, rated)


def unusual_rows(name: str, where: str, table: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    """Find rows of a table that its schema calls unusual.

    Parameters
    ----------
    name, where : str
        Schema, and the beginning of a sentence about a row, which its first cell follows.
    table : DataFrame
        Table of that schema.

    Yields
    ------
    (bool, str)
        As of :func:`held`; none of them cannot be.
    """
    for columns, places, sentences in unusual(table, load_schema(name)):
        for place, sentence in zip(places, sentences, strict=True):
            yield False, f"{where} {table.iloc[place, 0]}: {columns}: {sentence}"


def no_node(size: int, gpus: Iterable[str], needed: float) -> Iterator[str]:
    """Say what is unusual about the GPUs of a node.

    Parameters
    ----------
    size : int
        GPUs of a node, as is stated.
    gpus : iterable of str
        Its kinds of GPU, by their names in data/gpus.csv.
    needed : float
        GPUs that one copy of a model was measured on.

    Yields
    ------
    str
        A sentence without the place and the value.
    """
    sizes = {gpu: LARGEST_NODE.get(gpu, NODE_GPUS) for gpu in gpus}
    most = max(sizes.values())
    if size > most:
        yield f"the largest node or rack of {', '.join(sizes)} on sale has {most}"
    if size < needed <= most:
        yield (
            f"a model was measured on {needed:g} GPUs at once, which one node on sale has, and"
            f" {needed / size:g} nodes are counted"
        )


def _nodes(nodes: pd.DataFrame, rated: Mapping[str, float]) -> Iterator[tuple[bool, str]]:
    """Nodes against the rated power [W] of their GPUs."""
    for _, row in nodes.iterrows():
        where, gpu, count = f"{NODES} {row['node']}", row["gpu"], int(row["gpus"])
        if gpu not in rated:
            yield True, unnamed(where, gpu, rated)
            continue
        yield from _too_many(where, gpu, count)
        of_gpus, fixed, fans = count * rated[gpu], float(row["fixed_w"]), float(row["fan_full_w"])
        each = f"{count} x {rated[gpu]:g} W (gpus, and tdp_w of {gpu} in data/gpus.csv)"
        inside = f"{each} and fixed_w {fixed:g}"
        most = of_gpus + fixed + fans
        supplied = most / float(row["psu_w"])
        blown = float(row["fan_full_load_w"]) / (of_gpus + fixed)
        moved, rest = fans / (of_gpus + fixed), fixed / of_gpus
        summed = f"{inside} and fan_full_w {fans:g} make {most:g} W, {supplied:.3g} times that"
        for column, bound, ratio, told in (
            ("psu_w", SUPPLIED, supplied, summed),
            ("fan_full_load_w", BLOWN, blown, f"{blown:.3g} times that of {inside}"),
            ("fan_full_w", FANS, moved, f"{moved:.3g} times that of {inside}"),
            ("fixed_w", REST, rest, f"{rest:.3g} times that of {each}"),
        ):
            place = f'{where}: column "{column}": value {row[column]:g}'
            yield from against(bound, ratio, place, told)


def _maxima(
    node_power: pd.DataFrame, nodes: pd.DataFrame, rated: Mapping[str, float]
) -> Iterator[tuple[bool, str]]:
    """Maximum power of nodes against that of their GPUs [W], and of the same GPU's nodes."""
    for _, row in node_power.iterrows():
        where, gpu, count = f"{MAXIMA} {row['gpu']}", row["gpu"], int(row["gpus"])
        if gpu not in rated:
            yield True, unnamed(where, gpu, rated)
            continue
        yield from _too_many(where, gpu, count)
        watts = W_PER_KW * float(row["power_kw"])
        place = f'{where}: column "power_kw": value {row["power_kw"]:g}'
        each = f"{count} x {rated[gpu]:g} W (gpus, and tdp_w of {gpu} in data/gpus.csv)"
        ratio = watts / (count * rated[gpu])
        yield from against(AROUND, ratio, place, f"{ratio:.3g} times that of {each}")
        for _, node in nodes[nodes["gpu"] == gpu].iterrows():
            around = float(node["fixed_w"]) + float(node["fan_full_w"])
            parts = rated[gpu] + around / int(node["gpus"])
            ratio = parts * count / float(node["psu_efficiency_100"]) / watts
            told = (
                f"{ratio:.3g} times as much is what {count} GPUs draw with their part of fixed_w,"
                f" fan_full_w and losses of {node['node']} in data/nodes.csv"
            )
            yield from against(OTHERWISE, ratio, place, told)


def metered(
    wall_power: pd.DataFrame,
    mlperf_benchmarks: pd.DataFrame,
    gpus: pd.DataFrame,
    nodes: pd.DataFrame,
    node_power: pd.DataFrame,
) -> Iterator[tuple[bool, str]]:
    """Find meters at the wall that read more than their nodes can draw.

    Parameters
    ----------
    wall_power, mlperf_benchmarks, gpus, nodes, node_power : DataFrame
        Tables of those schemas; a limit that a benchmark does not state is the rated power.

    Yields
    ------
    (bool, str)
        As of :func:`held`, of a reading the bound that refuses it, or else tells.
    """
    rated = dict(zip(gpus["gpu"], gpus["tdp_w"].astype(float), strict=True))
    limits = mlperf_benchmarks.set_index(["source_id", "benchmark"])["gpu_power_limit_w"].dropna()
    for _, row in wall_power.iterrows():
        names = (str(row[name]) for name in ("source_id", "system", "benchmark", "scenario"))
        where, gpu = f"{METERS} {', '.join(names)}", row["gpu"]
        if gpu not in rated:
            yield True, unnamed(where, gpu, rated)
            continue
        limit = limits.get((row["source_id"], row["benchmark"]))
        own = (table[_of_node(table, row)] for table in (nodes, node_power))
        most = list(_most(row, rated[gpu], limit, *own))
        for column in READINGS:
            value = float(row[column])
            place = f'{where}: column "{column}": value {value:g}'
            found: list[tuple[bool, str]] = []
            for bound, watts, whose in most:
                ratio = value / watts
                found += against(
                    bound, ratio, place, f"{ratio:.3g} times the {watts:.0f} W {whose}"
                )
            # what refuses it before what is unusual of it
            yield from sorted(found, key=lambda one: not one[0])[:1]


def _of_node(table: pd.DataFrame, row: pd.Series) -> pd.Series:
    """Rows of a table that are of as many of the same GPUs as a row."""
    return (table["gpu"] == row["gpu"]) & (table["gpus"] == row["gpus"])


def _most(
    row: pd.Series,
    rated: float,
    limit: float | None,
    nodes: pd.DataFrame,
    node_power: pd.DataFrame,
) -> Iterator[tuple[Bound, float, str]]:
    """What limits a meter: what its reading may be over a power [W], and whose power that is.

    ``nodes`` and ``node_power`` are the rows of as many of the same GPUs.
    """
    each = f"{row['gpus']} x {row['gpu']}"
    if len(nodes):
        node = nodes.iloc[0]
        node = water_cooled(node) if row["cooling"] == "water" else node
        watts, stated = rated, "tdp_w of data/gpus.csv"
        if limit is not None:
            watts, stated = float(limit), "gpu_power_limit_w of data/mlperf_benchmarks.csv"
        yield (
            METERED,
            float(power_of(watts, node)),
            f"that {each} draw at {watts:g} W each ({stated}) with {node['node']} of data/nodes.csv"
            " around them",
        )
        yield (
            _at_most(SUPPLIED),
            float(node["psu_w"]) / float(node["psu_efficiency_100"]),
            f"at which the supplies of {node['node']} give psu_w (data/nodes.csv)",
        )
    if len(node_power):
        yield (
            STATED,
            W_PER_KW * float(node_power.iloc[0]["power_kw"]),
            f"that {each} draw at most (power_kw of data/node_power.csv)",
        )
    if nodes.empty and node_power.empty:
        yield (
            _at_most(AROUND),
            int(row["gpus"]) * rated,
            f"that {each} are rated (gpus, and tdp_w of data/gpus.csv)",
        )


def _at_most(bound: Bound) -> Bound:
    """The upper ends of a bound: a meter of less than the most is no contradiction."""
    return Bound((0.0, bound.allowed[1]), (0.0, bound.usual[1]), bound.reason)


def against(bound: Bound, ratio: float, place: str, told: str) -> Iterator[tuple[bool, str]]:
    """Hold a ratio against what it may be.

    Parameters
    ----------
    bound : Bound
        What it may be.
    ratio : float
        It. [1]
    place, told : str
        Row, column and value, and what the ratio is of, for the sentence.

    Yields
    ------
    (bool, str)
        Whether it cannot be (or is only unusual), and a sentence; nothing of what is usual.
    """
    for word, (least, most), is_problem in (
        ("", bound.allowed, True),
        ("unusual; ", bound.usual, False),
    ):
        if not least <= ratio <= most:
            may = "allowed" if is_problem else "usual"
            remedy = "; correct the one that is wrong" if is_problem else ""
            yield (
                is_problem,
                f"{place}: {word}{told}; {may} is {least:g} to {most:g}, as {bound.reason}{remedy}",
            )
            return


def _too_many(where: str, gpu: str, count: int) -> Iterator[tuple[bool, str]]:
    """More GPUs than any node on sale has."""
    for sentence in no_node(count, [gpu], count):
        yield False, f'{where}: column "gpus": value {count}: unusual; {sentence}'


def unnamed(where: str, gpu: str, rated: Mapping[str, float]) -> str:
    """Say that a row's GPU is none of those whose rated power [W] is known."""
    return (
        f'{where}: column "gpu": value {gpu}: no GPU of data/gpus.csv has this name; allowed are'
        f" its names; correct it, or add the GPU there{near(gpu, rated)}"
    )
