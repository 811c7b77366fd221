"""The registry is the only place that knows the laws by name: a new one runs through everything."""

import ast
import importlib.util
import re
import sys
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from inference_energy import drawing
from inference_energy.deployments import law as deployments_law
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws import registry
from inference_energy.laws.base import Law
from inference_energy.laws.cross_validation import evaluate
from inference_energy.laws.figures import predicted_over_measured
from inference_energy.laws.registry import (
    AT_ONE_LOAD,
    LAWS,
    WITHOUT_LENGTHS,
    Kind,
    named_laws,
    needed_tables,
    serving_tables,
)
from inference_energy.laws.rows import length_range
from inference_energy.laws.separate import Separate
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.files import check, resolve
from inference_energy.paper import estimate
from inference_energy.robustness import sensitivity
from inference_energy.scaling import agents
from inference_energy.scaling import length as scaling_length
from inference_energy.tables import load_schema, read_table
from processes import run as start_and_wait
from repository import hardware_tables

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = ROOT / "workflow"


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


FILES = {p.stem: read_yaml(p) for p in (ROOT / "config/methods").glob("*.yaml")}
SCHEMA = read_yaml("workflow/schemas/method.schema.yaml")


def test_schemas_and_registry_know_the_same_laws():
    law = SCHEMA["properties"]["throughput_law"]["properties"]
    assert law["name"]["enum"] == list(LAWS)
    singles = [name for name, kind in LAWS.items() if not kind.pooled]
    assert SCHEMA["$defs"]["law"]["enum"] == singles
    # the table's schema takes the names from the method's
    assert load_schema("throughput_laws")["properties"]["law"]["enum"] == list(LAWS)


def test_what_laws_need_are_tables_of_data():
    for name in needed_tables():
        assert len(read_table(ROOT / f"data/{name}.csv", name)) > 0
    assert needed_tables(["log-linear", "peak"]) == []
    assert named_laws(FILES["oviedo2026"]["throughput_law"]) == ["log-linear", "peak"]
    assert needed_tables(named_laws(FILES["full-load"]["throughput_law"])) == ["models", "gpus"]


def test_tables_are_named_once_in_the_order_of_the_laws():
    assert needed_tables() == ["models", "gpus"]
    assert needed_tables(["at-load", "hierarchical"]) == ["models", "gpus"]
    served = ["nodes", "mlenergy", "inferencex", "wall_power"]
    assert serving_tables() == serving_tables(["peak", "at-load"]) == served
    assert serving_tables(["peak", "hierarchical"]) == []
    assert named_laws({"fallback": "peak", "minimum_rows": 3, "name": "additive"}) == [
        "additive",
        "peak",
    ]
    assert named_laws({"name": "at-load"}) == ["at-load"]


