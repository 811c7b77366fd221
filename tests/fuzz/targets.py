"""What is fuzzed: every file that a user supplies, and what must hold of each that is accepted.

A target is a function of a random generator and an empty folder. It writes a damaged file, gives
it to the library, and returns "refused" where that raises InputError, else "accepted" after it has
checked what came of it: finite, within bounds, and equal to what the file says.
"""

import csv
import io
import json
import math
import re
import shutil
from copy import deepcopy
from functools import cache, reduce
from operator import getitem

import numpy as np
import pandas as pd
import yaml
from fuzz.mutations import (
    as_json,
    changed_document,
    changed_table,
    damaged,
    with_a_key_twice,
)
from inference_energy import config, documents
from inference_energy.claims.findings import override_problems, wording_problems
from inference_energy.deployments.files import read_deployment
from inference_energy.errors import InputError
from inference_energy.laws.hardware import LONGEST, longest_context
from inference_energy.laws.training import (
    STEADY_TABLE,
    THROUGHPUT_TABLES,
    left_out,
    read_throughput,
    training_rows,
)
from inference_energy.meters import read_log
from inference_energy.meters.common import FIRST, LAST
from inference_energy.method.build import build
from inference_energy.method.files import check, find_methods, read_methods, resolve
from inference_energy.method.plausible import KNOWN, Tables, held_against
from inference_energy.paper import estimate
from inference_energy.readers import detect_and_read
from inference_energy.scaling import length
from inference_energy.stress import plan
from inference_energy.stress.power import telemetry_samples
from inference_energy.stress.power_sources import named_power_sources
from inference_energy.stress.records import is_request, is_sample, read_lines
from inference_energy.stress.settings import merge, setting_problems
from inference_energy.tables import LARGEST, load_schema, read_table, write_table
from library.meters import files as logs
from library.readers.files import FILES, FIXTURES
from library.requests.by_itself import by_itself
from library.stress.made_up import NODE, NOON, record
from repository import ROOT, hardware_tables, materials, read
from stress.client import sample

TABLES = {
    "data/throughput/oviedo.csv": "throughput",
    "data/gpus.csv": "gpus",
    "data/models.csv": "models",
    "data/request_lengths.csv": "request_lengths",
    "config/expected_verdicts.csv": "expected_verdicts",
}
LOGS = [
    ("gpu", logs.SMI),
    ("gpu", logs.DMON),
    ("node", logs.DCMI),
    ("node", logs.SPL),
    ("gpu", logs.matrix(*logs.SERIES)),
    ("node", logs.HISTORY),
    ("node", logs.NOTIFY),
    ("node", logs.REPORT),
    ("node", "2026-01-31T12:00:00Z " + logs.CHASSIS % 812 + "\n"),
    ("node", logs.table("2026-01-31T12:00:00Z,812.5", "2026-01-31T12:00:01Z,813.5")),
    ("node", "time;meter;power_kw\n2026-01-31T12:00:00Z;a;0,8\n2026-01-31T12:00:01Z;a;0,9\n"),
    (
        "gpu",
        "timestamp,run_id,duration,gpu_energy,cpu_energy,ram_energy,codecarbon_version\n"
        "2026-01-31T12:00:15,r,15,0.001,0.001,0.001,3\n",
    ),
    ("gpu", "start_time,window_name,elapsed_time,gpu0_energy\n1769860800.0,w,3.5,1000.0\n"),
    ("node", "timestamp,a_total_act_energy,b_total_act_energy\n1769860800,10.5,11\n"),
]
FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
JSON_BLANK = " \t\r\n"
# Where a client's file states the throughput that its rows repeat.
SAYS = {
    "vllm": ("output_throughput",),
    "sglang": ("output_throughput",),
    "inference-perf": ("successes", "throughput", "output_tokens_per_sec"),
    "aiperf": ("output_token_throughput", "avg"),
}


class WrongError(AssertionError):
    """An accepted file became something else than it says."""


