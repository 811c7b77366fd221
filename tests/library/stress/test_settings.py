"""Settings of a stress test."""

from contextlib import closing

import pytest
import yaml
from inference_energy.errors import InputError
from inference_energy.lock import JOBS
from inference_energy.stress import settings
from library.stress.made_up import DEFAULTS, NODE
from snakemake.cli import parse_config


def test_what_is_stated_takes_the_place_of_the_file():
    assert settings.merge(None) == DEFAULTS
    # the command line leaves what stands inside a mapping as text
    merged = settings.merge({"window": "30", "power": ["nvml", "gpu:smi.log"]})
    assert merged == DEFAULTS | {"window": 30, "power": ["nvml", "gpu:smi.log"]}


STATED = {
    "endpoint": "http://h:8000/v1",
    "model": "vendor/name:8b",
    "name": "night",
    "tokenizer": "vendor/name",
    "output_tokens": "[300, 4500]",
    "concurrency": "[1, 8]",
    "power": "[nvml, {node: wall.csv}, prometheus:http://h:9090]",
    "gpus": "[0, 1]",
    "meter_offset": "-3.5",
    "meter_zone": "Europe/Berlin",
    "facts": "{gpu: H100-SXM-80GB, n_gpus: 8, precision: FP8}",
    "extra_inputs": '{ignore_eos: true, min_tokens: "{output_tokens}", temperature: 0.7}',
    "legacy_max_tokens": "true",
    "prediction": "{law: a.csv, revised: b.csv}",
    "factors": "{pue: {value: 1.2, source: our bill}}",
    "aiperf": "/opt/aiperf",
}
"""Settings in the place of those that are null or empty, as a command line states them."""


def test_every_setting_can_be_stated_on_the_command_line():
    for key, default in DEFAULTS.items():
        value = STATED.get(key, str(default))
        words = {"endpoint": "http://h/v1", "model": "m"} | {key: value}
        stated = ", ".join(f"{name}: {word}" for name, word in words.items())
        config = parse_config([f"stress={{{stated}}}"])
        merged = settings.merge(config["stress"])
        assert settings.setting_problems(merged) == [], key
        expected = yaml.safe_load(value) if key != "endpoint" else value
        assert merged[key] == expected, key


def test_a_zone_that_is_none_is_told():
    (problem,) = settings.setting_problems(NODE | {"meter_zone": "Mars/Olympus"})
    assert "key meter_zone: value 'Mars/Olympus': is no zone" in problem


def test_a_run_needs_an_endpoint_and_a_model():
    assert settings.setting_problems(NODE) == []
    problems = settings.setting_problems(DEFAULTS)
    assert len(problems) == 2
    assert all("give at least --config stress='{endpoint: " in problem for problem in problems)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "http://h/v1?api_key=hunter2"),
        ("endpoint", "http://user:hunter2@h/v1"),
        ("endpoint", "http://[::1/hunter2"),
        ("extra_inputs", {"api_key": "hunter2"}),
        ("extra_inputs", {"Authorization": "hunter2"}),
        ("extra_inputs", {"headers": {"Authorization": "hunter2"}}),
        ("extra_inputs", {"a": [{"hf_token": "hunter2"}]}),
        *(("extra_inputs", {name: "hunter2"}) for name in ("token", "access_token", "auth")),
    ],
)
def test_a_secret_in_a_setting_is_refused_and_not_repeated(key, value):
    (problem,) = settings.setting_problems(NODE | {key: value})
    assert f"key {key}" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("request_timeout", 1e300),
        ("request_timeout", float("inf")),
        ("window", 1e9),
        ("meter_offset", float("nan")),
        ("meter_offset", 1e12),
        ("steps", 10**9),
        ("repetitions", 10**9),
        ("factor", 1e300),
        ("input_tokens", 10**30),
        ("output_tokens", [10**30]),
        ("concurrency", [10**30]),
        ("seed", 10**30),
        ("rounds", 1e300),
        ("factors", {"pue": {"value": 120, "source": "bill"}}),
        ("factors", {"pue": {"value": 0.5, "source": "bill"}}),
        ("factors", {"electricity_price": {"value": 1e300, "source": "bill"}}),
        # kilograms typed for grams
        ("factors", {"grid_intensity": {"value": 0.367, "source": "bill"}}),
    ],
)
def test_settings_beyond_any_test_are_refused(key, value):
    (problem,) = settings.setting_problems(NODE | {key: value})
    assert f"key {key}" in problem
    assert len(problem) < 1000


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("power", {"gpus": "smi.log"}, ["unknown key gpus", "did you mean gpu?"]),
        ("power", ["nvml", {"nodes": "wall.csv"}], ["power.1", "did you mean node?"]),
        ("power", {"gpu": 3}, ["key power.gpu: value 3", "text"]),
        ("power", [7], ["key power.0: value 7"]),
        ("prediction", {"law": 3}, ["key prediction.law: value 3", "text"]),
    ],
)
def test_what_no_source_of_power_or_prediction_is_called_is_refused(key, value, words):
    (problem,) = settings.setting_problems(NODE | {key: value})
    assert [word for word in words if word not in problem] == [], problem


