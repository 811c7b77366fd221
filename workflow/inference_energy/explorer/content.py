"""What the page knows: laws and factors to compute with, and numbers of the run to show.

Laws and factors are given in full, so that the page's own numbers are those of the exact engine;
numbers of the run are those of its tables, each with the line that it stands in.
"""

import base64
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.claims.judge import deciding
from inference_energy.claims.wording import place
from inference_energy.explorer.configurations import Configuration
from inference_energy.explorer.page import DIGITS
from inference_energy.laws import at_load, serving
from inference_energy.laws.base import LENGTH_FLOOR, Law, Share
from inference_energy.laws.fitting import Hardware
from inference_energy.laws.hardware import LONGEST, longest_context
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import TRIMMED, UNTRIMMED, Coupling, ServedModel
from inference_energy.power.node import find_node, idle_share, node_power
from inference_energy.text import is_missing
from inference_energy.units import W_PER_KW

STEPS = {"covariance": (1e-7, 3), "factors": (1e-8, 4), "powers": (2e-9, 4)}
"""Resolution [1] and length [bytes] of numbers that the page has many of. The largest covariance
that fits is 0.84, a spread by a factor of 2.5; its step moves a spread of 4 % by less than a
thousandth of itself. Steps of factors (of their logarithms) and powers are as fine as DIGITS."""

SHOWN = ["mean", "p5", "p25", "p50", "p75", "p95"]
"""Statistics of a method's own queries."""

Lines = dict[tuple[Any, ...], list[int]]
"""Lines of a throughput table's file by what they hold in ROW."""

Queries = dict[str, dict[str, dict[str, Any]]]
"""Energies of a regime's queries by subject, engine and statistic, with their lines."""

ROW = ["model", "gpu", "precision", "input_tokens", "output_tokens", "throughput_tps", "source_id"]
"""Columns by which a benchmark row is found again in its file."""


def law_content(law: Law) -> dict[str, Any] | None:
    """Coefficients of a throughput law; none if the page cannot compute it.

    Parameters
    ----------
    law : Law
        Throughput law of a node.

    Returns
    -------
    dict or None
        ``kind``, its coefficients, and ``domain``. Of a law of several ways the nodes that they are
        on, as all ways of a model stand once, in ``Pools``.
    """
    if not is_computable(law):
        return None
    domain = {
        name.removesuffix("_tokens"): [end if np.isfinite(end) else None for end in ends]
        for name, ends in law.domain.items()
    }
    if is_pooled(law):
        return {"kind": "pooled", "nodes": nodes_of(law), "domain": domain}
    form = law.closed_form()
    return None if form is None else form | {"domain": domain}


def is_computable(law: Law) -> bool:
    """Whether the page can compute a law: every way of it, one of each kind of law in place of all.

    Whether a law has a closed form depends on its kind alone.
    """
    kinds = {type(way.law): way.law for way in law.shares()}
    return all(one.closed_form() is not None for one in kinds.values())


def is_pooled(law: Law) -> bool:
    """Whether a law is of several ways to serve, or could be."""
    return law.shares()[0].law is not law


def nodes_of(law: Law) -> list[str]:
    """Kinds of nodes that a law's ways are on."""
    return list(dict.fromkeys(way.node for way in law.shares()))


OF_ENGINE = "overlapped"
"""The trait of ``serving.TRAITS`` that an engine has, whatever the layout."""

OF_LAYOUT = [name for name in serving.TRAITS if name != OF_ENGINE]
"""The others."""