def holds(condition, what):
    """Refuse a result: the target accepted what it must not."""
    if not condition:
        raise WrongError(what)


MOST_INPUT = 10_000_000
"""Tokens of the longest request."""
POSSIBLE = {
    "pue": (1, 3),
    "power_utilisation": (0, 1),
    "node_power": (0.01, 1000),
    "long_share": (0, 1),
    "input_tokens": (0, MOST_INPUT),
}
"""Least and most of the numbers of a method's keys, said a second time: a bound that was taken out
of a schema is not taken out of here."""
BOARD, HOST, PEAK = 1.1, 3000, 2
"""Likewise of runs: power of a board over its TDP [1], that of a server beside one board [W], and
products of matrices over what the datasheets allow [1]."""


def check_possible(value, key="", limits=None):
    """No number of a method is beyond what its key can be."""
    least, most = limits = POSSIBLE.get(key, limits) or (-math.inf, math.inf)
    limits = None if limits == (-math.inf, math.inf) else limits
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            check_possible(part, name, limits)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        holds(least <= value <= most, f"{key} is {value}")


POWER = {"gpu": 3_000, "cpu": 3_000, "node": 150_000}
"""Likewise of power logs: what no device of a scope draws [W]."""


def check_power(watts, scope):
    """No device of a power log draws more than any of its scope does."""
    holds(watts.dropna().between(0, POWER[scope]).all(), "power is beyond any device's")


def check_hardware(frame):
    """No run draws or computes more than the datasheets of its GPUs allow."""
    gpus, models = known_hardware().gpus.set_index("gpu"), known_hardware().models
    named = models["aliases"].str.split("; ") + models["model"].map(lambda name: [name])
    active = models.assign(name=named).explode("name").set_index("name")["params_active_b"]
    count = frame["n_gpus"].astype(float)
    board = BOARD * frame["gpu"].map(gpus["tdp_w"]).astype(float)
    # what computes fastest of each, as no format is asked for
    rates = frame["gpu"].map(gpus.filter(like="dense_tflops").max(axis=1)).astype(float)
    products = 2e-3 * frame["model"].map(active).astype(float) * frame["throughput_tps"]
    for what, found, most in (
        ("power of the GPUs", frame["gpu_power_w"], board * count),
        ("power of the node", frame["node_power_w"], (board + HOST) * count),
        ("throughput", products, PEAK * rates * count),
    ):
        holds(not (found > most * (1 + 1e-9)).any(), f"{what} is beyond its GPUs'")


def check_numbers(frame):
    """Every number of a frame is finite or missing, and one that a table can hold."""
    numbers = frame.select_dtypes("number")
    values = np.abs(numbers.to_numpy(float, na_value=np.nan))
    for wrong, what in ((np.isinf(values), "infinite"), (values > LARGEST, "beyond 2^53")):
        holds(not wrong.any(), f"{', '.join(numbers.columns[wrong.any(axis=0)])} is {what}")


@cache
def seed_bytes(path):
    """Content of a file of the project."""
    return (ROOT / path).read_bytes()


