"""Every key of config/stress.yaml works on the command line in one form, also in every message."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from inference_energy import config
from inference_energy.documents import read_schema
from inference_energy.stress import settings
from processes import one_message, snakemake
from snakemake.cli import parse_config

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = yaml.safe_load((ROOT / "config/stress.yaml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
VALUES = {
    "endpoint": ["http://127.0.0.1:8000/v1", "https://host.example/a/b=c"],
    "model": ["meta-llama/Llama-3.1-8B", "two words", "O'Neil", "70"],
    "name": ["a.b-1", "70", None],
    "tokenizer": ["/data/a folder/tokenizer", None],
    "shortest": [200],
    "factor": [16.7],
    "steps": [4],
    "output_tokens": [[300, 5000], None],
    "input_tokens": [1000],
    "concurrency": [[1, 8, 64], [2]],
    "repetitions": [5],
    "window": [0.5, 30],
    "rounds": [1.5],
    "seed": [0],
    "power": ["none", "http://host:9400/metrics", ["nvml", "/data/a meter.csv"]],
    "gpus": [8, [0, 1], None],
    "meter_offset": [-1.5, None],
    "meter_zone": ["Europe/Berlin", None],
    "facts": [{}, {"gpu": "H100-SXM-80GB", "n_gpus": 8, "precision": "FP8"}],
    "factors": [{}, {"pue": {"value": 1.2, "source": "our bill"}}],
    "extra_inputs": [{}, {"ignore_eos": True, "min_tokens": "{output_tokens}", "top_k": 3}],
    "legacy_max_tokens": [True, False],
    "request_timeout": [60],
    "error_limit": [0.1],
    "length_tolerance": [0],
    "confidence": [0.9],
    "prediction": ["build/deployments/mine/energy_by_length.csv", {"law": "law.csv"}, None],
    "aiperf": ["/opt/aiperf/bin/aiperf", None],
}
CASES = [(key, value) for key, values in VALUES.items() for value in values]


@pytest.mark.parametrize("stated", ["", "2025"])
def test_a_log_without_a_path_or_with_a_number_is_told_how_it_is_named(stated):
    problems = config.config_problems(CONFIG | parse_config([f"log={stated}"]))
    assert len(problems) == 1 and "; state its path, ./2025 where it is a number" in problems[0]


@pytest.mark.parametrize("value", ["endpoint: http://[::1]:9/v1", "model: a: b", "gpus: [0"])
def test_settings_that_are_no_yaml_are_told_how_to_quote(value):
    (problem,) = config.config_problems(stated(f"stress={{{value}}}"))
    quoted = problem.partition("in double quotes, as in ")[2]
    given = stated(f"stress={quoted}")
    assert given["stress"] == {"endpoint": "http://[::1]:8000/v1"}
    assert config.config_problems(given) == []


def stated(*arguments):
    """The configuration as Snakemake reads it from the command line."""
    return CONFIG | parse_config(arguments)


def in_yaml(value):
    """Write a value on one line as YAML, the way that a user would."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).splitlines()[0]


def test_every_key_is_tried():
    assert set(VALUES) == set(DEFAULTS) == set(read_schema("stress")["properties"])


@pytest.mark.parametrize("write", [in_yaml, json.dumps])
@pytest.mark.parametrize(("key", "value"), CASES)
def test_a_key_works_on_the_command_line(key, value, write):
    given = stated(f"stress={write({key: value})}")
    assert config.config_problems(given) == []
    merged = settings.merge(given["stress"])
    assert merged == DEFAULTS | {key: value}
    assert type(merged[key]) is type(value)


def test_all_keys_work_in_one_mapping_and_in_several():
    first = {key: values[0] for key, values in VALUES.items()}
    parts = [f"stress={in_yaml({key: value})}" for key, value in first.items()]
    for given in (stated(f"stress={in_yaml(first)}"), stated(*parts)):
        assert config.config_problems(given) == []
        assert settings.merge(given["stress"]) == first
        assert settings.setting_problems(settings.merge(given["stress"])) == []


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_key_beside_stress_is_answered_with_the_form_that_works(key):
    (problem,) = config.config_problems(stated(f"{key}=1"))
    assert f"--config stress='{{{key}: ...}}'" in problem


@pytest.mark.parametrize("text", ["", "{}", "null"])
def test_nothing_stated_is_the_file(text):
    given = stated(f"stress={text}")
    if text != "null":
        assert config.config_problems(given) == []
        assert settings.merge(given["stress"]) == DEFAULTS


def files():
    """Files in which the program and its pages say how something is stated."""
    for pattern in ("workflow/**/*.py", "workflow/**/*.smk", "workflow/**/*.jinja", "docs/*.md"):
        yield from ROOT.glob(pattern)
    yield from [ROOT / name for name in ("README.md", "Makefile", "CONTRIBUTING.md")]
    yield from [*(ROOT / "config").rglob("*.yaml"), ROOT / "config/README.md"]
    yield ROOT / "workflow/Snakefile"


def remedies():
    """What is said to be stated after --config, as the shell would hand it on, with its file."""
    for path in files():
        text = path.read_text(encoding="utf-8").replace('"""', "`")
        text = re.sub(r"\n#? *", " ", text)
        for found in re.finditer(r"""--config (?!\{|stress='\{\{)((?:[\w]+=|")[^`]*)""", text):
            yield path.relative_to(ROOT), found[1]
        if path.suffix == ".py":
            for called in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(getattr(called, "func", None), "id", None)
                if name == "form" and isinstance(called.args[0], ast.Constant):
                    said = settings.form(called.args[0].value).removeprefix("--config ")
                    yield path.relative_to(ROOT), said


