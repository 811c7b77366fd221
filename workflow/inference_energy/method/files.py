"""Methodologies as files: inheritance, validation, and the objects the engines work with."""

import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from inference_energy.documents import collecting, in_short, near, read, schema_problems, unusual
from inference_energy.errors import InputError, UnansweredError
from inference_energy.laws.registry import LAWS, named_laws
from inference_energy.method.lengths import (
    CONTEXT,
    FAMILIES,
    LEAST_ABOVE,
    MOST_BEYOND,
    RoundedLengths,
)
from inference_energy.method.wording import OF_THE_SOURCE
from inference_energy.names import name_problems as unknown_names
from inference_energy.project import listed, path_problems, provided
from inference_energy.text import beyond

WHOLE = ("value", "distribution", "name", "factors", "kinds")
"""A mapping with one of these keys is one quantity: a child replaces it whole, never in part."""


SIMPLE = ("value", "distribution", "factors")
"""A quantity with one of these keys is one number or one distribution: half of it means nothing."""

USUAL_BEYOND = 1e-6
"""Share of the queries that usually are longer than the largest context. [1]"""
LEAST_UTILISATION, USUAL_UTILISATION = 0.01, 0.1
"""Share of its maximum power that a node draws at least, and usually: it idles at a tenth. [1]"""
USUALLY_KEPT = 0.5
"""Share of a model's queries that trimming usually leaves. [1]"""
LONGEST_NAME = 64
"""Letters of a method's name: files of comparisons hold two of them."""
MOST_OVERHEAD = 10
"""What a fleet draws at most over what its queries take. [1]"""

USUAL_OVERHEAD = 2
"""What a fleet usually draws at most: as much beside its queries as for them, idle machines among
it. Published ones are 1.3. [1]"""

USUAL_LONG = 1e11
"""Long queries that a fleet usually has at most: twelve of everyone on earth. [queries/day]"""

USUALLY_ABOVE = 0.01
"""Share of the queries that usually are as long as the shortest that counts. [1]"""

MOST_DRAWS = 1_000_000_000
"""Queries of all resamples of a day: a hundred times the paper's, minutes of a core."""

LEAST_KEPT = 10
"""Draws of a model that trimming has to leave: fewer have no quartiles."""

RESERVED = {
    *("all", "audit", "changes", "claims", "coefficients", "coefficients_rows", "comparison"),
    *("config", "data", "deployments", "everything", "evidence", "explorer", "findings"),
    *("headline", "laws", "method", "methods", "own_node", "peers", "requests", "results"),
    *("scaling", "scenarios", "stress", "validation", "whatif"),
}
"""Words of the workflow: folders, files and targets, which a method's folder would mix with."""

DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.", re.I)
"""Names that no folder on Windows has: those of its devices, and with a dot at the end."""

FILE_ENDING = re.compile(r".*\.(csv|html|json|log|md|parquet|png|rst|svg|txt|ya?ml)", re.I)
"""Names of files: a method claims.md has the folder results/claims.md, which is a file."""

AS_DEPLOYMENT = (
    "for a deployment say deployment={0} of snakemake requests, or deployments={0} of"
    " snakemake deployments, instead"
)
"""Remedy for a deployment's file in the place of a method."""

NOT_METHODS = (
    "name a method; files of benchmark clients go under deployment.benchmarks of a deployment's"
    " file, a throughput table is asked for by snakemake laws --config benchmarks=FILE, and a log"
    " of requests by snakemake requests --config log=FILE"
)
"""Remedy for a file that is neither a method nor a deployment in the place of one."""

LACKING = "key (top): missing key"
"""How a problem of a file begins that lacks whole sections."""

UNCHANGED = "unchanged"
"""Source of a quantity whose parent's source states the new value too."""

LEFT_UNCHANGED = "stated to be unchanged: "
"""Before the source that a method shows of such a quantity."""

WRITTEN = ("warnings", "removed")
"""Keys of a resolved method that the run writes, and no file states."""

OF_A_TABLE = ("models", "gpus", "sources", "exclude_sources", "exclude_confidence")
"""Keys of ``benchmarks`` that choose among the rows of its tables."""


def _copy(tree: Any) -> Any:
    """A tree of a document, whose leaves cannot change, copied so that it can."""
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree


