"""What a plan for a GPU machine may say: told before anything is fetched.

``plan.py PLAN`` checks one. Needs PyYAML alone, as the packer has nothing else.
"""

import re
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
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

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LAST_PORT = 65_535
MOST_TOKENS = 1 + len(PLAIN) + sum(high - low for low, high in RANGES)
"""Vocabulary of a tokenizer that has a character of its own for every token. [tokens]"""


class Loader(yaml.SafeLoader):
    """Reads a plan in which no key stands twice."""

    def construct_mapping(self, node, deep=False):
        """Refuse a key that stands twice, which would take the place of the first."""
        known = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in known:
                raise SystemExit(f"key {key.value}: stands there twice; remove one of them")
            known.add(getattr(key, "value", None) if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def read_plan(path, text):
    """Plan of a file; what it cannot say ends the program, all at once."""
    try:
        plan = yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        sys.exit(f"{path}: not YAML ({' '.join(str(error).split())}); correct the syntax")
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
    if not isinstance(test["facts"], dict):
        yield f"key {where}.facts: allowed are keys with values; state them"
    settings = test["settings"] if isinstance(test["settings"], dict) else {}
    place = f"{where}.settings.concurrency"
    if "concurrency" not in settings:
        yield f"key {place}: is missing; state the loads to run, such as [1, 32]"
        return
    loads = settings["concurrency"]
    yield from listed(loads, place)
    for load in loads if isinstance(loads, list) else []:
        yield from number(load, place, whole=True)


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
    if not is_number or not 0 < value < float("inf"):
        allowed = "a whole number of at least 1" if whole else "a number above 0"
        yield f"key {where}: value {value}; allowed is {allowed}; correct it"
    elif value > most:
        yield f"key {where}: value {value}; allowed is at most {most}; correct it"


if __name__ == "__main__":
    read_plan(sys.argv[1], Path(sys.argv[1]).read_text(encoding="utf-8"))