def written(folder, name, data):
    """Path of a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def json_documents(text):
    """Documents of a JSON file, one after the other."""
    text, found, decoder = text.strip(JSON_BLANK), [], json.JSONDecoder()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip(JSON_BLANK)
    return found


def readers(random, folder):
    """Result files of every client."""
    name, client, facts = random.choice(FILES)
    if client == "mlperf":
        return mlperf(random, folder, name, facts)
    data = seed_bytes(FIXTURES / name)
    if client == "project":
        data = changed_table(random, data.decode())
    elif what := random.randrange(5):
        record = json_documents(data.decode())[0]
        # what a file states of its speed decides most, and is one of a hundred numbers
        speed = [SAYS[client]] if client in SAYS and isinstance(record, dict) else []
        places = {1: numbers_of(record), 2: speed}.get(what)
        changed = rescaled(random, record, places) if places else changed_document(random, record)
        data = as_json(changed)
    twice = None
    if random.randrange(3) == 0:
        data = damaged(random, data)
    elif client != "project" and random.randrange(8) == 0:
        twice = with_a_key_twice(random, data)
    path = written(folder, f"run{name[name.rindex('.') :]}", twice or data)
    frame = detect_and_read(path, facts)
    holds(not twice, "a key that stands twice")
    check_runs(frame, path, client)
    if random.randrange(8) == 0:
        check_round_trip(frame, folder / "written.csv")
    return "accepted"


def check_runs(frame, path, client):
    """What must hold of runs that were accepted."""
    check_numbers(frame)
    check_hardware(frame)
    holds((frame["throughput_tps"] > 0).all(), "throughput is not positive")
    gpus = frame["n_gpus"].astype(float)
    holds((frame["gpu_power_w"].fillna(0) <= 5000 * gpus).all(), "power is beyond any GPU's")
    drawn = frame["energy_per_output_token_j"] * frame["throughput_tps"]
    alone = frame["gpu_power_w"].isna() & frame["node_power_w"].isna()
    holds((drawn[alone].fillna(0) <= 8000 * gpus[alone]).all(), "energy is beyond any GPU's")
    if client in SAYS:
        stated = json_documents(path.read_text(encoding="utf-8-sig"))
        stated = stated[0] if isinstance(stated[0], list) else stated
        for value, row in zip(stated, frame["throughput_tps"], strict=True):
            for key in SAYS[client]:
                value = value[key]
            holds(value == row, f"throughput is {row} where the file says {value}")


def check_round_trip(frame, path):
    """Runs are the same after a table was written and read."""
    try:
        write_table(frame, path, "benchmark")
    except InputError as error:
        raise WrongError(f"accepted, but no table holds it: {error}") from None
    again = detect_and_read(path)
    for name in frame:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        old, new = (sorted(f[name].dropna()) for f in (frame, again))
        same = np.allclose(old, new, rtol=1e-5) if numeric and len(old) == len(new) else old == new
        holds(same, f"{name} is another after a table was written and read")


def mlperf(random, folder, name, facts):
    """Folders of MLPerf's logs."""
    copy = shutil.copytree(FIXTURES / name, folder / "logs")
    file = random.choice(sorted(copy.iterdir()))
    file.write_bytes(damaged(random, file.read_bytes()))
    check_runs(detect_and_read(copy, facts), copy, "mlperf")
    return "accepted"


def facts(random, folder):
    """Facts beside a result."""
    path = written(folder, "run.json", seed_bytes(FIXTURES / "vllm/single.json"))
    seed = "gpu: H100-SXM-80GB\nn_gpus: 8\ntensor_parallel: 8\nprecision: FP8\ngpu_power_w: 5000\n"
    data = seed.encode()
    if random.randrange(2):
        change = random.choice((rescaled, changed_document))
        data = as_json(change(random, yaml.safe_load(seed)))
    written(folder, "facts.yaml", damaged(random, data) if random.randrange(2) else data)
    check_runs(detect_and_read(path), path, "vllm")
    return "accepted"


def tables(random, folder):
    """Tables of data/ and config/."""
    name = random.choice(sorted(TABLES))
    schema, data = load_schema(TABLES[name]), changed_table(random, seed_bytes(name).decode())
    if random.randrange(3) == 0:
        data = damaged(random, data)
    path = written(folder, "table.csv", data)
    frame = read_table(path, schema)
    check_numbers(frame)
    with open(path, encoding="utf-8-sig", newline="") as file:
        header, *rows = [row for row in csv.reader(file) if row]
    holds(len(rows) == len(frame), f"{len(frame)} rows where the file holds {len(rows)}")
    for place, column in enumerate(header):
        for row, value in zip(rows, frame[column], strict=True):
            check_cell(row[place], value)
    return "accepted"


@cache
def training():
    """Rows that the law with load is fitted to, and the tables of models and GPUs."""
    hardware = hardware_tables(("models", "gpus"))
    tables = [read(path, "throughput") for path in THROUGHPUT_TABLES]
    return training_rows(tables, read(STEADY_TABLE, "mlenergy"), hardware), hardware