def made_anew():
    """The laws of the registry as reading it makes them, beside those that are read already."""
    spec = importlib.util.spec_from_file_location(registry.__name__, registry.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LAWS


@pytest.mark.parametrize("name", ["log-linear", "peak", "additive"])
def test_a_law_of_one_configuration_is_fitted_to_each_by_itself(name):
    """From as many rows as determine it; with fewer there is none."""
    kind = made_anew()[name]
    lengths = [(100, 100), (100, 1000), (1000, 100), (1000, 1000)]
    rows = shapes(*lengths).assign(throughput_tps=[900.0, 800.0, 400.0, 300.0], model="one")
    least = kind.minimum_rows
    few = rows.iloc[: least - 1].assign(model="few")
    one, *none = kind.fit_many(pd.concat([rows, few], ignore_index=True)).laws
    assert none == ([None] if least > 1 else [])
    assert one.predict(500.0, 500.0) == kind.fit_one(rows).predict(500.0, 500.0)
    assert kind.fit_many(rows.iloc[:least]).laws[0].n_rows == least
    assert not kind.pooled
    # whether lengths and input count is what the law does
    short, long = one.predict(100.0, 100.0), one.predict(2000.0, 100.0)
    assert bool(short != long) is kind.by_length is (name != "peak")
    assert kind.charges_input is (name == "additive")
    assert bool(kind.words)
    assert bool(kind.mark) is (name != "peak")
    # of one ratio of the lengths additive times cannot be told apart, however many rows there are
    one_ratio = shapes(*((length, length) for length in range(100, 1000, 100)))
    assert kind.tells_error(one_ratio) is (name != "additive")


def test_rows_get_what_their_law_must_know_of_them_and_no_more(hardware, vendor):
    rows = vendor.iloc[:3]
    assert LAWS["peak"].prepare(rows, {}) is rows
    for name in ("hierarchical", "at-load"):
        tables = hardware | {"nodes": None}
        prepared = LAWS[name].prepare(rows, tables)
        assert set(prepared.columns) > set(rows.columns)
        pd.testing.assert_frame_equal(prepared, LAWS[name].describe(rows, **hardware))
        assert LAWS[name].pooled


def test_every_law_says_in_words_what_it_is():
    words = [kind.words for kind in LAWS.values()]
    assert all(words) and len(set(words)) == len(words)


def test_the_laws_that_other_rooms_ask_for_are_what_they_are_asked_for():
    lengths = {"input_tokens": np.nan, "output_tokens": np.nan}
    law = WITHOUT_LENGTHS.fit_one(pd.DataFrame([lengths | {"throughput_tps": 9.0}]))
    assert not WITHOUT_LENGTHS.by_length and law.predict(1, 1) == law.predict(500, 2000) == 9.0
    assert AT_ONE_LOAD.charges_input and not AT_ONE_LOAD.pooled


def shapes(*lengths):
    """Rows of these lengths at one throughput."""
    columns = ["input_tokens", "output_tokens"]
    return pd.DataFrame(lengths, columns=columns, dtype=float).assign(throughput_tps=1000.0)


def test_rows_tell_the_error_of_a_law_if_they_determine_it_and_one_is_to_spare():
    assert AT_ONE_LOAD.tells_error(shapes((100, 100), (100, 1000), (1000, 100), (1000, 1000)))
    assert not AT_ONE_LOAD.tells_error(shapes((100, 100), (100, 1000), (1000, 100)))
    # one ratio of the lengths cannot tell the input's time from the token's
    assert not AT_ONE_LOAD.tells_error(shapes((100, 100), (200, 200), (400, 400), (800, 800)))
    peak = LAWS["peak"]
    assert peak.tells_error(shapes(*[(1, 1)] * (peak.minimum_rows + 1)))
    assert not peak.tells_error(shapes(*[(1, 1)] * peak.minimum_rows))


def test_marks_tell_the_drawn_laws_apart():
    marks = [kind.mark for kind in LAWS.values() if kind.mark]
    assert all(hasattr(drawing, colour) for colour, _ in marks)
    assert len({colour for colour, _ in marks}) == len({m for _, m in marks}) == len(marks)


def test_the_registry_is_read_without_the_libraries_that_take_long():
    heavy = ["scipy.optimize", "scipy.linalg", "scipy.special", "matplotlib"]
    code = (
        "import sys; sys.path.insert(0, 'workflow'); import inference_energy.laws.registry;"
        f" print(*(set({heavy}) & set(sys.modules)))"
    )
    # from the root, where the tool that changes modules finds its settings
    run = start_and_wait([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert run.stdout.split() == []


def classes_of_laws():
    """Names of all classes in the room of laws that are a law, or that fit one."""
    found = set()
    for path in (WORKFLOW / "inference_energy" / "laws").glob("[!_]*.py"):
        module = importlib.import_module(f"inference_energy.laws.{path.stem}")
        own = [each for each in vars(module).values() if isinstance(each, type)]
        found |= {
            each.__name__
            for each in own
            if each.__module__ == module.__name__ and (Law in each.__mro__ or "fit" in vars(each))
        }
    return found - {"Law"}


KNOWN = {
    ("coefficients/disaggregated.py", "AtLoad"): "a part of the prefill that no other law has",
    ("evidence/load.py", "Pooled"): "pools the nodes of a measurement",
    ("meters/wholes.py", "peak"): "a statistic of powers, and no law",
    ("method/serving.py", "Pooled"): "pools the nodes of a method",
    ("robustness/sensitivity.py", "Varied"): "varies whatever law there is",
}
"""Classes and names that a file outside the room may know, and what for. None asks a law which it
is."""


def known_of(path, classes):
    """Laws that a file knows: classes that it imports or takes from a module, and names."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return (names & classes) | ({t for t in texts if isinstance(t, str)} & set(LAWS))


def test_no_law_is_known_by_name_or_class_outside_its_room():
    library, classes = WORKFLOW / "inference_energy", classes_of_laws()
    assert {"LogLinear", "Additive", "Hierarchical", "AtLoadFit"} <= classes
    assert {"AtLoad", "Pooled", "Varied", "Peak"} <= classes
    found = {
        (path.relative_to(folder).as_posix(), name)
        for folder in (library, WORKFLOW / "scripts")
        for path in folder.rglob("*.py")
        if library / "laws" not in path.parents
        for name in known_of(path, classes)
    }
    assert found == KNOWN.keys()


def test_no_law_is_asked_of_which_class_it_is_outside_its_room():
    library, classes = WORKFLOW / "inference_energy", classes_of_laws() | {"Law"}
    for path in [*library.rglob("*.py"), *(WORKFLOW / "scripts").rglob("*.py")]:
        if library / "laws" in path.parents:
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass")
        ]
        asked = {
            node.id if isinstance(node, ast.Name) else node.attr
            for call in calls
            for node in ast.walk(call.args[1])
            if isinstance(node, (ast.Name, ast.Attribute))
        }
        assert not asked & classes, path


def test_no_rule_template_or_caption_knows_a_law_by_name():
    """But for the page that computes the closed forms of some, and leaves the others out."""
    names = re.compile(rf"""(?<=["'`| ])({"|".join(LAWS)})(?=["'`|:,])""")
    files = [*WORKFLOW.glob("rules/*.smk"), *WORKFLOW.glob("report/**/*.rst")]
    files += [path for path in WORKFLOW.glob("templates/**/*") if path.is_file()]
    knowing = {path.name for path in files if names.search(path.read_text(encoding="utf-8"))}
    assert knowing == {"engine.js"}


def test_the_page_that_computes_laws_names_each_in_its_table_and_asks_none_which_it_is():
    explorer = WORKFLOW / "templates" / "explorer"
    text = "".join(path.read_text(encoding="utf-8") for path in explorer.glob("*.js"))
    asked = re.compile(r"\.kind\s*[!=]==|[!=]==\s*[\w.]+\.kind\b|includes\([\w.]*\bkind\)|switch")
    assert not asked.findall(text)
    assert asked.search('law.kind === "pooled"') and asked.search("laws.includes(law.kind)")


def test_schemas_name_laws_where_a_method_names_one_and_nowhere_else():
    law = SCHEMA["properties"]["throughput_law"]["properties"]
    lists = [law["name"]["enum"], SCHEMA["$defs"]["law"]["enum"]]
    found = [
        value
        for path in (WORKFLOW / "schemas").glob("**/*.yaml")
        for value in values_of(yaml.safe_load(path.read_text(encoding="utf-8")))
        if value in LAWS
    ]
    assert sorted(found) == sorted(lists[0] + lists[1])


def values_of(node):
    """Keys and values of nested mappings and lists that are text."""
    if isinstance(node, dict):
        return [*node, *(value for item in node.values() for value in values_of(item))]
    if isinstance(node, list):
        return [value for item in node for value in values_of(item)]
    return [node] if isinstance(node, str) else []


@dataclass(frozen=True)
class Newcomer(Law):
    """Output costs a time each, whatever the input: a law that no other file knows."""

    time: float
    n_rows: int
    domain: dict
    name: str = "newcomer"

    @classmethod
    def fit(cls, rows):
        return cls(float((1 / rows["throughput_tps"]).mean()), len(rows), length_range(rows))

    def predict(self, input_tokens, output_tokens):
        shape = np.broadcast_shapes(np.shape(input_tokens), np.shape(output_tokens))
        return np.full(shape, 1 / self.time)

    def sigma(self, input_tokens, output_tokens):
        return 0.2 * np.ones_like(self.predict(input_tokens, output_tokens))

    def scaled(self, factor):
        return replace(self, time=self.time / factor)

    def terms(self):
        return [("time", self.time, "s")]


@dataclass(frozen=True)
class Loaded(Newcomer):
    """The same, with a throughput that grows with the requests that are served at once."""

    concurrency: float = 1.0
    name: str = "loaded"

    @property
    def knows_load(self):
        return True

    def at(self, concurrency, requests=np.inf):
        return replace(self, concurrency=concurrency)

    def predict(self, input_tokens, output_tokens):
        return self.concurrency * super().predict(input_tokens, output_tokens)


class LoadedSeparate(Separate):
    """A fit that gives every configuration the same law, whatever its rows."""

    def laws_of(self, rows):
        return [Loaded.fit(self.rows)] * len(rows)


class Sharing(Separate):
    """A fit that gives a configuration the mean law of all others where it knows nothing."""

    def condition(self, rows):
        return Newcomer.fit(rows if rows["throughput_tps"].notna().any() else self.rows)


def with_capacity(rows, gpus):
    memory = dict(zip(gpus["gpu"], gpus["memory_gb"], strict=True))
    return rows.assign(capacity=rows["gpu"].map(memory))


def fit_shared(rows):
    assert "capacity" in rows
    return Sharing(Newcomer.fit, 0, rows)


def fit_alone(rows):
    assert "capacity" in rows
    return Newcomer.fit(rows)


NEW = {
    "single": Kind(
        lambda rows: Separate(fit_alone, 2, rows),
        fit_alone,
        2,
        ("gpus",),
        with_capacity,
        mark=("TEAL", "v"),
    ),
    "pooled": Kind(fit_shared, needs=("gpus",), describe=with_capacity, mark=("TEAL", "v")),
}


@pytest.fixture(params=NEW)
def newcomer(request, monkeypatch):
    """A method with a law that was registered in one line, and the tables to build it from."""
    monkeypatch.setitem(LAWS, "newcomer", NEW[request.param])
    method = deepcopy(resolve("full-load", FILES))
    method["throughput_law"]["name"] = "newcomer"
    tables = [
        read_table(ROOT / path, "throughput").assign(row=None)
        for path in method["benchmarks"]["table"]
    ]
    return method, pd.concat(tables, ignore_index=True)


@pytest.fixture
def traces():
    rows = read_table(ROOT / "data/request_lengths.csv", "request_lengths")
    return {name: tuple(own["output_tokens"]) for name, own in rows.groupby("trace")}


def test_a_new_law_runs_through_a_method(newcomer, traces, hardware):
    method, table = newcomer
    # of the others there are too few rows to tell the error of a law
    method["benchmarks"]["models"] = ["Llama 3.1 405B", "Llama 3.1 70B", "Mixtral 8x22B"]
    setup = build(method, table, traces, hardware)
    laws = estimate.throughput_laws(setup)
    assert set(laws["law"]) == {"newcomer"}
    for model in setup.models:
        assert model.throughput(500.0, 300.0) == pytest.approx(1 / model.law.time)
        assert model.error(500.0, 300.0) == 0.2
    regime = setup.regimes["traditional"]
    energies, members = exact.regime_energy(setup, regime)
    assert exact.blend_energy(setup, energies, members).quantile(0.5) > 0
    flat = scaling_length.cost_of_length(setup, 15.0)
    caps = flat[flat["quantity"] == "cap factor"]["value"]
    np.testing.assert_allclose(caps, 1)
    seconds = agents.step_seconds(setup.models[0].law, 1000.0, np.array([0.0, 900.0]), 300.0)
    np.testing.assert_allclose(seconds, 300 * setup.models[0].law.time)
    halved = sensitivity.results(sensitivity.apply(setup, {"throughput": 0.5}))
    for output, value in sensitivity.results(setup).items():
        assert halved[output] == pytest.approx(2 * value, rel=1e-9)


def test_a_second_law_that_knows_load_serves_a_method(monkeypatch):
    method = deepcopy(resolve("revised", FILES))
    method["throughput_law"]["name"] = "loaded"
    method["benchmarks"]["models"] = ["Llama 3.1 405B", "DeepSeek-R1"]
    method["blend"]["models"] = 2
    schema = deepcopy(SCHEMA)
    schema["properties"]["throughput_law"]["properties"]["name"]["enum"].append("loaded")
    fit = partial(LoadedSeparate, Loaded.fit, 0)
    monkeypatch.setitem(LAWS, "loaded", Kind(fit, knows_load=False))
    with pytest.raises(InputError, match=r"value loaded: does not know .*; allowed .* is at-load;"):
        check(method, schema, "revised")
    monkeypatch.setitem(LAWS, "loaded", Kind(fit, knows_load=True))
    check(method, schema, "revised")
    table = read_table(ROOT / "data/throughput/at_load.csv", "throughput")
    ways = [
        way
        for served in fit_suitable(method, table, hardware_tables()).values()
        for way in served.law.shares()
    ]
    assert {type(way.law) for way in ways} == {Loaded}
    # a node of n copies at load L: n times a copy's throughput at load L / n
    per_request = [float(way.law.predict(1.0, 1.0)) / way.load for way in ways]
    assert per_request == pytest.approx([per_request[0]] * len(ways))
    assert 1 / per_request[0] == pytest.approx(ways[0].law.time * ways[0].copies)


def test_a_new_law_is_validated_and_drawn(newcomer, vendor, hardware):
    rows = vendor[vendor["tensor_parallel"].eq(8) & vendor["model"].eq("Llama 3.1 405B")]
    errors, predictions = evaluate(rows, hardware)
    assert "newcomer" in set(errors["law"])
    titles = [axis.get_title(loc="left") for axis in predicted_over_measured(predictions).axes]
    assert sum(title.partition("  ")[2].startswith("newcomer") for title in titles) == 1
    unmeasured = errors[errors["split"] == "leave-configuration-out, 0 known"]
    assert ("newcomer" in set(unmeasured["law"])) == LAWS["newcomer"].pooled


def test_a_new_law_serves_a_deployment(newcomer, vendor, hardware):
    runs = vendor[vendor["model"] == "Llama 3.1 405B"].iloc[:4]
    runs = runs.assign(n_gpus=16, pipeline_parallel=1, concurrency=64.0)
    settings = {"name": "newcomer"}
    law, basis = deployments_law.fit_law(runs, settings, vendor, hardware)
    assert law.name == "newcomer"
    assert law.predict(1.0, 1.0) == pytest.approx(1 / (1 / runs["throughput_tps"]).mean())
    assert "newcomer law" in basis