class ChargedTwiceError(UnansweredError):
    """A charge of input beside a law that holds it."""


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``parent`` with what ``child`` states; quantities are replaced whole.

    A key of the parent that the child gives as None is removed.
    """
    merged = {key: v if key in child else _copy(v) for key, v in parent.items()}
    for key, value in child.items():
        if value is None and key in parent:
            del merged[key]
            continue
        inherited = merged.get(key)
        whole = _has(value, WHOLE) or _has(inherited, SIMPLE)
        if isinstance(value, dict) and isinstance(inherited, dict) and not whole:
            merged[key] = merge(inherited, value)
        else:
            merged[key] = _copy(value)
        if isinstance(value, dict) and _is_unchanged(value.get("source")):
            known = inherited.get("source") if isinstance(inherited, dict) else None
            if known:
                merged[key]["source"] = _left_unchanged(known)
            else:
                # nothing that it could be unchanged from: the check asks for one
                del merged[key]["source"]
    return merged


def _is_unchanged(source: Any) -> bool:
    return isinstance(source, str) and source.strip().casefold() == UNCHANGED


def _has(quantity: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(quantity, dict) and any(key in quantity for key in keys)


def drop_false_sources(merged: Any, parent: Any, child: Any) -> None:
    """Take away the parent's source from what a file changes without stating one of its own.

    Parameters
    ----------
    merged : dict
        Parent and child merged; changed in place, so that the check asks for the source.
    parent, child : dict
        Resolved parent, and what the file states.
    """
    if not isinstance(parent, dict) or not isinstance(child, dict):
        return
    if "source" in parent:
        changed = any(parent.get(key) != child[key] for key in child)
        if changed and "source" not in child:
            merged.pop("source", None)
        return
    for key in child:
        # what the child removes has no source to take away
        if key in parent and key in merged:
            drop_false_sources(merged[key], parent[key], child[key])


def removed(method: Mapping[str, Any], stated: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the keys, dotted, that a method lacks because a file gives them as null.

    Parameters
    ----------
    method : mapping
        Resolved method.
    stated : iterable of mapping
        What each file that it is made of states, the nearest first.
    """
    paths = (path for each in stated for path in _nulls(each) if not _holds(method, path))
    return list(dict.fromkeys(map(".".join, paths)))