class Pools:
    """All ways to serve each model that is served in several, without saying anything twice.

    What a law with load knows is the same for all layouts of a model on a kind of node with an
    engine, and what a layout implies is the same for all engines: a way refers to both by place.

    Attributes
    ----------
    known : list
        What laws know: the place in ``parts``, ln of the factors, slopes, scatter, the upper half
        of the covariance, and whether the engine hides its host; factors and covariance as
        :func:`stepped`.
    parts : list
        Places of parts whose time is not zero.
    layouts : list
        What layouts imply: for every trait of ``OF_LAYOUT`` a place in ``trait_values``.
    trait_values : list
        Values of every trait; an infinite one is None.
    columns : list
        Weights, loads and copies of the ways of one node and engine.
    """

    def __init__(self) -> None:
        self.known: list[Any] = []
        self.parts: list[Any] = []
        self.layouts: list[Any] = []
        self.columns: list[Any] = []
        self.trait_values: list[list[Any]] = [[] for _ in OF_LAYOUT]
        self._places: dict[tuple[Any, ...], int] = {}
        self._forms: list[tuple[dict[str, Any], NDArray[np.bool_]]] = []
        self._layouts: dict[tuple[float | None, ...], tuple[int, NDArray[np.bool_]]] = {}

    def add(self, configurations: Iterable[Configuration]) -> dict[str, dict[str, list[Any]]]:
        """Describe the ways of a method's configurations.

        Returns
        -------
        dict of str to dict
            By model: ``laws``, and ``ways``: node, engine, places of weights, loads and copies,
            laws by place, and relative powers as :func:`stepped`.
        """
        found: dict[str, dict[str, list[Any]]] = {}
        # the most nodes first, with their weights among each other
        for each in sorted(configurations, key=lambda c: -len(nodes_of(c.law))):
            if not (is_pooled(each.law) and is_computable(each.law)):
                continue
            pool = found.setdefault(each.model, {"laws": [], "ways": []})
            there = {way[0] for way in pool["ways"]}
            ways = [way for way in each.law.shares() if way.node not in there]
            for kind in dict.fromkeys((way.node, way.engine) for way in ways):
                own = [way for way in ways if (way.node, way.engine) == kind]
                pool["ways"].append([*kind, *self._columns(own), *self._laws(pool["laws"], own)])
        return found

    def finish(self) -> None:
        """Write what laws know, once all are added: only the parts that any of them has."""
        self.known = [self._knowledge(form, present) for form, present in self._forms]

    def _columns(self, ways: Sequence[Share]) -> list[int]:
        loads = [way.load if np.isfinite(way.load) else None for way in ways]
        columns = ([way.weight for way in ways], loads, [way.copies for way in ways])
        return [self._place(self.columns, list(map(_short, column))) for column in columns]

    def _laws(self, laws: list[Any], ways: Sequence[Share]) -> tuple[list[int], str]:
        places = []
        for way in ways:
            form = way.law.closed_form()
            assert form is not None  # the page can compute it
            law = self._law(form)
            if law not in laws:
                laws.append(law)
            places.append(laws.index(law))
        return places, stepped("powers", [way.power for way in ways])

    def _law(self, form: dict[str, Any]) -> Any:
        if "traits" not in form:
            return form
        traits = form["traits"]
        numbers = (*form["factors"], *form["slopes"], *form["covariance"], form["scatter"])
        key = (*numbers, traits[OF_ENGINE])
        place = self._places.setdefault(key, len(self._forms))
        if place == len(self._forms):
            self._forms.append((form, np.zeros(len(serving.PARTS), bool)))
        layout, present = self._layout(tuple(traits[name] for name in serving.TRAITS))
        self._forms[place][1][:] |= present
        return [place, layout, form["copies"]]

    def _layout(self, traits: tuple[float | None, ...]) -> tuple[int, NDArray[np.bool_]]:
        """Place of what a layout implies, and which parts take time; all loads have it alike."""
        if traits not in self._layouts:
            stated = dict(zip(serving.TRAITS, traits, strict=True))
            layout = [
                self._place(values, _short(stated[name]))
                for name, values in zip(OF_LAYOUT, self.trait_values, strict=True)
            ]
            of_names = {k: np.inf if value is None else value for k, value in stated.items()}
            place = self._place(self.layouts, layout)
            present = serving.part_seconds(of_names, 1.0, 1.0, 0.0, 1.0) > 0
            self._layouts[traits] = place, present
        return self._layouts[traits]

    def _place(self, stored: list[Any], value: Any) -> int:
        key = (id(stored), *value) if isinstance(value, list) else (id(stored), value)
        if key not in self._places:
            self._places[key] = len(stored)
            stored.append(value)
        return self._places[key]

    def _knowledge(self, form: Mapping[str, Any], present: NDArray[np.bool_]) -> list[Any]:
        """What a law with load knows of the parts that are present."""
        size = len(present) + len(form["slopes"])
        covariance = np.zeros((size, size))
        covariance[np.triu_indices(size)] = form["covariance"]
        parts = np.flatnonzero(present)
        kept = np.append(parts, np.arange(len(present), size))
        upper = covariance[np.ix_(kept, kept)][np.triu_indices(len(kept))]
        return [
            self._place(self.parts, parts.tolist()),
            stepped("factors", np.array(form["factors"])[present]),
            form["slopes"],
            form["scatter"],
            stepped("covariance", upper),
            form["traits"][OF_ENGINE],
        ]