def benchmarks(random, folder):
    """Throughput tables whose rows the law with load predicts."""
    data = changed_table(random, seed_bytes(random.choice(THROUGHPUT_TABLES)).decode())
    path = written(folder, "mine.csv", data)
    rows, known = training()
    found = read_throughput(path, known, rows)
    # what is computed of a model may be infinite, such as a context without end
    stated = found.columns.intersection(list(load_schema("throughput")["properties"]))
    check_numbers(found[stated])
    lengths = read_table(path, "throughput")[["input_tokens", "output_tokens"]]
    lacking = int(lengths.isna().any(axis=1).sum())
    holds((lacking > 0) == bool(left_out(path)), "rows are left out in silence")
    with open(path, encoding="utf-8-sig", newline="") as file:
        holds(len(found) + lacking == sum(map(bool, csv.reader(file))) - 1, "rows are lost")
    return "accepted"


def check_cell(text, value):
    """A cell became what it says."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        holds(text == "", f"{text!r} became empty")
    elif isinstance(value, str):
        # a quote stands before what a spreadsheet would run, and some more before that
        quoted = text.startswith("'") and text.lstrip("'")[:1] in tuple(FORMULA)
        holds(value in (text, text[1:] if quoted else text), f"{text!r} became {value!r}")
    else:
        holds(float(text) == float(value), f"{text!r} became {value!r}")


def meters(random, folder):
    """Power logs of every family."""
    scope, seed = random.choice(LOGS)
    if not isinstance(seed, str) and random.randrange(2):
        data = as_json(changed_document(random, seed))
    else:
        data = (seed if isinstance(seed, str) else json.dumps(seed)).encode()
    if isinstance(seed, str) or random.randrange(2):
        data = damaged(random, data)
    frame = read_log(written(folder, "meter.log", data), scope, "UTC")
    check_numbers(frame)
    holds(frame["time_s"].between(FIRST, LAST).all(), "a time is no time of a test")
    # CodeCarbon adds up all GPUs of a node
    check_power(frame["power_w"], "node" if b"codecarbon" in data else scope)
    return "accepted"


@cache
def method_files():
    """Content of every method file."""
    return read_methods(find_methods(), find_methods())


def document(random, folder, seed, deployment=None):
    """A damaged YAML file of the project, read; parts of its section deployment may be stated."""
    data = seed_bytes(seed)
    if random.randrange(3) or deployment:
        content = yaml.safe_load(data)
        if deployment:
            content["deployment"] |= deployment
        change = random.choice((rescaled, changed_document, changed_document))
        data = as_json(change(random, content))
    if random.randrange(2) == 0:
        data = damaged(random, data)
    found = documents.read(written(folder, "file.yaml", data))
    holds(same(found, as_said(data)), "a document is another than the file's")
    return found


UNKNOWN = object()
"""What a file says where it is no JSON, so that nobody but its reader can say."""


def once(pairs):
    """An object of JSON, no key of which stands there twice."""
    found = dict(pairs)
    holds(len(found) == len(pairs), "a key stands twice")
    return found


def no_json(text):
    """Refuse what Python takes for JSON, and nobody else does: NaN and Infinity."""
    raise ValueError(text)


def as_said(data):
    """What bytes say, by a reader of JSON that is not the library's; UNKNOWN for what is none."""
    try:
        return json.loads(data, object_pairs_hook=once, parse_constant=no_json)
    except (ValueError, RecursionError):
        return UNKNOWN


def same(found, said):
    """Whether what became of a document is what it says, where that is known."""
    if said is UNKNOWN:
        return True
    if isinstance(said, dict):
        is_alike = isinstance(found, dict) and found.keys() == said.keys()
        return is_alike and all(same(found[key], said[key]) for key in said)
    if isinstance(said, list):
        is_alike = isinstance(found, list) and len(found) == len(said)
        return is_alike and all(map(same, found, said))
    return isinstance(found, bool) == isinstance(said, bool) and found == said