def _nulls(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Keys of a file that are null, those within a quantity apart, which are its values."""
    for key, value in tree.items():
        if value is None:
            yield (*path, key)
        elif isinstance(value, dict) and not _has(value, WHOLE):
            yield from _nulls(value, (*path, key))


def _holds(tree: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def tell_sources_apart(merged: Any, stated: Sequence[Any]) -> None:
    """Tell in the source of a group, whose keys several files state, which keys each states.

    Parameters
    ----------
    merged : dict
        Merged method, or a part of it; changed in place.
    stated : list of dict
        What each file states there, the nearest first.
    """
    if not isinstance(merged, dict):
        return
    if "source" in merged:
        if not _has(merged, SIMPLE):
            merged["source"] = _sources_apart(merged, [s for s in stated if isinstance(s, dict)])
        return
    for key, value in merged.items():
        tell_sources_apart(value, [s[key] for s in stated if isinstance(s, dict) and key in s])


def _sources_apart(group: Mapping[str, Any], stated: Sequence[Mapping[str, Any]]) -> Any:
    """Source of a group, with the keys that it states where others state the rest."""
    by: dict[str, Any] = {}
    last = None
    for part in reversed(stated):
        if _is_unchanged(part.get("source")):
            by = {key: _left_unchanged(by.get(key, last)) for key in (*by, *part)}
        elif "source" in part:
            last = part["source"]
            every = part.keys() == {"source"} or _has(part, WHOLE)
            by |= dict.fromkeys(group if every else part, last)
    keys = [key for key in group if key != "source"]
    if not all(isinstance(by.get(key), str) for key in keys):
        return group["source"]
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(by[key], []).append(key)
    if len(found) < 2:
        return group["source"]
    return "; ".join(f"{source} ({', '.join(keys)})" for source, keys in found.items())


def sources_apart(group: Mapping[str, Any]) -> dict[str, str]:
    """Source of each key of a group in whose source several are told apart; of others nothing.

    Parameters
    ----------
    group : mapping
        Group of a resolved method, whose source is as :func:`tell_sources_apart` writes it.
    """
    keys = [key for key in group if key not in ("source", OF_THE_SOURCE)]
    name = "|".join(map(re.escape, keys))
    ends = re.compile(rf" \(((?:{name})(?:, (?:{name}))*)\)(?:; |$)")
    # each source, and after it the keys that it states; nothing after the last
    *parts, rest = ends.split(str(group.get("source")))
    by = [(key, parts[i]) for i in range(0, len(parts), 2) for key in parts[i + 1].split(", ")]
    # brackets in the words of a source name some of the keys, or one twice
    return dict(by) if not rest and sorted(key for key, _ in by) == sorted(keys) else {}


def source_of(group: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Source of some keys of a group: the one that states them all, else the group's."""
    apart = sources_apart(group)
    found = {apart.get(key) for key in keys}
    return found.pop() if len(found) == 1 and None not in found else group.get("source")


def _left_unchanged(source: Any) -> str:
    """Source of a value that is not the one that it stated."""
    # who says so is not the source, but the one who changed the value
    # once, however many files say so
    return f"{LEFT_UNCHANGED}{str(source).removeprefix(LEFT_UNCHANGED)}"


def method_path(name: object) -> str:
    """Where a method's file stands in the repository."""
    return f"config/methods/{name}.yaml"


def find_methods() -> dict[str, str]:
    """Files of all methods by name: of the project, and of the run's folder, which go first."""
    return listed("config/methods")


def read_methods(paths: Mapping[str, str], names: Iterable[Any]) -> dict[str, Any]:
    """Read methods and those that they extend.

    Parameters
    ----------
    paths : dict of str to str
        Files of all methods by name.
    names : iterable of str
        Methods to read; a name that no file has is left to :func:`resolve`.

    Returns
    -------
    dict of str to object
        Content of every file by name; None of those that are not needed, and may hold anything.

    Raises
    ------
    InputError
        Listing every problem of files that are no YAML.
    """
    files: dict[str, Any] = dict.fromkeys(paths)
    problems: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if isinstance(name, str) and name in files and files[name] is None:
            with collecting(problems):
                files[name] = read(paths[name])
                waiting += [files[name].get("extends")] if isinstance(files[name], dict) else []
    if problems:
        raise InputError(problems)
    return files


def resolve_all(
    asked: Mapping[str, str], files: Mapping[str, Any], schema: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Resolve and check methods.

    Parameters
    ----------
    asked : dict of str to str
        Methods, and the key that names each.
    files : dict of str to object
        As from :func:`read_methods`.
    schema : dict
        JSON Schema of a resolved method.

    Returns
    -------
    dict of str to dict
        Resolved methods that are right, by name.
    list of str
        Problems of the others.
    """
    methods: dict[str, dict[str, Any]] = {}
    problems: dict[str, list[str]] = {}
    for name, asked_by in asked.items():
        problems[name] = []
        with collecting(problems[name]):
            method = resolve(name, files, asked_by)
            check(method, schema, name, stated=files[name])
            methods[name] = method
    return methods, [p for name in asked for p in _own(name, problems, files)]


def _own(name: str, problems: Mapping[str, list[str]], files: Mapping[str, Any]) -> list[str]:
    """Problems of a method that are not told of the one that it extends."""

    def told(problem: str) -> str:
        # without remedies, which differ; of the keys at the top the parent lacks as many
        what = problem.partition(": ")[2].partition("; ")[0]
        return LACKING if what.startswith(LACKING) else what

    parent = files[name].get("extends") if isinstance(files.get(name), dict) else None
    known = problems.get(parent, []) if isinstance(parent, str) and parent != name else []
    heard = set(map(told, known))
    return [problem for problem in problems[name] if told(problem) not in heard]


def lineage(name: str, files: Mapping[str, Any]) -> list[str]:
    """Names of a method and of those that it extends, the nearest first."""
    names: list[str] = []
    parent: Any = name
    while parent is not None:
        names.append(parent)
        parent = files[parent].get("extends")
    return names


def is_deployment(content: object) -> bool:
    """Whether the content of a file is a deployment's, which extends a method."""
    return isinstance(content, dict) and "deployment" in content


def _remedy(name: object) -> str:
    """What to do about a method that is not there."""
    if os.path.isfile(str(name)):
        own: Any = None
        if str(name).endswith((".yaml", ".yml")):
            with suppress(InputError):
                own = read(str(name))
        if is_deployment(own):
            return AS_DEPLOYMENT.format(name)
        if own is None:
            return f"that file is none of a method; {NOT_METHODS}"
    if str(name).endswith((".yaml", ".yml")):
        own = Path(str(name)).stem
        return (
            f"name it without folder and ending, as {own}, and put its file at {method_path(own)}"
        )
    return f"correct the name or add {method_path(name)}"


def resolve(
    name: str,
    files: Mapping[str, Any],
    asked_by: str = "key methods",
    where: str | None = None,
) -> dict[str, Any]:
    """Merge a method file with its parents.

    Parameters
    ----------
    name : str
        Method to resolve.
    files : dict of str to dict
        All method files, by name (file name without ending).
    asked_by : str
        Key that names the method, for the message.
    where : str, optional
        File of ``name``, if it is not among the methods.

    Returns
    -------
    dict
        Without ``extends``, and without the keys that a file gives as null and that those which it
        extends have. A quantity that a file changes without a source of its own has none;
        the source of a group, of which a file states some keys, names those of each source.
        What a method is (``id``, ``title``, ``kind``) is not inherited: a
        file that does not say otherwise is a user's method.

    Raises
    ------
    InputError
        If a method or parent is unknown, or ``extends`` goes in a circle.
    """
    chain: list[str] = []
    parent: Any = name
    places = {name: where} if where else {}
    while parent is not None:
        if parent in chain:
            circle = " -> ".join([*chain[chain.index(parent) :], parent])
            raise InputError(
                f"{places.get(chain[-1], method_path(chain[-1]))}: key extends: value {parent}:"
                f" goes in a circle"
                f" ({circle}); allowed is a method that does not extend this one; remove one link"
            )
        if not isinstance(parent, str) or parent not in files:
            file = places.get(chain[-1], method_path(chain[-1])) if chain else None
            key = f"{file}: key extends" if file else asked_by
            is_elsewhere = file is not None and file != method_path(chain[-1])
            elsewhere = (
                ": a method that is extended lies there, and not beside its draft"
                if is_elsewhere
                else ""
            )
            # what extends this one would go in a circle
            known = sorted(set(files) - set(chain))
            raise InputError(
                f"{key}: value {parent}: unknown method; allowed are {', '.join(known)}"
                f"; {_remedy(parent)}{elsewhere}{near(parent, known)}"
            )
        if not isinstance(files[parent], dict):
            raise InputError(
                f"{places.get(parent, method_path(parent))}: value {in_short(files[parent])}:"
                " allowed are keys with values; state the method's keys, or extends: and a method"
            )
        if is_deployment(files[parent]):
            place = places.get(parent, method_path(parent))
            raise InputError(
                f"{place}: key deployment: is of a deployment; allowed is a method;"
                f" {AS_DEPLOYMENT.format(place)}"
            )
        chain.append(parent)
        parent = files[parent].get("extends")
    resolved: dict[str, Any] = {}
    steps = [{k: v for k, v in files[step].items() if k != "extends"} for step in chain]
    for stated in reversed(steps):
        inherited = _of_its_tables(resolved, stated)
        resolved = merge(inherited, stated)
        drop_false_sources(resolved, inherited, stated)
    tell_sources_apart(resolved, steps)
    identity = {"id": name, "title": name, "kind": "user"}
    return resolved | {k: files[name].get(k, default) for k, default in identity.items()}


def _of_its_tables(parent: dict[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Parent without its choice among rows, if the child leaves out a table that has them."""
    before: Any = parent.get("benchmarks")
    after: Any = child.get("benchmarks")
    if not (_has(before, ("table",)) and _has(after, ("table",))):
        return parent
    had, has = (t if isinstance(t, list) else [t] for t in (before["table"], after["table"]))
    if all(table in has for table in had):
        return parent
    # a choice that the child gives as null is there to be removed
    own = {key for key, value in after.items() if value is None}
    kept = {key: value for key, value in before.items() if key not in OF_A_TABLE or key in own}
    return parent | {"benchmarks": kept}


def check(
    method: Mapping[str, Any],
    schema: dict[str, Any],
    name: str,
    where: str | None = None,
    stated: Mapping[str, Any] | None = None,
    others: Collection[str] = (),
) -> None:
    """Check a resolved method.

    Parameters
    ----------
    method : dict
        Resolved method.
    schema : dict
        JSON Schema of a resolved method.
    name : str
        File name without its ending, which ``id`` must equal.
    where : str, optional
        File, if it is not among the methods.
    stated : dict, optional
        What the file states itself; the rest is inherited.
    others : collection of str
        Names of models that no table has, but a deployment's own files.

    Raises
    ------
    InputError
        Listing every problem with key, value, what is allowed and the remedy.
    """
    where = where or method_path(name)
    problems = schema_problems(method, schema, where, stated)
    if method["id"] != name:
        problems.append(
            f"{where}: key id: value {method['id']!r}: allowed is the file's name, {name!r};"
            " correct it or leave it out"
        )
    problems += name_problems(name, where)
    problems += [
        f"{where}: key {key}: is written by the run; allowed is none; remove it"
        for key in WRITTEN
        if key in method
    ]
    problems += range_problems(method, where)
    problems += [
        problem
        for path in _tables(method)
        for problem in path_problems(path, f"{where}: key benchmarks.table")
    ]
    problems = problems or [
        *unknown_names(method, schema, where, tuple(map(provided, _tables(method))), others),
        *_coupling_problems(method, where),
        *_length_problems(method, where),
        *_trim_problems(method, where),
        *_resample_problems(method, where),
        *_overhead_problems(method, where),
        *_serving_problems(method, where, stated),
        *_row_problems(method, where),
    ]
    trims = method["blend"].get("trim") if isinstance(method.get("blend"), dict) else None
    for pair in trims if isinstance(trims, list) else []:
        numbers = isinstance(pair, list) and all(isinstance(p, int | float) for p in pair)
        if numbers and len(pair) == 2 and not pair[0] < pair[1]:
            problems.append(
                f"{where}: key blend.trim: value {pair}: allowed is lower < upper; swap the levels"
            )
    if problems:
        raise InputError(problems)
    twice = charge_problems(method, where)
    if twice:
        raise ChargedTwiceError(twice)


def name_problems(name: str, where: str) -> list[str]:
    """Problems of a method's name as that of a folder of results, one sentence each."""
    if len(name) > LONGEST_NAME:
        return [
            f"{where}: key id: value {name}: has {len(name)} letters; allowed are at most"
            f" {LONGEST_NAME}; rename the file"
        ]
    if name.casefold() in RESERVED:
        return [
            f"{where}: key id: value {name}: is a word of the workflow, which has a folder, file or"
            f" target of that name; allowed is any but {', '.join(sorted(RESERVED))}; rename the"
            " file"
        ]
    if DEVICE.fullmatch(name):
        return [
            f"{where}: key id: value {name}: no Windows machine has a folder of that name, so that"
            " none could check out the results; allowed is any but con, prn, aux, nul, com0 to"
            " com9 and lpt0 to lpt9, without a dot at the end; rename the file"
        ]
    if FILE_ENDING.fullmatch(name):
        return [
            f"{where}: key id: value {name}: ends as files of the results do, of which a folder may"
            " not have the name; allowed are names without such an ending; rename the file"
        ]
    if ".." in name:
        return [
            f"{where}: key id: value {name}: '..' parts the methods of a comparison; allowed are"
            " names without it; rename the file"
        ]
    return []


def _tables(method: Mapping[str, Any]) -> list[str]:
    """Paths of tables that a method names, as far as they are text."""
    benchmarks = method.get("benchmarks")
    paths = benchmarks.get("table") if isinstance(benchmarks, dict) else None
    return [
        path for path in (paths if isinstance(paths, list) else [paths]) if isinstance(path, str)
    ]


def warnings(method: Mapping[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    """What is allowed in a checked method, but unusual, one sentence each."""
    found = unusual(method, schema, where)
    for path, largest in _coupled(method):
        if largest < USUAL_UTILISATION:
            told = beyond(largest, USUAL_UTILISATION)
            found.append(
                f"{where}: key {path}: value intercept + slope = {told}: unusual; usual is at least"
                f" {USUAL_UTILISATION}; check it"
            )
    trims = method["blend"]["trim"]
    if _kept(trims) < USUALLY_KEPT:
        found.append(
            f"{where}: key blend.trim: value {trims}: unusual; keeps {_kept(trims):.2g} of the"
            " queries of a model; check it"
        )
    for path, tokens in _lengths(method):
        if tokens is None:
            continue
        share = tokens.beyond_context
        if share > USUAL_BEYOND:
            found.append(
                f"{where}: key {path}: unusual; {share:.2g} of the queries are longer than the"
                f" largest context on sale, {CONTEXT:g} tokens; check it"
            )
        above = tokens.reach
        if above < USUALLY_ABOVE:
            found.append(
                f"{where}: key {path}.minimum: value {tokens.minimum}: unusual; {above:.2g} of the"
                " queries are so long, and the others are left out; check it"
            )
    return [*found, *_unusual_fleet(method, where), *_swapped(method, where)]


def _unusual_fleet(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Warnings of overheads that multiply, and long queries of many, to what no fleet has."""
    section = method["fleet"]
    for name, quantity in section["overhead"].items():
        product = math.prod(quantity["factors"])
        if product > USUAL_OVERHEAD:
            yield (
                f"{where}: key fleet.overhead.{name}.factors: value product = {product:.3g}:"
                f" unusual; usual is at most {USUAL_OVERHEAD}, as much beside queries as for them;"
                " check it"
            )
    long = section["queries_per_day"]["value"] * section["long_share"]["value"]
    if long > USUAL_LONG:
        yield (
            f"{where}: key fleet: value queries_per_day x long_share = {long:.3g}: unusual; usual"
            f" is at most {USUAL_LONG:.3g}, twelve long queries a day of everyone on earth; check"
            " it"
        )


def _swapped(method: Mapping[str, Any], where: str) -> list[str]:
    """Warning of long queries whose answers are the shorter ones."""
    known = {path: tokens.median_length() for path, tokens in _lengths(method) if tokens}
    medians = [known.get(f"regimes.{name}.output_tokens") for name in ("traditional", "long")]
    traditional, long = (median or math.nan for median in medians)
    if not traditional > long:
        return []
    return [
        f"{where}: key regimes: value median {traditional:g} of traditional and {long:g} of long"
        " output: unusual; long queries have the longer answers; check whether they are swapped"
    ]


def _coupled(method: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Largest utilisations [1] of those that rise with the throughput, by key."""
    places = {
        "power_utilisation": method["power_utilisation"],
        "sensitivities.power_utilisation_coupling": method["sensitivities"][
            "power_utilisation_coupling"
        ],
    }
    for path, quantity in places.items():
        if "slope" in quantity:
            yield path, quantity["intercept"] + quantity["slope"]


def _coupling_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problems of utilisations that rise with the throughput to what no node draws."""
    for path, largest in _coupled(method):
        if not LEAST_UTILISATION <= largest <= 1:
            told = beyond(largest, LEAST_UTILISATION if largest < 1 else 1.0)
            yield (
                f"{where}: key {path}: value intercept + slope = {told}: allowed is at least"
                f" {LEAST_UTILISATION} and at most 1, as a node that serves draws power, and never"
                " more than its maximum; correct one of them"
            )


def _overhead_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problems of a fleet that draws far more beside its queries than for them."""
    for name, quantity in method["fleet"]["overhead"].items():
        product = math.prod(quantity["factors"])
        if product > MOST_OVERHEAD:
            yield (
                f"{where}: key fleet.overhead.{name}.factors: value product = {product:.3g}:"
                f" allowed is at most {MOST_OVERHEAD}, as a fleet that draws more is idle; correct"
                " the factors"
            )


def _serving_problems(
    method: Mapping[str, Any], where: str, stated: Mapping[str, Any] | None
) -> Iterator[str]:
    """Problem of a method that states a load beside a law that has none as its input."""
    law = method["throughput_law"]["name"]
    if "serving" in method and not LAWS[law].knows_load:
        knowing = ", ".join(name for name, kind in LAWS.items() if kind.knows_load)
        remedy = "write serving: null"
        if stated and "serving" in stated:
            # of a file that extends a method, which may state one too
            remedy += " in its place" if "extends" in stated else " or leave it out"
        yield (
            f"{where}: key throughput_law.name: value {law}: does not know the load that"
            f" `serving` states; allowed beside it is {knowing}; name it, or {remedy} and state a"
            " power_utilisation that is not by-load"
        )


def _row_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problems of laws that are fitted to fewer rows than they have coefficients."""
    stated = method["throughput_law"]
    for key, rows in (("name", "minimum_rows"), ("fallback", "fallback_minimum_rows")):
        # a law that learns from the rows of others states no rows
        least = LAWS[stated[key]].minimum_rows if rows in stated else 0
        if least > stated.get(rows, 0):
            yield (
                f"{where}: key throughput_law.{rows}: value {stated[rows]}: the coefficients of the"
                f" {stated[key]} law are determined by {least} rows, and many laws fit fewer;"
                f" allowed is at least {least}; raise it, or name another law"
            )


def _kept(trims: Iterable[tuple[float, float]]) -> float:
    """Share of a model's queries that trimming leaves. [1]"""
    return math.prod(max(upper - lower, 0.0) for lower, upper in trims)


def _trim_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problem of trims that leave next to none of the draws."""
    samples, trims = method["monte_carlo"]["samples"], method["blend"]["trim"]
    kept = samples * _kept(trims)
    if kept < LEAST_KEPT and all(lower < upper for lower, upper in trims):
        yield (
            f"{where}: key blend.trim: value {trims}: keeps {kept:.3g} of {samples} queries of a"
            f" model; allowed is what keeps at least {LEAST_KEPT}; widen the levels or raise"
            " monte_carlo.samples"
        )


def _resample_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problem of resamples that would take hours."""
    settings = method["monte_carlo"]
    samples, bootstrap = settings["samples"], settings["bootstrap"]
    if samples * bootstrap > MOST_DRAWS:
        yield (
            f"{where}: key monte_carlo: value samples x bootstrap = {samples * bootstrap:.3g}:"
            f" allowed is at most {MOST_DRAWS:g}, as more takes hours; lower one of them"
        )


def _lengths(method: Mapping[str, Any]) -> Iterator[tuple[str, RoundedLengths | None]]:
    """Lengths of every regime by key; none where a trace decides them."""
    for name, regime in method["regimes"].items():
        quantity = regime["output_tokens"]
        known = "trace" not in quantity
        tokens = FAMILIES[quantity["distribution"]].of(quantity, {}) if known else None
        yield f"regimes.{name}.output_tokens", tokens


def _length_problems(method: Mapping[str, Any], where: str) -> Iterator[str]:
    """Problems of lengths that no model could answer with, or that next to no query has."""
    for path, tokens in _lengths(method):
        if tokens is None:
            continue
        apart = [f"{where}: key {path}.{problem}" for problem in tokens.problems()]
        yield from apart
        if apart:
            continue
        beyond = tokens.beyond_context
        if not beyond <= MOST_BEYOND:
            yield (
                f"{where}: key {path}: value {beyond:.2g}: the share of the queries that are longer"
                f" than {CONTEXT:g} tokens; allowed is at most {MOST_BEYOND:g}, as that is the"
                " largest context of a model on sale; lower the median or narrow the distribution"
            )
        if not tokens.reach >= LEAST_ABOVE:
            yield (
                f"{where}: key {path}.minimum: value {tokens.minimum}: {tokens.reach:.2g} of the"
                f" queries are so long; allowed is a length that at least {LEAST_ABOVE:g} of them"
                " have; lower the minimum or lengthen the others"
            )


def charge_problems(method: Mapping[str, Any], where: str) -> list[str]:
    """Problem of a method that charges input beside a law, or a fallback, that charges it itself.

    Parameters
    ----------
    method : dict
        Resolved method, right by its schema.
    where : str
        File that states it.
    """
    stated = method["throughput_law"]
    charge = method["input_charge"]["input_tokens_per_output_token"]["value"]
    charging = [law for law in named_laws(stated) if LAWS[law].charges_input]
    if charge is None or not charging:
        return []
    law = charging[0]
    key = "throughput_law" if law == stated["name"] else "throughput_law.fallback"
    others = ", ".join(name for name, kind in LAWS.items() if not kind.charges_input)
    return [
        f"{where}: key input_charge.input_tokens_per_output_token: value {charge:g}: the input"
        f" would be charged twice, as {key} {law} holds its node time; allowed is null"
        f" with this law; leave the charge to the law (value: null) or name one of {others}"
    ]


def range_problems(tree: Any, where: str) -> list[str]:
    """Problems of quantities whose 5th percentile is not below their 95th, one sentence each."""
    problems = []
    for path, quantity in walk_quantities(tree):
        p5, p95 = quantity.get("p5"), quantity.get("p95")
        if isinstance(p5, int | float) and isinstance(p95, int | float) and p5 >= p95:
            problems.append(
                f"{where}: key {path}: value p5 = {p5:g}, p95 = {p95:g}: allowed is p5 < p95;"
                " swap them, or use distribution: fixed for a single value"
            )
    return problems


def walk_quantities(tree: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (dotted path, mapping) of every quantity of a method."""
    if not isinstance(tree, dict):
        return
    if any(k in tree for k in (*WHOLE, "source")):
        yield path, tree
    for key, value in tree.items():
        yield from walk_quantities(value, f"{path}.{key}" if path else key)