def _short(value: float | None) -> float | None:
    """A number as the page has it, so that equal ones are found."""
    return value if value is None else float(f"{value:.{DIGITS}g}")


def stepped(kind: str, values: ArrayLike) -> str:
    """Numbers in steps of STEPS, as whole numbers, lowest byte first, in base64.

    Parameters
    ----------
    kind : str
        Of STEPS.
    values : sequence of float
        [1]

    Returns
    -------
    str

    Raises
    ------
    OverflowError
        If a number does not fit.
    """
    step, size = STEPS[kind]
    steps = [round(value) for value in (np.asarray(values, float) / step).tolist()]
    numbers = b"".join(each.to_bytes(size, "little", signed=True) for each in steps)
    return base64.b64encode(numbers).decode("ascii")


def serving_content(pools: Pools, coefficients: pd.DataFrame) -> dict[str, Any]:
    """What laws with load have in common: names of parts and traits, fixed numbers, ``Pools``.

    And the models of the table of schema ``coefficients`` of which nothing was measured.
    """
    measured = coefficients.loc[coefficients["tier"].ne("C"), "model"]
    return {
        "unmeasured": sorted(set(coefficients["model"]) - set(measured)),
        "parts": list(serving.PARTS),
        "traits": OF_LAYOUT,
        "of_engine": OF_ENGINE,
        "largest_batch": serving.LARGEST_BATCH,
        "smoothness": serving.SMOOTHNESS,
        "small_message": serving.SMALL_MESSAGE,
        "expert_rows": serving.EXPERT_ROWS,
        "hidden": [
            name for name, hidden in zip(serving.PARTS, serving.HIDDEN, strict=True) if hidden
        ],
        "near": at_load.NEAR,
        "short": at_load.SHORT,
        "length_floor": LENGTH_FLOOR,
        "steps": STEPS,
        "known": pools.known,
        "present": pools.parts,
        "layouts": pools.layouts,
        "values": pools.trait_values,
        "columns": pools.columns,
    }


def context_content(
    found: Mapping[str, Iterable[Configuration]], models: pd.DataFrame
) -> dict[str, Any]:
    """Longest context of every model that the page offers, as far as it is known.

    Parameters
    ----------
    found : dict of str to list of Configuration
        Configurations of each method.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    dict
        ``times`` [1] by which a query may exceed it, and ``longest`` [tokens] by model.
    """
    names = sorted({each.model for of_method in found.values() for each in of_method})
    longest = {name: longest_context(name, models) for name in names}
    known = {name: tokens for name, tokens in longest.items() if not np.isnan(tokens)}
    return {"times": LONGEST, "longest": known}


def idle_content(
    pools: Mapping[str, Mapping[str, Any]], hardware: Hardware
) -> dict[str, dict[str, float]]:
    """Power that the nodes of pools draw whatever they serve.

    Parameters
    ----------
    pools : dict
        From ``Pools.add``.
    hardware : mapping of str to DataFrame
        Tables gpus, nodes and wall_power.

    Returns
    -------
    dict of str to dict
        By kind of node ``host``: all but the GPUs; ``idle``: with idle GPUs. [kW]
    """
    nodes = dict.fromkeys(way[0] for pool in pools.values() for way in pool["ways"])
    if not nodes:
        return {}
    gpus, known = hardware["gpus"], hardware["nodes"]
    share = idle_share(hardware["wall_power"], known, gpus)
    rated = gpus.set_index("gpu")["tdp_w"].astype(float)
    found = {}
    for name in nodes:
        gpu = name.rsplit(" ", 1)[0]
        node = find_node(gpu, known, gpus)
        host, idle = (float(node_power(w, node)) / W_PER_KW for w in (0.0, share * rated[gpu]))
        found[name] = {"host": host, "idle": idle}
    return found