def methods(random, folder):
    """Methods: read, resolved and checked."""
    name = random.choice(sorted(method_files()))
    content = document(random, folder, f"config/methods/{name}.yaml")
    found = resolve(name, method_files() | {name: content})
    check(found, documents.read_schema("method"), name)
    check_possible(found)
    return "accepted"


FACTORS = (0.01, 0.1, 0.5, 0.9, 1.1, 2, 10, 100)
FAST = ["full-load", "oviedo2025", "oviedo2026", "oviedo2026-as-written"]
"""Methods whose laws are fitted in no time."""


@cache
def resolved(name):
    """A method, and what it is built from."""
    found = resolve(name, method_files())
    return found, materials([found])


def numbers_of(node, path=()):
    """Places of the numbers of a document."""
    if isinstance(node, bool) or not isinstance(node, dict | list | int | float):
        return []
    if isinstance(node, int | float):
        return [path]
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    return [place for key, part in parts for place in numbers_of(part, (*path, key))]


def rescaled(random, document, places=None):
    """A document of which a number, of those at these places or any, is so many times itself."""
    document = deepcopy(document)
    places = places or numbers_of(document)
    if places:
        *place, last = random.choice(places)
        reduce(getitem, place, document)[last] *= random.choice((*FACTORS, 1e3, 1e6))
    return document


@cache
def known_hardware():
    """What the project knows of models, GPUs, sources and nodes."""
    return Tables(*(read(f"data/{name}.csv", name) for name in KNOWN))


def check_contexts(setup):
    """The median query of every kind is one that all models can be asked."""
    contexts = [longest_context(model.name, known_hardware().models) for model in setup.models]
    for name, kind in setup.regimes.items():
        tokens = kind.input_tokens + float(kind.output_tokens.quantile(0.5))
        holds(not tokens > LONGEST * np.nanmin(contexts), f"{name}: {tokens} tokens a query")


LENGTHS = {
    "exponential": (),
    "log-normal": ("sigma",),
    "gamma": ("shape",),
    "pareto": ("exponent", "maximum"),
    "log-t": ("sigma", "degrees_of_freedom", "maximum"),
    "uniform": ("shortest", "maximum"),
}
"""Families of lengths, and their keys besides a median."""


def drawn_lengths(random):
    """Output tokens of a family, often with a minimum that few of them reach."""
    family, median = random.choice(sorted(LENGTHS)), random.choice((1, 300.5, 25_000))
    reach = median * random.choice((1.001, 2, 10))
    values = {"median": median, "maximum": reach, "shortest": random.choice((0, 0.4, median))}
    values |= {"sigma": random.choice((0.001, 1, 5)), "shape": random.choice((0.05, 1, 10_000))}
    values |= {
        "exponent": random.choice((0.2, 1, 20)),
        "degrees_of_freedom": random.choice((1, 30)),
    }
    keys = LENGTHS[family] if family == "uniform" else ("median", *LENGTHS[family])
    lengths = {key: values[key] for key in keys}
    if random.randrange(2):
        lengths["minimum"] = int(reach * random.choice((0.001, 0.1, 0.99, 1)))
    return lengths | {"distribution": family, "unit": "tokens", "source": "drawn"}