@pytest.mark.parametrize(
    ("gpus", "fits"),
    [(8, True), ([0, 1, 2, 3], True), (None, True), (2, False), (16, False), ([0, 1, 2], False)],
)
def test_gpus_are_as_many_as_the_facts_state(gpus, fits):
    """Four named of each node may be of two nodes; two of eight are a quarter of the energy."""
    problems = settings.setting_problems(NODE | {"gpus": gpus, "facts": {"n_gpus": 8}})
    told = [problem for problem in problems if "key gpus" in problem]
    assert problems == told and bool(told) != fits
    assert all("the facts state n_gpus 8" in problem for problem in told)


@pytest.mark.parametrize("key", ["model", "gpu", "engine"])
@pytest.mark.parametrize(
    ("name", "right", "shown"),
    [
        ("H100-SXM-80GB\u200b", "H100-SXM-80GB", "'H100-SXM-80GB\\u200b'"),
        ("Ll\u0430ma 3.1 70B", "Llama 3.1 70B", "'Ll\\u0430ma 3.1 70B'"),
        (" vLLM", "vLLM", "' vLLM'"),
    ],
)
def test_names_of_facts_are_in_the_spelling_of_tables(key, name, right, shown):
    """No table would know them: the bounds of that GPU and model would not be held."""
    (problem,) = settings.setting_problems(NODE | {"facts": {key: name}})
    (as_served,) = settings.setting_problems(NODE | {"model": name})
    assert as_served == problem.replace(f"key facts.{key}:", "key model:")
    assert problem == (
        f"config/stress.yaml: key facts.{key}: value {shown}: has letters that are invisible or"
        f' only look like others; allowed is the spelling of tables; write it as "{right}"'
    )
    assert settings.setting_problems(NODE | {"facts": {key: right}}) == []


def test_a_settings_file_without_keys_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / settings.FILE).write_text("[1]")
    with pytest.raises(InputError, match="holds no keys"):
        settings.merge(None)


@pytest.mark.parametrize(
    "stated",
    [
        {"extra_inputs": {"user": "sk-hunter2hunter2hunter2"}},
        {"extra_inputs": {"a": [{"b": "Bearer hunter2"}]}},
        {"name": "sk-hunter2hunter2hunter2"},
        {"meter_zone": "sk-hunter2hunter2hunter2"},
    ],
)
def test_what_looks_like_a_secret_is_refused_and_not_repeated(stated):
    (problem,) = settings.setting_problems(NODE | stated)
    assert "looks like a secret" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("name", ["max_tokens", "eos_token", "stop_token_ids", "author"])
def test_fields_of_tokens_are_no_secrets(name):
    assert settings.setting_problems(NODE | {"extra_inputs": {name: "1"}}) == []


