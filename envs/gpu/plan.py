"""What a plan for a GPU machine may say: told before anything is fetched.

``plan.py PLAN`` checks one. Of the project it imports what reads and checks YAML alone, as the
packer has no other package than pack.lock says.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow"))
from inference_energy import documents
from inference_energy.errors import InputError
from random_model import PLAIN, RANGES

ROOT = Path(__file__).resolve().parents[2]

PLAN = {
    **{"python": False, "part_mib": True, "back_mib": True, "memory_share": False, "gpus": False},
    **{"engines": True, "tests": True, "models": True},
}
ENGINE = {
    **{"engine": True, "lock": False, "trim": False, "skip": False, "command": True},
    **{"environment": False, "port": True, "start_seconds": True, "weights": False},
    **{"served_as": False, "settings": False},
}
TEST = {
    **{"name": True, "model": True, "engines": True, "options": False, "facts": True},
    "settings": True,
}
"""Keys, and whether they are needed."""

STATED = ("input_tokens", "output_tokens", "concurrency")
"""Settings that a test states itself."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LAST_PORT = 65_535
MOST_TOKENS = 1 + len(PLAIN) + sum(high - low for low, high in RANGES)
"""Vocabulary of a tokenizer that has a character of its own for every token. [tokens]"""


def read_plan(path, text):
    """Plan of a file; what it cannot say ends the program, all at once."""
    try:
        plan = documents.parse(text, path)
    except InputError as error:
        sys.exit(str(error))
    problems = list(problems_of(plan))
    if problems:
        sys.exit("\n".join(f"{path}: {problem}" for problem in problems))
    return plan


def problems_of(plan):
    """Yield what is wrong with a plan."""
    wrong = list(keys(plan, "", PLAN))
    yield from wrong
    if wrong:
        return
    for key in ("part_mib", "back_mib"):
        yield from number(plan[key], key)
    yield from number(plan.get("memory_share", 1), "memory_share", most=1)
    known = {}
    for group in ("engines", "models"):
        known[group] = plan[group] if isinstance(plan[group], dict) else {}
        if not known[group]:
            yield f"key {group}: is empty; allowed are names with keys; state one"
    for name, engine in known["engines"].items():
        yield from engine_problems(engine, f"engines.{name}")
    for name, model in known["models"].items():
        size = model.get("vocab_size") if isinstance(model, dict) else None
        yield from number(size, f"models.{name}.vocab_size", MOST_TOKENS, whole=True)
    yield from listed(plan["tests"], "tests")
    names = set()
    for place, test in enumerate(plan["tests"] if isinstance(plan["tests"], list) else []):
        where = f"tests.{place}"
        yield from test_problems(test, where, known)
        name = test.get("name") if isinstance(test, dict) else None
        if name is not None and str(name) in names:
            yield f"key {where}.name: value {name} stands there twice; give every test its own"
        names.add(str(name))


def engine_problems(engine, where):
    """What is wrong with an engine."""
    wrong = list(keys(engine, where, ENGINE))
    yield from wrong
    if wrong:
        return
    yield from listed(engine["command"], f"{where}.command")
    yield from number(engine["port"], f"{where}.port", LAST_PORT, whole=True)
    yield from number(engine["start_seconds"], f"{where}.start_seconds")
    yield from setting_problems(engine.get("settings") or {}, f"{where}.settings")
    lock = engine.get("lock")
    if lock is not None and not (ROOT / str(lock)).is_file():
        yield f"key {where}.lock: value {lock}; allowed is a file of the project; correct the path"


def test_problems(test, where, known):
    """What is wrong with a test."""
    wrong = list(keys(test, where, TEST))
    yield from wrong
    if wrong:
        return
    if not NAME.fullmatch(str(test["name"])):
        yield (
            f"key {where}.name: value {test['name']}; allowed are letters, digits, dots and dashes,"
            " as a folder is named so; correct it"
        )
    yield from listed(test["engines"], f"{where}.engines")
    asked = test["engines"] if isinstance(test["engines"], list) else []
    for key, names, group in (("model", [test["model"]], "models"), ("engines", asked, "engines")):
        for name in names:
            if str(name) not in known[group]:
                allowed = ", ".join(known[group])
                yield f"key {where}.{key}: value {name}; allowed are {allowed}; correct it"
    settings = test["settings"]
    yield from setting_problems(settings, f"{where}.settings")
    yield from setting_problems({"facts": test["facts"]}, where)
    # what the machine's memory is held against
    for key in STATED if isinstance(settings, dict) else ():
        if settings.get(key) is None:
            yield f"key {where}.settings.{key}: is missing; state it, as envs/gpu/plan.yaml does"


def setting_problems(stated, where):
    """What the stress test would refuse of settings that are stated over config/stress.yaml."""
    if not isinstance(stated, dict):
        yield f"key {where}: allowed are keys with values; state them"
        return
    settings = documents.read(ROOT / "config/stress.yaml") | stated
    yield from documents.schema_problems(settings, documents.read_schema("stress"), where, stated)


def keys(part, where, allowed):
    """Unknown and missing keys of a part of the plan."""
    if not isinstance(part, dict):
        yield f"key {where or '(top)'}: allowed are keys with values; state them"
        return
    before = f"{where}." if where else ""
    for key in part:
        if key not in allowed:
            yield f"key {before}{key}: unknown; allowed are {', '.join(allowed)}; correct it"
    for key, needed in allowed.items():
        if needed and part.get(key) is None:
            yield f"key {before}{key}: is missing; state it, as envs/gpu/plan.yaml does"


def listed(value, where):
    """What is not a list with something in it."""
    if not isinstance(value, list):
        yield f"key {where}: value {value}; allowed is a list; put it in brackets"
    elif not value:
        yield f"key {where}: is empty; state one or more"


def number(value, where, most=float("inf"), *, whole=False):
    """What is no number above zero and up to the most."""
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or value <= 0:
        allowed = "a whole number of at least 1" if whole else "a number above 0"
        yield f"key {where}: value {value}; allowed is {allowed}; correct it"
    elif value > most:
        yield f"key {where}: value {value}; allowed is at most {most}; correct it"


if __name__ == "__main__":
    read_plan(sys.argv[1], Path(sys.argv[1]).read_text(encoding="utf-8"))