def estimates(random, folder):
    """Methods whose numbers are others: what hardware can do has an estimate to be written."""
    name = random.choice(FAST)
    found, materials_of = resolved(name)
    method = deepcopy(found)
    if random.randrange(3) == 0:
        regime = method["regimes"][random.choice(("traditional", "long"))]
        regime["output_tokens"] = drawn_lengths(random)
    for *place, last in random.sample(numbers_of(method), random.choice((1, 1, 2, 3))):
        node = reduce(getitem, place, method)
        value = node[last] * random.choice(FACTORS)
        node[last] = round(value) if isinstance(node[last], int) and random.randrange(3) else value
    check(method, documents.read_schema("method"), name)
    of_method = materials_of(method)
    problems, _ = held_against(method, of_method["table"], known_hardware(), of_method["traces"])
    if problems:
        raise InputError(problems)
    setup = build(method, **of_method)
    check_contexts(setup)
    made = {
        "throughput_laws": estimate.throughput_laws(setup),
        "energy_per_query": estimate.energy_per_query(setup, ["exact"]),
        "output_tokens": estimate.output_tokens(setup, ["exact"]),
        "extrapolation": estimate.extrapolation(setup),
        "blend": estimate.members(estimate.blend(setup)),
        "densities": estimate.densities(setup),
        "fleet": estimate.fleet(setup, ["exact"]),
        "test_time": length.cost_of_length(setup, random.choice(FACTORS[5:])),
    }
    for schema, table in made.items():
        write_table(table, folder / f"{schema}.csv", schema)
    return "accepted"


ASKED = {
    "benchmarks": config.BENCHMARKS,
    "deployments": ["config/deployments/8xh100-llama-405b.yaml"],
    "deployment": "config/deployments/8xh100-llama-405b.yaml",
    "log": "generate:oviedo2026:1e6",
    "method": "oviedo2026",
    "base": "oviedo2025",
    "head": "oviedo2026",
    "since": "HEAD~1",
    "format": "azure",
    "load": 8,
    "copies": 2,
    "stress": {"window": 30, "concurrency": [1, 8], "name": "night"},
}
"""What a command line may add to the configuration."""


def configuration(random, folder):
    """The configuration, and every other file of config/."""
    name = random.choice((*config.NEEDED, *config.OTHERS, "config", "config"))
    content = document(random, folder, f"config/{name}.yaml")
    if name == "config" and isinstance(content, dict):
        keys = random.choices(sorted(ASKED), k=random.randint(0, 3))
        asked = changed_document(random, {key: ASKED[key] for key in keys})
        content |= asked if isinstance(asked, dict) else {}
    if name == "config":
        problems = config.config_problems(content) if isinstance(content, dict) else ["no keys"]
    else:
        problems = documents.schema_problems(content, documents.read_schema(name), name)
    if not problems and name == "findings":
        schema, base = documents.read_schema("method"), resolve("oviedo2026", method_files())
        problems = [
            problem
            for finding in content
            for problem in [*override_problems(finding, base, schema), *wording_problems(finding)]
        ]
    if problems:
        raise InputError(problems)
    return "accepted"


def deployments(random, folder):
    """Deployment files."""
    seed = "config/deployments/8xh100-llama-405b.yaml"
    written(folder, "own.json", seed_bytes("tests/fixtures/benchmarks/vllm/single.json"))
    document(random, folder, seed, {"benchmarks": "own.json"})
    found = read_deployment(str(folder / "file.yaml"), find_methods(), ())
    said, method = as_said((folder / "file.yaml").read_bytes()), found["method"]
    if said is not UNKNOWN:
        holds(found["stated"] == list(said), "keys of a deployment are lost")
        own = {key: value for key, value in said.items() if key not in ("extends", "notes")}
        check_merged(method, own)
    check_possible(method)
    holds(found["benchmarks"] == [str(folder / "own.json")], "benchmarks are other files")
    return "accepted"


def check_merged(found, said):
    """What a file says stands in what it became, beside what it extends."""
    for key, value in said.items():
        holds(key in found, f"key {key} is lost")
        # a quantity replaces the whole of that of the parent, which says as what it is drawn
        if isinstance(value, dict) and isinstance(found[key], dict):
            check_merged(found[key], value)
        else:
            holds(same(found[key], value), f"key {key} is another")