def arguments(said):
    """Leading words of a remedy that are key=value."""
    lexer = shlex.shlex(said, posix=True, punctuation_chars=")")
    lexer.whitespace_split = True
    words = []
    try:
        for word in lexer:
            if not re.match(r"\w+=", word):
                break
            words.append(word.rstrip(".,;:"))
    except ValueError:
        pass
    return words


REMEDIES = sorted(
    {(str(path), " ".join(arguments(said))): arguments(said) for path, said in remedies()}.items()
)


def test_remedies_are_found():
    found = {key for _, words in REMEDIES for key in parse_config(words)}
    assert found >= {"stress", "base", "head", "benchmarks", "deployments", "methods"}
    places = {Path(path).name for (path, _), _ in REMEDIES}
    assert places >= {"settings.py", "runner.py", "power.py", "stress.md", "stress.yaml"}


@pytest.mark.parametrize(("place", "words"), REMEDIES, ids=lambda value: str(value)[:60])
def test_what_the_program_says_to_state_is_understood(place, words):
    assert words
    given = parse_config(words)
    known = config.config_schema()["properties"]
    assert set(given) <= set(known)
    assert set(given.get("stress", {})) <= set(known["stress"]["properties"])
    stress = given.get("stress", {})
    if "endpoint" in stress:
        stress["endpoint"] = stress["endpoint"].replace("PORT", "8000")
    assert config.config_problems(CONFIG | {"stress": stress}) == []


def test_no_page_names_a_key_of_the_stress_test_in_another_form():
    pattern = re.compile(rf"(?:--config |`|\()(?:{'|'.join(DEFAULTS)})=[^=\n]*")
    for path in files():
        text = path.read_text(encoding="utf-8")
        if "stress" in text or "stress" in str(path.relative_to(ROOT)):
            assert pattern.findall(text) == [], path


def test_the_command_line_itself_takes_every_key(tmp_path):
    """One run of Snakemake that is told something wrong for each key."""
    wrong = {key: {"wrong": 1} for key in DEFAULTS}
    wrong |= dict.fromkeys(("extra_inputs", "facts", "factors"), "text")
    wrong |= {"prediction": [1], "power": [[1]]}
    told = refused(tmp_path, "engines: 010\n", "stress", "--config", f"stress={in_yaml(wrong)}")
    # in YAML 1.1, as which Snakemake reads it, 8
    assert "key engines: value 10:" in told
    untold = [key for key in DEFAULTS if not re.search(rf"key stress\.{key}(\.0)?: value", told)]
    assert untold == []


def test_keys_that_stand_twice_in_a_users_configuration_are_refused(tmp_path):
    told = refused(tmp_path, '{"methods": ["revised"], "methods": ["oviedo2026"]}')
    assert f"{tmp_path / 'mine.yaml'}, line 1: key methods: stands there twice" in told


def test_keys_that_stand_twice_on_the_command_line_are_refused(tmp_path):
    told = refused(tmp_path, "engines: [exact]", "--config", "stress={window: 3, window: 4}")
    assert "--config stress: key window: stands there twice" in told


@pytest.mark.parametrize(
    ("targets", "keys", "words"),
    [
        (["deployments"], ["deployment"], ["snakemake requests", "did you mean deployments?"]),
        (["requests"], ["log", "deployments"], ["deployments", "did you mean deployment?"]),
        (["whatif"], ["method", "head"], ["key head", "snakemake compare"]),
        (["laws"], ["log"], ["allowed are benchmarks"]),
        ([], ["stress"], ["not read by snakemake;", "snakemake stress"]),
        (["scenarios", "audit"], ["since"], ["snakemake audit scenarios", "no such keys"]),
    ],
)
def test_a_key_that_no_target_reads_is_refused(targets, keys, words):
    (problem,) = config.misplaced_keys(keys, targets)
    assert [word for word in words if word not in problem] == []
    # a file of another run's keys, another target besides, and what a path makes
    assert config.misplaced_keys([], targets) == []
    assert config.misplaced_keys(keys, [*targets, "build/deployments/mine/report.md"]) == []
    of = next(target for target, read in config.KEYS_OF.items() if set(keys[-1:]) <= set(read))
    assert config.misplaced_keys(keys, [*targets, of]) == []


def test_every_key_is_one_of_a_target_or_of_every_run():
    own = [key for keys in config.KEYS_OF.values() for key in keys]
    assert {*own, "methods", "engines"} == set(config.config_schema()["properties"])
    assert config.misplaced_keys(["methods", "engines"], ["whatif"]) == []


@pytest.mark.parametrize("key", ["deployment=config/deployments/8xh100-llama-405b.yaml", "load=8"])
def test_a_run_ends_on_a_key_that_it_does_not_read(tmp_path, key):
    told = refused(tmp_path, "methods: [oviedo2026]", "deployments", "--config", key)
    assert f"key {key.partition('=')[0]}: is not read by snakemake deployments" in told


@pytest.mark.parametrize("value", ["[]", "[1]", "0", "false", "text"])
def test_settings_that_are_no_keys_are_refused(value):
    (problem,) = config.config_problems(CONFIG | parse_config([f"stress={value}"]))
    assert "allowed is keys with values" in problem


def refused(folder, stated, *asked):
    """What a dry run says that refuses a configuration file, or what is asked for."""
    (folder / "mine.yaml").write_text(stated, encoding="utf-8")
    read = ("-s", ROOT / "Snakefile", "--configfile", folder / "mine.yaml")
    run = snakemake(folder, "--cores", "1", "-n", *asked, *read)
    one_message(run)
    return run.stdout
