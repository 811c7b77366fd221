"""A plan that a kit cannot run is refused before anything is fetched, with what is allowed."""

import sys
from copy import deepcopy

import pytest
import yaml
from processes import run
from repository import ROOT, read_yaml

sys.path.insert(0, str(ROOT / "envs/gpu"))

from plan import read_plan

PLAN = read_yaml("envs/gpu/plan.yaml") | {"python": None}


def packed(tmp_path, text, out="kit"):
    (tmp_path / "plan.yaml").write_text(text)
    command = [sys.executable, ROOT / "envs/gpu/pack.py", tmp_path / "plan.yaml", tmp_path / out]
    return run(command)


def changed(**keys):
    """Plan with one test, and changes of the plan and of that test."""
    plan = deepcopy(PLAN)
    plan["tests"] = plan["tests"][:1]
    for key, value in keys.items():
        part = plan["tests"][0] if key in plan["tests"][0] else plan
        part[key] = value
    return plan


TEST = PLAN["tests"][0]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([1], "allowed are keys with values"),
        (None, "allowed are keys with values"),
        ({key: value for key, value in PLAN.items() if key != "tests"}, "key tests: is missing"),
        (changed(tests=[]), "key tests: is empty"),
        (changed(parts_mib=3), "key parts_mib: unknown; allowed are python, part_mib"),
        (changed(part_mib=0), "key part_mib: value 0; allowed is a number above 0"),
        (changed(back_mib=float("nan")), "key back_mib: value nan: allowed are finite numbers"),
        (changed(memory_share=95), "key memory_share: value 95; allowed is at most 1"),
        (changed(engines=["vlm"]), "key tests.0.engines: value vlm; allowed are vllm, transform"),
        (changed(engines=[]), "key tests.0.engines: is empty"),
        (changed(model="Llama 4"), "key tests.0.model: value Llama 4; allowed are Llama 3.1 8B"),
        (changed(name="../../x"), "key tests.0.name: value ../../x; allowed are letters"),
        (changed(tests=[TEST, TEST]), "key tests.1.name: value llama-3.1-70b-fp8 stands there twi"),
        (changed(settings={}), "key tests.0.settings.concurrency: is missing"),
        (changed(settings={}), "key tests.0.settings.output_tokens: is missing"),
        (changed(settings=3), "key tests.0.settings: allowed are keys with values"),
        (
            changed(settings=TEST["settings"] | {"concurrency": [8, -1]}),
            "tests.0.settings: key concurrency.1: value -1: allowed is a whole number",
        ),
        (
            changed(settings=TEST["settings"] | {"window": "10:12"}),
            "tests.0.settings: key window: value '10:12': allowed is a number above 0",
        ),
        (
            changed(settings=TEST["settings"] | {"windw": 20}),
            "tests.0.settings: key (top): unknown key windw",
        ),
        (
            changed(facts=TEST["facts"] | {"n_gpus": 0}),
            "tests.0: key facts.n_gpus: value 0: allowed is a whole number of at least 1",
        ),
        (
            changed() | {"engines": {"vllm": PLAN["engines"]["vllm"] | {"settings": {"seed": -1}}}},
            "engines.vllm.settings: key seed: value -1: allowed is a whole number of at least 0",
        ),
        (changed() | {"engines": {"vllm": None}}, "key engines.vllm: allowed are keys with values"),
        (
            changed() | {"engines": {"vllm": PLAN["engines"]["vllm"] | {"lock": "envs/no.lock"}}},
            "key engines.vllm.lock: value envs/no.lock; allowed is a file of the project",
        ),
        (
            changed() | {"models": {"Llama 3.1 70B": {"vocab_size": 10**6}}},
            "key models.Llama 3.1 70B.vocab_size: value 1000000; allowed is at most 140506",
        ),
        (
            changed() | {"engines": {"vllm": PLAN["engines"]["vllm"] | {"port": 80_000}}},
            "key engines.vllm.port: value 80000; allowed is at most 65535",
        ),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_with_what_is_allowed(tmp_path, plan, words):
    done = packed(tmp_path, yaml.safe_dump(plan, sort_keys=False))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr and "Fetching" not in done.stderr
    assert not (tmp_path / "kit").exists()


def test_a_key_that_stands_twice_and_what_is_no_yaml_are_refused(tmp_path):
    for text, words in (
        ("tests: [1]\ntests: [2]\n", "key tests: stands there twice"),
        ("tests: [", "not YAML"),
        ("a: " + "[" * 5000, "nested deeper than the 40 levels"),
        ("? [1, 2]\n: 3\n", "not YAML"),
    ):
        done = packed(tmp_path, text)
        assert done.returncode == 1 and words in done.stderr, text
        assert "Traceback" not in done.stderr


def test_a_plan_is_read_as_the_project_reads_yaml():
    text = (ROOT / "envs/gpu/plan.yaml").read_text("utf-8")
    ten = read_plan("p.yaml", text.replace("repetitions: 1\n", "repetitions: 010\n"))
    assert ten["tests"][0]["settings"]["repetitions"] == 10
    with pytest.raises(SystemExit, match=r"settings: key window: value '10:12': allowed is"):
        read_plan("p.yaml", text.replace("window: 20\n", "window: 10:12\n"))
    for written, read in (("yes", "'yes'"), ("true", "true")):
        with pytest.raises(SystemExit, match=rf"settings: key rounds: value {read}: allowed is"):
            read_plan("p.yaml", text.replace("rounds: 0.1\n", f"rounds: {written}\n"))


def test_a_folder_that_is_no_kit_is_not_replaced(tmp_path):
    kept = tmp_path / "papers" / "thesis.tex"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = packed(tmp_path, yaml.safe_dump(PLAN), out="papers")
    assert done.returncode == 1 and "papers: holds something else than a kit" in done.stderr
    assert kept.read_text() == "mine"


def test_the_committed_plan_is_allowed(tmp_path):
    done = run([sys.executable, ROOT / "envs/gpu/plan.py", ROOT / "envs/gpu/plan.yaml"])
    assert (done.returncode, done.stderr) == (0, "")