def settings(random, folder):
    """Settings of a stress test, and the sources of power that they name."""
    stated = changed_document(random, NODE)
    if not isinstance(stated, dict):
        return "refused"
    content = merge(stated)
    problems = setting_problems(content)
    if problems:
        raise InputError(problems)
    holds(content.keys() >= stated.keys(), "settings are lost")
    for key, value in stated.items():
        check_setting(content[key], value)
    # what is added to requests is the server's to judge
    for place in numbers_of(content | {"extra_inputs": {}}):
        number = reduce(getitem, place, content)
        holds(abs(number) <= LARGEST, f"{place} is {number}")
    if content["power"] != "auto":
        named_power_sources(content["power"])
    return "accepted"


WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}
"""What a setting that is text says where it may not be text."""


def check_setting(found, said):
    """A setting became what it says; the command line leaves numbers as text."""
    if isinstance(said, str) and not isinstance(found, str):
        word = said.strip()
        value = WORDS[word] if word in WORDS else float(word)
        holds(same(found, value), f"{said!r} became {found!r}")
    elif isinstance(said, dict) and isinstance(found, dict):
        holds(found.keys() == said.keys(), "keys of a setting are others")
        for key, value in said.items():
            check_setting(found[key], value)
    elif isinstance(said, list) and isinstance(found, list):
        holds(len(found) == len(said), "items of a setting are lost")
        for pair in zip(found, said, strict=True):
            check_setting(*pair)
    else:
        holds(same(found, said), f"{said!r} became {found!r}")


def records(random, folder):
    """Lines that a stress test's client writes."""
    request, telemetry = record(0.0, 0.5, 0.01, 5), sample(NOON, 0, True)
    for name, seed, is_whole in (("a", request, is_request), ("b", telemetry, is_sample)):
        data = as_json(changed_document(random, seed))
        data = damaged(random, data) if random.randrange(2) else data
        path = written(folder, name, as_json(seed) + b"\n" + data)
        found, lost = read_lines(path, is_whole)
        holds(len(found) + lost >= 1, "lines are neither kept nor counted")
        frame = plan.requests_of(found) if name == "a" else telemetry_samples(found)
        check_numbers(frame)
    return "accepted" if not lost else "refused"


def requests(random, folder):
    """Request logs, up to the energies that are answered."""
    # DuckDB takes a while to load
    from inference_energy.requests import counts
    from inference_energy.requests.log import connect, open_log, units

    header = "timestamp,model,tenant,input_tokens,output_tokens\n"
    row = "2025-01-01 00:00:01,m,t,500,300\n"
    line = {"timestamp": "2025-01-01T00:00:01Z", "model": "m", "input_tokens": 5}
    if random.randrange(2):
        data, name = changed_table(random, header + row * 3), "log.csv"
    else:
        found = [changed_document(random, line | {"output_tokens": 7}) for _ in range(2)]
        data, name = b"\n".join(map(as_json, found)), "log.jsonl"
    data = damaged(random, data) if random.randrange(3) == 0 else data
    log = open_log(written(folder, name, data).as_posix(), formats())
    connection = connect(200, 1, folder)
    counts.create_tables(connection)
    counts.count_units(connection, log, units(log, connection), MOST_INPUT, folder)
    tables = counts.frames(connection, ["lengths", "kinds"])
    check_energies(tables["lengths"], said_of_requests(folder / name))
    return "accepted"


PLAIN = r"[0-9]{1,7}"
"""A cell whose number of tokens nobody can read otherwise."""
MOST_WH = 1e-2
"""Energy of a token, input or output, that no model of a method needs. [Wh]"""
CELLS_WITHIN = 1e-3
"""What the cells in which requests are counted may move a total by. [1]"""