def configuration_content(
    each: Configuration,
    served: Mapping[str, ServedModel],
    files: Mapping[str, Lines],
    lines: tuple[int, int],
) -> dict[str, Any]:
    """One configuration for the page.

    Parameters
    ----------
    each : Configuration
        What a method knows of a node.
    served : dict of str to ServedModel
        The method's models.
    files : dict of str to dict
        Throughput tables by path, each as of :func:`lines_of_rows`, in which the rows behind the
        law are.
    lines : tuple of int
        First and last line of the configurations table that hold it.
    """
    model = served.get(each.model)
    return {
        "model": each.model,
        "gpu": each.gpu,
        "precision": each.precision,
        "load": None if np.isnan(each.load) else each.load,
        "power": each.node_power,
        "largest": model.peak if model else None,
        # the node that the method itself charges
        "own": bool(model and model.law.terms() == each.law.terms()),
        "lines": list(lines),
        "law": law_content(each.law),
        "rows": rows_behind(each.rows, files),
    }


def lines_of_rows(table: pd.DataFrame) -> Lines:
    """Lines of a throughput table's file by what they hold in ROW, a dict of tuple to list."""
    found: Lines = {}
    for line, row in enumerate(table[ROW].itertuples(index=False, name=None), start=2):
        found.setdefault(row, []).append(line)
    return found


def rows_behind(rows: pd.DataFrame, files: Mapping[str, Lines]) -> list[list[Any]]:
    """Lines of the throughput tables that hold some benchmark rows: path, first and last line.

    Neighbouring lines are one range; ``files`` as for :func:`configuration_content`.
    """
    wanted = set(rows[ROW].itertuples(index=False, name=None))
    ranges = []
    for path, known in files.items():
        lines = np.array(sorted(line for row in wanted for line in known.get(row, [])), int)
        for run in np.split(lines, np.flatnonzero(np.diff(lines) > 1) + 1):
            if len(run):
                ranges.append([path, int(run[0]), int(run[-1])])
    return ranges


def utilisation_content(
    section: Mapping[str, Any], power_utilisation: LogNormal | Coupling, z: float
) -> dict[str, float]:
    """Content of a power utilisation: of a coupling its terms, else its range.

    The range of one that is measured at the load is of what was built.
    ``z`` is the normal quantile by which the page makes a log-normal of its ends again. [1]
    """
    if isinstance(power_utilisation, Coupling):
        return {"intercept": power_utilisation.intercept, "slope": power_utilisation.slope}
    if section["distribution"] == "by-load":
        middle, away = power_utilisation.mu, z * power_utilisation.sigma
        p5, p95 = (float(np.exp(middle + end)) for end in (-away, away))
        return {"p5": p5, "p95": p95}
    return factor_content(section)


def factor_content(section: Mapping[str, Any]) -> dict[str, float]:
    """Range of a log-normal factor, of one value where it is fixed."""
    if section["distribution"] == "fixed":
        return {"p5": section["value"], "p95": section["value"]}
    return {"p5": section["p5"], "p95": section["p95"]}


def method_content(
    method: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    published: pd.DataFrame,
    power_utilisation: LogNormal | Coupling,
) -> dict[str, Any]:
    """One method for the page.

    Parameters
    ----------
    method : dict
        Resolved method.
    tables : dict of str to DataFrame
        Its tables energy_per_query, fleet, footprint, claims.
    published : DataFrame
        Table of schema ``claims_published``, as its file has it.
    power_utilisation : LogNormal or Coupling
        That of the built method.
    """
    z = method["monte_carlo"]["normal_quantile_95"]
    return {
        "title": method["title"],
        "kind": method["kind"],
        "z": z,
        "utilisation": utilisation_content(method["power_utilisation"], power_utilisation, z),
        "pue": factor_content(method["pue"]),
        "ratio": method["input_charge"]["input_tokens_per_output_token"]["value"],
        "uncertain": method["throughput_law"].get("error", "ignored") == "included",
        "regimes": {
            name: {
                "input": regime["input_tokens"]["value"],
                "output": median_tokens(tables["output_tokens"], name),
            }
            for name, regime in method["regimes"].items()
        },
        "queries_per_day": method["fleet"]["queries_per_day"]["value"],
        "long_share": method["fleet"]["long_share"]["value"],
        "own": own_queries(tables["energy_per_query"]),
        "first": nearest_the_blend(own_queries(tables["energy_per_query"])["traditional"]),
        "fleet": fleet(tables["fleet"]),
        "footprint": footprint(tables["footprint"]),
        "claims": claims(tables["claims"], published),
    }


def median_tokens(table: pd.DataFrame, regime: str) -> float:
    """Median output tokens of a regime's queries; of the seeded draw only if nothing else ran."""
    rows = table[(table["regime"] == regime) & (table["statistic"] == "p50")]
    return float(rows.sort_values("engine")["value"].iloc[0])