@pytest.mark.parametrize(
    ("stated", "folder"),
    [
        ({"name": "a.b_c-1", "model": "m"}, "a.b_c-1"),
        ({"name": None, "model": "org/M 3.1:8b"}, "org-M-3.1-8b"),
        ({"model": "m" * 300}, "m" * 100),
        ({"model": ".."}, "-"),
        ({"model": "../x"}, "-x"),
        ({"model": "模型"}, "--"),
        ({}, "None"),
    ],
)
def test_every_model_has_a_folder_that_a_file_system_takes(stated, folder):
    assert settings.folder_name(stated) == folder


def test_a_name_too_long_for_a_folder_is_refused():
    assert settings.setting_problems(NODE | {"name": "x" * 100}) == []
    (problem,) = settings.setting_problems(NODE | {"name": "x" * 101})
    assert "key name: value" in problem and "{0,99}" in problem


def test_problems_are_told_in_full(monkeypatch):
    least = "--config stress='{endpoint: http://HOST:PORT/v1, model: NAME}'"
    assert settings.setting_problems(DEFAULTS) == [
        f"config/stress.yaml: key {key}: is not stated; give at least {least}"
        for key in ("endpoint", "model")
    ]
    assert settings.setting_problems(NODE | {"meter_zone": "Mars/Olympus"}) == [
        "config/stress.yaml: key meter_zone: value 'Mars/Olympus': is no zone; allowed are names of"
        " the IANA time zone database, such as Europe/Berlin or UTC; correct it"
    ]
    assert settings.setting_problems(NODE | {"gpus": [0, 1, 2], "facts": {"n_gpus": 8}}) == [
        "config/stress.yaml: key gpus: value [0, 1, 2]: the facts state n_gpus 8; allowed is the"
        " same number, or the numbers of the GPUs of every node; correct one of them"
    ]
    nested = {"extra_inputs": {"a": [{"b": 1, "hf_token": "x"}], "api_key": "y"}}
    assert settings.setting_problems(NODE | nested) == [
        f"config/stress.yaml: key extra_inputs.{key}: looks like a secret, which results would"
        " repeat; allowed are other fields; remove it, and set OPENAI_API_KEY where a key is needed"
        for key in ("a.0.hf_token", "api_key")
    ]


def test_a_key_of_the_endpoint_is_what_a_header_carries():
    assert settings.key_problems(None) == settings.key_problems("") == []
    assert settings.key_problems("!sk-a~") == []
    for key in ("hunter2 ", "hunter2\n", "hünter2", " "):
        assert settings.key_problems(key) == [
            "OPENAI_API_KEY: holds blanks, line ends or letters beyond ASCII, which no header"
            " carries; allowed is printable ASCII; set it again, such as by export"
            " OPENAI_API_KEY=$(cat FILE)"
        ]


def test_a_wrong_endpoint_is_taken_out_and_told():
    stated = {"endpoint": "ftp://h", "model": "m"}
    kept, problem = settings.without_wrong_endpoint(stated)
    assert kept == {"endpoint": None, "model": "m"} and "http" in problem
    right = {"endpoint": "http://h/v1", "model": "m"}
    assert settings.without_wrong_endpoint(right) == (right, None)
    # what is no text the schema tells
    assert settings.without_wrong_endpoint({"endpoint": 3}) == ({"endpoint": 3}, None)


def test_a_test_that_runs_already_is_told_with_how_to_run_another(tmp_path, monkeypatch):
    monkeypatch.setenv(JOBS, "")
    with closing(settings.lock(tmp_path, settings.RUNS)), pytest.raises(InputError) as refused:
        settings.lock(tmp_path, settings.RUNS)
    message = str(refused.value)
    assert message.startswith(f"{tmp_path}: Another run works in this folder")
    assert message.endswith("; or give this test another name (--config stress='{name: NAME}')")


def test_settings_of_the_runs_folder_go_before_those_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / settings.FILE).write_text("window: 7\n")
    assert settings.merge({"seed": "3"}) == DEFAULTS | {"window": 7, "seed": 3}
    (tmp_path / settings.FILE).write_text("[1]")
    with pytest.raises(InputError) as refused:
        settings.merge(None)
    assert str(refused.value).endswith(
        "config/stress.yaml: holds no keys; allowed are keys with values; restore it"
    )