def said_of_requests(path):
    """Model, input and output tokens of every request of a file, by its own cells; UNKNOWN where a
    cell can be read in several ways.
    """
    try:
        text = path.read_bytes().decode()
        if path.suffix == ".csv":
            header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            header, odd = [name.strip() for name in header], set('\0"') & set(text)
            odd = odd or any(len(row) != len(header) for row in rows)
            rows = [dict(zip(header, row, strict=False)) for row in rows]
        else:
            rows = [as_said(line) for line in text.split("\n") if line.strip()]
            # half a character is no text, and the line none that can be read
            odd = "\r" in text or "\\ud" in text or not all(isinstance(row, dict) for row in rows)
    # a line with a key twice is told, and does not count
    except (ValueError, csv.Error, WrongError):
        return UNKNOWN
    names = ("input_tokens", "output_tokens")
    cells = [] if odd else [row.get(name) for row in rows for name in names]
    plain = [isinstance(c, str | int) and re.fullmatch(PLAIN, str(c)) for c in cells]
    if odd or not rows or not all(plain) or {"cached_tokens", "id"} & rows[0].keys():
        return UNKNOWN
    return pd.DataFrame({name: [int(row[name]) for row in rows] for name in names})


@cache
def served():
    """What charges the requests of a log: a method whose laws are fitted in no time."""
    from inference_energy.requests.energies import Serving

    method, materials_of = resolved("oviedo2025")
    return Serving.of_method(build(method, **materials_of(method)), {})


def check_energies(lengths, said):
    """Requests are those of the file, and need the energy that these need one by one."""
    from inference_energy.requests import answers
    from inference_energy.requests.energies import energies, total

    serving = served()
    whole = answers.by_model(serving, lengths, energies(serving, lengths)).iloc[0]
    found = whole[["energy_wh_p5", "energy_wh_p50", "energy_wh_p95", "energy_wh_mean"]]
    check_numbers(found.to_frame().T.astype(float))
    holds((np.diff(found.iloc[:3].astype(float)) >= 0).all(), "P5, P50 and P95 are in no order")
    tokens = whole["input_tokens"] + whole["output_tokens"]
    holds(found.min() >= 0 and found.max() <= MOST_WH * tokens, "energy is beyond any model's")
    if said is UNKNOWN:
        return
    holds(whole["requests"] == len(said), f"{whole['requests']} requests of {len(said)}")
    for name, values in said.items():
        holds(whole[name] == values.sum(), f"{whole[name]} {name} where the file says otherwise")
    expected = total(serving.factor, by_itself(serving, said.assign(model=None)))["p50"]
    holds(math.isclose(found["energy_wh_p50"], expected, rel_tol=CELLS_WITHIN), "another energy")


LINE = {"t": 1735689600, "m": "a", "in": 5, "out": 7, "n": {"cached": [3]}}
FORMAT = {
    "source": "a test",
    "time": "s",
    "columns": {
        "start": "t",
        "model": "m",
        "input": {"first": ["in", ["n", "in"]]},
        "cached": ["n", "cached"],
        "output": "out",
        "id": {"attribute": "id"},
    },
    "answered_elsewhere": {"column": "m", "values": ["b"]},
    "models": {"a": "Llama 3.1 70B"},
}


def mappings(random, folder):
    """Formats of request logs that a user writes, up to the view that is counted."""
    from inference_energy.requests import files, log

    data = as_json(changed_document(random, FORMAT))
    data = damaged(random, data) if random.randrange(3) == 0 else data
    form = files._format(written(folder, "mine.yaml", data).as_posix(), {"formats": formats()})
    lines = as_json(LINE) + b"\n" + as_json(changed_document(random, LINE))
    found = log.open_log(written(folder, "log.jsonl", lines).as_posix(), formats(), form)
    log.columns_of_any(found)
    connection = log.connect(200, 1, folder)
    for unit in log.units(found, connection):
        log.requests_view(found, unit, connection, folder)
        connection.execute("SELECT sum(output), max(model) FROM requests").fetchall()
    return "accepted"


@cache
def formats():
    """Formats of config/requests.yaml."""
    return documents.read(ROOT / "config/requests.yaml")["formats"]


# Target and its share of the cases: what costs more gets fewer.
TARGETS = {
    readers: 30,
    facts: 6,
    tables: 16,
    meters: 20,
    methods: 6,
    estimates: 1,
    configuration: 6,
    deployments: 4,
    settings: 6,
    records: 5,
    requests: 1,
    mappings: 1,
    benchmarks: 1,
}