def own_queries(table: pd.DataFrame) -> dict[str, Queries]:
    """Energy of a method's own queries by regime, subject and engine, with the lines of each."""
    found: dict[str, Queries] = {}
    rows = table[(table["pathway"] == "baseline") & table["statistic"].isin(SHOWN)]
    for (regime, subject, engine), some in rows.groupby(["regime", "subject", "engine"]):
        statistics = dict(zip(some["statistic"], map(float, some["value"]), strict=True))
        lines = [int(some.index[0]) + 2, int(some.index[-1]) + 2]
        of_subject = found.setdefault(str(regime), {}).setdefault(str(subject), {})
        of_subject[str(engine)] = statistics | {"lines": lines}
    return found


def nearest_the_blend(subjects: Queries) -> str:
    """Model whose median energy is nearest to that of the frontier blend, where a reader starts."""
    medians = {name: engines["published"]["p50"] for name, engines in subjects.items()}
    target = medians[TRIMMED]
    models = [name for name in medians if name not in (TRIMMED, UNTRIMMED)]
    return min(models, key=lambda name: abs(np.log(medians[name] / target)))


def fleet(table: pd.DataFrame) -> dict[str, Any]:
    """A day's energy by scenario and pathway, from the engine without sampling if it has run."""
    engine = "exact" if "exact" in set(table["engine"]) else "published"
    rows = table[(table["engine"] == engine) & (table["statistic"] == "p50")]
    found: dict[str, Any] = {"engine": engine}
    for line, row in _in_file(rows):
        cell = {"value": row["value"], "line": line}
        found.setdefault(row["scenario"], {})[row["pathway"]] = cell
    return found


def footprint(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Water and carbon of a day by boundary, setting and regime."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for line, row in _in_file(table[table["per"] == "day"]):
        cell = {"value": row["value"], "line": line}
        found.setdefault(row["boundary"], {}).setdefault(row["setting"], {})[row["regime"]] = cell
    return found


def claims(table: pd.DataFrame, published: pd.DataFrame) -> list[dict[str, Any]]:
    """Verdicts of the engine that decides in the order of the paper, with where each is printed."""
    keys = zip(published["claim"], published["version"], strict=True)
    printed = {key: line + 2 for line, key in enumerate(keys)}
    statements = published["statement"].tolist()
    lines = []
    ordered = deciding(table).sort_values("claim", key=lambda names: names.map(place))
    for line, row in _in_file(ordered):
        at = printed[row["claim"], row["source"]]
        lines.append(
            {
                "claim": row["claim"],
                "version": row["source"],
                "statement": statements[at - 2],
                "printed": at,
                "published": row["published"],
                "computed": None if is_missing(row["computed"]) else row["computed"],
                "unit": row["unit"],
                "verdict": row["verdict"],
                "note": None if is_missing(row["note"]) else row["note"],
                "line": line,
            }
        )
    return lines


def _in_file(rows: pd.DataFrame) -> Iterator[tuple[int, dict[Hashable, Any]]]:
    """Rows of a table as read, each after its line in the file."""
    return zip((rows.index + 2).tolist(), rows.to_dict("records"), strict=True)


def references(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """What a fleet is compared with, by quantity, with the line of each in the table."""
    rows = zip(table["quantity"], map(float, table["value"]), strict=True)
    return {name: {"value": value, "line": i + 2} for i, (name, value) in enumerate(rows)}


def intensity_content(config: Mapping[str, Any], facility: pd.DataFrame) -> dict[str, Any]:
    """Water and carbon per energy: the range of each, and named places.

    Parameters
    ----------
    config : dict
        config/footprint.yaml.
    facility : DataFrame
        Table of schema ``facility``.
    """
    found = {}
    facts = facility.reset_index(names="place").set_index("fact")
    for name in ("on_site_water", "generation_water", "operational_carbon"):
        section = config[name]
        found[name] = {
            "range": sorted(float(facts.loc[fact, "value"]) for fact in section["range"]),
            "settings": {
                fact: {
                    "subject": facts.loc[fact, "subject"],
                    "value": float(facts.loc[fact, "value"]),
                    "line": int(facts.loc[fact, "place"]) + 2,
                }
                for fact in section["settings"]
            },
        }
    return found
