"""Everything that config/ says is checked as a whole, each file in any state."""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from inference_energy import config, project
from inference_energy.errors import InputError
from inference_energy.tables import read_table

ROOT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
NEEDED = [f"{name}.yaml" for name in config.NEEDED]
OTHERS = [f"{name}.yaml" for name in config.OTHERS]
ASKED = ["methods/oviedo2026.yaml", "methods/revised.yaml"]
EXAMPLE = "deployments/8xh100-llama-405b.yaml"
TABLE = "expected_verdicts.csv"

BOMB = "\n".join(
    ["a0: &a0 [" + ",".join("x" * 9) + "]"]
    + [f"a{step}: &a{step} [{','.join([f'*a{step - 1}'] * 9)}]" for step in range(1, 12)]
)

STATES = {
    "empty": lambda path: path.write_text(""),
    "a list": lambda path: path.write_text("- a\n"),
    "a mapping": lambda path: path.write_text("a: b\n"),
    "not UTF-8": lambda path: path.write_bytes(b"a: \xe9\n"),
    "a date": lambda path: path.write_text("2025-01-01\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "an integer key": lambda path: path.write_text("1: b\n"),
    "a key twice": lambda path: path.write_text("a: 1\na: 2\n"),
    "an alias bomb": lambda path: path.write_text(BOMB),
    "nested deeply": lambda path: path.write_text("[" * 100_000),
    "a huge number": lambda path: path.write_text("a: 1.0e+400\n"),
    "many digits": lambda path: path.write_text("a: " + "9" * 400 + "\n"),
    "not readable": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "not YAML": lambda path: path.write_text("a: [\n"),
}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Copy of the project's configuration, in the place of the project."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config"


@pytest.fixture
def brief(copy):
    """The same with one finding: what findings say is told in other tests."""
    start, first, *_ = (copy / "findings.yaml").read_text().split("\n- id: ")
    (copy / "findings.yaml").write_text(f"{start}\n- id: {first}\n")
    return copy


def refusal(settings=CONFIG):
    """Problems that the default run is refused for."""
    try:
        problems = config.load(settings).problems(*config.OF_ALL)
    except InputError as error:
        return error.problems
    assert problems
    return problems


def all_problems(settings=CONFIG):
    """Problems of all that a configuration says, whatever needs it."""
    loaded = config.load(settings)
    return loaded.problems(*loaded.wrong)


def edit(path, old, new):
    """Replace the first of some text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_projects_configuration_is_right(copy):
    loaded = config.load(CONFIG)
    assert set(CONFIG["methods"]) <= set(loaded.methods)
    assert set(loaded.documents) == set(config.NEEDED + config.OTHERS)
    assert loaded.asked == list(loaded.deployments)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", [*NEEDED, *ASKED, EXAMPLE, TABLE])
def test_a_file_in_any_state_is_named(brief, name, state):
    if name == "findings.yaml" and state == "a list":
        pytest.skip("the file is a list, whose items are told in another test")
    STATES[state](brief / name)
    problems = refusal()
    assert problems
    assert all(f"config/{name}" in problem for problem in problems), problems


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_the_run_does_not_need_stops_nothing_in_any_state(brief, name, state):
    STATES[state](brief / name)
    loaded = config.load(CONFIG)
    assert loaded.problems(*config.OF_ALL) == []
    problems = loaded.problems(name.removesuffix(".yaml"))
    assert problems
    assert all(f"config/{name}" in problem for problem in problems), problems
    assert loaded.documents[name.removesuffix(".yaml")] == {}


POWER = {"title": "Node", "unit": "kW", "low": 8.4, "high": 11, "allowed": [1, 20], "source": "x"}


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("sensitivity", "inputs.pue_median.allowed", [0.5, 120], ["0.5", "of at least 1"]),
        (
            "sensitivity",
            "inputs",
            {"node_power": POWER | {"high": 11_300}},
            ["11300", "stated in W"],
        ),
        ("sensitivity", "inputs", {"node_power": POWER | {"unit": "W"}}, ["'W'", "allowed is kW"]),
        ("sensitivity", "inputs.power_utilisation_median.high", 76, ["0.6 for 60 %"]),
        ("sensitivity", "inputs.output_tokens_long.allowed", [10, 1e12], ["largest context"]),
        ("sensitivity", "samples", 256.0, ["256.0", "without point"]),
        ("evidence", "maximum_node_power.B200.value", 14300, ["14300", "in kW"]),
        ("evidence", "pue.p5", 0.5, ["0.5", "never below 1"]),
        ("evidence", "overestimate_band.lower", 40, ["lower = 40, upper = 20", "swap"]),
        ("evidence", "gpus_per_node", 10**9, ["at most 1000"]),
        ("evidence", "near_best", 1e300, ["at most 10"]),
        ("scaling", "agents.idle_power.value", 2500, ["2500", "stated in W"]),
        ("scaling", "agents.streams.value", 1e300, ["1e+300", "cache of a node"]),
        ("scaling", "agents.tasks.0.steps", 10**9, ["at most 2000"]),
        ("scaling", "agents.observed.cached_tokens", 55e9, ["at most input_tokens, 549"]),
        ("scaling", "output_tokens.values", [10, 1e9], ["largest context"]),
        ("scaling", "longer.factor", 0.015, ["0.015", "at least 1"]),
        ("scaling", "agents.samples.values", [0.001, 8], ["0.001", "at least 1"]),
        ("scaling", "counter_signal.utilisation.values", [1, 10], ["10", "0.6 for 60 %"]),
        ("scaling", "counter_signal.chain_tokens.values", [1e4, 1e8], ["largest context"]),
        ("scaling", "counter_signal.wall_minutes.value", 80_000, ["80000", "a week"]),
        ("scaling", "counter_signal.wall_minutes.unit", "h", ["'h'", "allowed is min"]),
        ("scaling", "counter_signal.large_model.value", 200e9, ["200000000000", "in billions"]),
        ("scaling", "crossing.years.values", [1, 2026], ["2026", "of at most 100"]),
        ("scaling", "crossing.demand_growth.values", [0.5, 50], ["50", "0.5 for 50 %"]),
        ("scaling", "crossing.efficiency.values", [0.0014, 2], ["0.0014", "at least 0.1"]),
        ("scaling", "crossing.rebound.values", [0, 50], ["50", "0.5 for 50 %"]),
        ("evidence", "maximum_node_power.B200.value", 0.0143, ["0.0143", "in kW"]),
        ("scenarios", "maps.1.y.values", [1.2, 120], ["120", "of at most 3"]),
        ("scenarios", "maps.1.x.values", [0.6, 60], ["60", "0.6 for 60 %"]),
        ("scenarios", "maps.0.x.values", [1e-300, 1], ["1e-300", "at least 1"]),
    ],
)
def test_numbers_that_cannot_be_are_refused_in_every_file(copy, name, path, value, words):
    content = yaml.safe_load((copy / f"{name}.yaml").read_text())
    *folders, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    place = content
    for step in folders:
        place = place[step]
    assert last in place
    place[last] = value
    (copy / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    problems = [p for p in all_problems() if p.startswith(f"config/{name}.yaml: key ")]
    told = "\n".join(p for p in problems if path.rpartition(".")[0] in p)
    assert [word for word in words if word not in told] == [], problems


def test_a_finding_of_the_same_name_is_refused(copy):
    content = yaml.safe_load((copy / "findings.yaml").read_text())
    (copy / "findings.yaml").write_text(yaml.safe_dump([*content, content[0]], sort_keys=False))
    (problem,) = all_problems()
    assert f"key id: value {content[0]['id']}: stands there twice" in problem


def test_what_is_wrong_with_a_method_is_not_told_again_of_those_that_extend_it(copy):
    edit(copy / "methods/oviedo2026.yaml", "pue:", "peu:")
    problems = refusal()
    assert [problem for problem in problems if "oviedo2026.yaml" not in problem] == []
    assert len(problems) == 2


@pytest.mark.parametrize("name", [*NEEDED, TABLE])
def test_a_file_that_the_default_run_needs_is_missed(copy, name):
    (copy / name).unlink()
    (problem,) = refusal()
    assert problem.startswith(f"config/{name}: no such file")


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_the_default_run_does_not_need_may_be_absent(copy, name):
    (copy / name).unlink()
    assert config.load(CONFIG).documents[name.removesuffix(".yaml")] == {}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", ["methods/draft.yaml", "deployments/draft.yaml"])
def test_a_method_or_deployment_that_nobody_asks_for_stops_nothing(brief, name, state):
    (brief / name).touch()
    STATES[state](brief / name)
    assert "draft" not in config.load(CONFIG).methods


BROKEN = ["findings.yaml", "evidence.yaml", "footprint.yaml", "methods/revised.yaml", EXAMPLE]
WHAT_IF = {"method": "oviedo2026"}
LOG = {"log": "generate:oviedo2026:1000", "method": "oviedo2026"}


@pytest.mark.parametrize("name", [*BROKEN, TABLE])
@pytest.mark.parametrize("state", ["not YAML", "a mapping", "a list"])
def test_a_file_that_a_what_if_does_not_need_does_not_stop_it(copy, name, state):
    STATES[state](copy / name)
    loaded = config.load(CONFIG | WHAT_IF)
    assert loaded.problems("whatif") == []
    told = loaded.problems(*config.OF_ALL)
    assert any(f"config/{name}" in problem for problem in told), told
    assert loaded.unasked == []
    assert set(loaded.asked) <= set(loaded.deployments)
    assert {"oviedo2025", "oviedo2026"} <= set(loaded.methods)


@pytest.mark.parametrize("name", [*BROKEN, "scaling.yaml", TABLE])
@pytest.mark.parametrize("needs", ["log", "deployments", "stress", "scenarios", "base"])
def test_a_file_that_no_part_of_a_target_needs_does_not_stop_it(copy, tmp_path, name, needs):
    shutil.copytree(copy / "deployments", tmp_path / "own")
    STATES["not YAML"](copy / name)
    # of the name of an example
    mine = str(tmp_path / "own" / Path(EXAMPLE).name)
    asked = CONFIG | {"log": LOG, "deployments": {"deployments": mine}}.get(needs, {})
    loaded = config.load(asked)
    assert loaded.problems(needs) == []
    told = [*loaded.problems(*config.OF_ALL), *loaded.unasked]
    assert any(f"config/{name}" in problem for problem in told), told
    assert len(told) == len(set(told))
    if needs == "deployments":
        assert loaded.asked == [Path(mine).stem]
        assert loaded.deployments[Path(mine).stem]["path"] == mine
    assert bool(loaded.requests) == (needs == "log")


def test_a_deployment_that_is_right_is_answered_beside_one_that_is_not(copy):
    STATES["not YAML"](copy / EXAMPLE)
    loaded = config.load(CONFIG)
    assert list(loaded.deployments) == ["8xb200-deepseek-r1"]
    (problem,) = loaded.problems("deployments")
    assert f"config/{EXAMPLE}" in problem
    stated = {"deployments": "./config/deployments/8xb200-deepseek-r1.yaml"}
    assert config.load(CONFIG | stated).problems("deployments") == []


def test_a_method_that_is_right_is_there_beside_one_that_is_not(copy):
    STATES["not YAML"](copy / "methods/revised.yaml")
    edit(copy / "methods/full-load.yaml", "benchmarks:", "benchmraks:")
    loaded = config.load(CONFIG | {"methods": ["oviedo2026", "revised", "full-load", "nobody"]})
    assert {"revised", "full-load", "nobody"} <= set(loaded.named) - set(loaded.methods)
    assert "oviedo2026" in loaded.methods
    told = "\n".join(loaded.problems("methods"))
    for words in ("config/methods/revised.yaml", "did you mean benchmarks?", "value nobody"):
        assert told.count(words) == 1


@pytest.mark.parametrize(
    ("name", "needs", "change"),
    [
        ("requests.yaml", "log", LOG),
        ("methods/revised.yaml", "log", LOG | {"method": "revised"}),
        (EXAMPLE, "deployments", {}),
        ("methods/oviedo2026.yaml", "deployments", {}),
    ],
)
def test_a_file_that_a_target_needs_ends_it(copy, name, needs, change):
    STATES["not YAML"](copy / name)
    problems = config.load(CONFIG | change).problems(needs)
    assert any(f"config/{name}" in problem for problem in problems)


def test_a_draft_is_left_to_the_what_if_that_may_be_of_it(copy):
    (copy / "methods/mine.yaml").write_text("extends: oviedo2026\npue: {p5: 1.1}\n")
    assert any("mine.yaml" in problem for problem in config.load(CONFIG).unasked)
    assert config.load(CONFIG | {"method": "config/methods/mine.yaml"}).unasked == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("scaling.yaml", {"method": "oviedo2026"}),
        ("methods/revised.yaml", {"method": "revised"}),
        ("methods/revised.yaml", {"method": "oviedo2026", "base": "revised"}),
        ("methods/revised.yaml", {}),
        ("methods/oviedo2026.yaml", {"method": "oviedo2025"}),
    ],
)
@pytest.mark.parametrize("state", ["not YAML", "a mapping"])
def test_a_file_that_a_what_if_needs_ends_it(copy, name, change, state):
    STATES[state](copy / name)
    problems = config.load(CONFIG | change).problems("whatif")
    assert any(f"config/{name}" in problem for problem in problems)


def test_the_base_of_a_what_if_is_left_to_it_and_may_stand_alone(copy, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text("extends: oviedo2026\n")
    for base in (str(draft), "nobody"):
        for named in ({"method": "oviedo2025"}, {}):
            loaded = config.load(CONFIG | {"base": base} | named)
            assert loaded.problems("whatif", "methods") == []
            assert f"value {base}" in "\n".join(loaded.problems("base"))
    assert "full-load" in config.load(CONFIG | {"base": "full-load"}).methods


def test_what_a_draft_extends_ends_its_what_if_and_is_told_once(copy, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text("extends: revised\n")
    edit(copy / "methods/revised.yaml", "serving:", "servings:")
    asked = CONFIG | {"method": str(draft)}
    problems = config.load(asked).problems("whatif")
    assert len([problem for problem in problems if "unknown key servings" in problem]) == 1
    draft.write_text("extends: [revised]\n")
    assert config.load(asked).problems("whatif") == []


def test_what_snakemake_lets_pass_of_the_configuration_is_refused(tmp_path):
    files = {"list.yaml": "- a\n", "text.yaml": "a\n", "right.yaml": "methods: [mine]\n"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    paths = [tmp_path / name for name in files]
    words = ["audit", "--config", "stress={window: 3, facts: {gpu: a, gpu: b}, window: 4}"]
    with pytest.raises(InputError) as error:
        config.read_stated(paths, words)
    assert error.value.problems == [
        f"{paths[0]}: key (top): value ['a']: allowed is keys with values; correct the value",
        f"{paths[1]}: key (top): value 'a': allowed is keys with values; correct the value",
        *(
            f"--config stress: key {key}: stands there twice; allowed is once; remove one of them"
            for key in ("window", "gpu")
        ),
    ]
    words = ["log=runs/a\nb.csv", "method=a\u2028b.yaml", "title=a\nb", "stress={a: 1,\n b: 2}"]
    with pytest.raises(InputError) as error:
        config.read_stated(paths[2:], [*words, "deployments=[a,\n b]", "method={a}\n"])
    assert error.value.problems == [
        f"--config {word}: holds a line end, a control character or bytes that are not UTF-8;"
        " allowed is a path without them; rename the file or folder"
        for word in (r"log: value 'runs/a\nb.csv'", r"method: value 'a\u2028b.yaml'")
    ]
    words = ["load=1_000", "copies=1_0.5", "load=\uff11\uff10", "load= 10", "load=010", "load=1e3"]
    with pytest.raises(InputError) as error:
        config.read_stated(paths[2:], [*words, "load=-.5", "load=best", "load=nan", "other=1_0"])
    assert error.value.problems == [
        f"--config {word}: is no number as YAML writes it; allowed are the digits 0 to 9 without"
        f" anything between them; write {number}"
        for word, number in (
            ("load: value 1_000", 1000),
            ("copies: value 1_0.5", 10.5),
            ("load: value \uff11\uff10", 10),
            ("load: value  10", 10),
        )
    ]
    # of what is no YAML, or no key of this workflow, Snakemake says what it takes it for
    words = ["stress={window: 3}", "stress={a: 1, a: 2", "other={a: 1, a: 2}", "stress"]
    assert config.read_stated(paths[2:], words) == [{"methods": ["mine"]}]


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        ("multiverse.yaml", "base:", "bass:", "did you mean base?"),
        ("multiverse.yaml", "left_out:", "leftout:", "did you mean left_out?"),
        ("multiverse.yaml", "override:", "overide:", "did you mean override?"),
        ("sensitivity.yaml", "samples:", "smples:", "did you mean samples?"),
        ("sensitivity.yaml", "pue_median:", "pue_medium:", "did you mean pue_median?"),
        ("stress.yaml", "window:", "windw:", "did you mean window?"),
        ("stress.yaml", "seed:", "nonsense: 1\nseed:", "unknown key nonsense"),
        ("scaling.yaml", "years:", "yaers:", "did you mean years?"),
        ("footprint.yaml", "half_step", "halfstep", "did you mean half_step?"),
        ("evidence.yaml", "near_best:", "nearbest:", "did you mean near_best?"),
        ("findings.yaml", "claimed:", "claims_it:", "unknown key claims_it"),
        ("methods/revised.yaml", "gpus_per_node", "gpu_per_node", "did you mean gpus_per_node?"),
        (EXAMPLE, "traffic:", "trafic:", "did you mean traffic?"),
        (EXAMPLE, "facts: {model:", "facts: {modell:", "did you mean model?"),
        (EXAMPLE, "extends:", "extend:", "key extend is unknown; did you mean extends?"),
        (EXAMPLE, "deployment:", "deploymet:", "did you mean deployment?"),
        (EXAMPLE, "pue:", "peu:", "did you mean pue?"),
        ("methods/oviedo2025.yaml", "extends:", "extens:", "did you mean extends?"),
        ("methods/oviedo2025.yaml", "node_power:", "node_powr:", "did you mean node_power?"),
        ("findings.yaml", "    pue: ", "    peu: ", "did you mean pue?"),
        ("findings.yaml", "trim: []", "trm: []", "did you mean trim?"),
        ("multiverse.yaml", "  pue: {", "  peu: {", "did you mean pue?"),
        # of a choice that the base leaves out
        ("multiverse.yaml", "serving: {load:", "servin: {load:", "did you mean serving?"),
        ("multiverse.yaml", "serving: {load: {dist", "serving: {lod: {dist", "did you mean load?"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest_one(copy, name, old, new, word):
    edit(copy / name, old, new)
    problems = all_problems()
    assert any(f"config/{name}" in problem and word in problem for problem in problems), problems


@pytest.mark.parametrize("old", ["energy: {value: 0.24", "blog: {lower: 0, upper: 0.067"])
def test_no_prompt_takes_an_endless_number(copy, old):
    edit(copy / "footprint.yaml", old, f"{old[: old.rindex(' ')]} 1e300")
    (problem,) = all_problems()
    assert problem.startswith("config/footprint.yaml: ")
    assert "value 1e+300" in problem and "at most 1000" in problem


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("multiverse.yaml", "base: oviedo2026", "base: oviedo206", ["key base", "oviedo2026?"]),
        ("sensitivity.yaml", "base: oviedo2026", "base: oviedo206", ["key base", "oviedo2026?"]),
        ("findings.yaml", "method: oviedo2026", "method: v3", ["key method", "value v3"]),
        ("findings.yaml", "p95: 1.4,", "p59: 1.4,", ["pue-text-and-code: override", "p59"]),
        (
            "multiverse.yaml",
            "choices: [input_charge]",
            "choices: [input_chrge]",
            ["left_out, rule 4", "did you mean input_charge?"],
        ),
        ("multiverse.yaml", "{value: 11.3,", "{valu: 11.3,", ["options.v1.override", "valu"]),
        ("sensitivity.yaml", "low: 1.09", "low: 1.9", ["inputs.pue_median", "low < high"]),
        (TABLE, "reproduced\n", "reproducd\n", ["line 2", "verdict"]),
        (EXAMPLE, "oviedo2026", "oviedo206", ["extends", "did you mean oviedo2026?"]),
        (EXAMPLE, "-8xh100.json", "-9xh100.json", ["deployment.benchmarks", "no such file"]),
    ],
)
def test_what_a_file_says_of_others_is_checked(copy, name, old, new, words):
    edit(copy / name, old, new)
    problems = all_problems()
    assert any(
        f"config/{name}" in problem and all(word in problem for word in words)
        for problem in problems
    ), problems


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (
            "findings.yaml",
            "        DeepSeek-R1: {value: 12.5",
            "        DeepSeek-R2: {value: 12.5",
            ["deepseek-node-power: override: key node_power.models", "did you mean DeepSeek-R1?"],
        ),
        (
            "multiverse.yaml",
            "sources: [llama-nemotron-fig4]",
            "sources: [llama-nemotron-fig5]",
            ["options.one-figure.override: key benchmarks.sources", "mean llama-nemotron-fig4?"],
        ),
        (
            "multiverse.yaml",
            "trtllm-0.17, trtllm-0.19",
            "trtllm-0.17, trtllm-0.91",
            ["stress_cases.tensorrt-llm.override", "did you mean trtllm-0.19?"],
        ),
        (
            "findings.yaml",
            "[model=DeepSeek-R1; term=n_rows]",
            "[model=DeepSeek-R2; term=n_rows]",
            ["key values.rows", "did you mean DeepSeek-R1?"],
        ),
        ("methods/revised.yaml", "SGLang: 1,", "SGlang: 1,", ["engines.kinds", "mean SGLang?"]),
    ],
)
def test_a_name_that_no_table_has_is_refused_before_any_rule(copy, name, old, new, words):
    (copy.parent / "data").symlink_to(ROOT / "data")
    edit(copy / name, old, new)
    (problem,) = all_problems()
    assert problem.startswith(f"config/{name}: ")
    assert [word for word in words if word not in problem] == [], problem


def test_a_log_may_be_served_by_one_gpu_of_a_node():
    assert config.config_problems(CONFIG | {"copies": 1 / 8}) == []


def test_every_place_of_a_wrong_method_is_told(copy):
    """The last of thirty findings alone was told."""
    path = copy / "findings.yaml"
    findings = yaml.safe_load(path.read_text())
    path.write_text(path.read_text().replace("method: oviedo2026\n", "method: oviedo206\n"))
    of = [each["id"] for each in findings if each["method"] == "oviedo2026"]
    assert len(of) > 10
    (problem,) = refusal()
    assert problem.startswith(
        f"config/findings.yaml: {', '.join(of)}: key method: value oviedo206: unknown method; "
    )
    assert problem.endswith("did you mean oviedo2026?")
    (both,) = refusal(CONFIG | {"methods": [*CONFIG["methods"], "oviedo206"]})
    assert both.startswith(f"config/findings.yaml: {', '.join(of)}: key method and key methods: ")


def test_the_problems_of_all_files_are_told_at_once(copy):
    edit(copy / "evidence.yaml", "near_best:", "nearbest:")
    edit(copy / "footprint.yaml", "half_step", "halfstep")
    edit(copy / "methods/revised.yaml", "gpus_per_node", "gpu_per_node")
    (copy / "scaling.yaml").write_bytes(b"\xff\xfe")
    edit(copy / TABLE, "reproduced\n", "reproducd\n")
    edit(copy / EXAMPLE, "traffic:", "trafic:")
    told = "\n".join(refusal(CONFIG | {"enignes": ["exact"]}))
    for word in ("nearbest", "halfstep", "gpu_per_node", "scaling.yaml", "reproducd"):
        assert word in told
    assert "trafic" in told and "enignes" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"enigne": 1}, ["unknown key enigne"]),
        ({"engine": 1}, ["unknown key engine", "allowed are methods, engines"]),
        ({"methods": []}, ["key methods: is empty"]),
        ({"methods": "revised"}, ["key methods", "a list"]),
        (
            {"methods": ["oviedo2062"]},
            ["key methods: value oviedo2062", "did you mean oviedo2026?"],
        ),
        ({"engines": ["guess", "published"]}, ["engines.0: value 'guess'", "published or exact"]),
        ({"engines": ["exact"]}, ["key engines", "a list that holds published; add it"]),
        ({"engines": ["published"] * 2}, ["key engines", "allowed is each once"]),
        ({"deployments": ""}, ["key deployments: is empty"]),
        ({"base": "revised"}, ["key base: value revised", "allowed is with head"]),
        ({"base": "nobody", "head": "revised"}, ["key base: value nobody"]),
        ({"base": "revised", "head": "revised"}, ["key head: value revised: is base too"]),
        ({"deployments": "none.yaml"}, ["none.yaml: no such file"]),
        ({"stress": {"endpoint": "ftp://h"}}, ["key stress.endpoint: has no http or https"]),
        ({"stress": {"windw": 3}}, ["key stress: unknown key windw", "did you mean window?"]),
        ({"stress": {"window": "long"}}, ["key stress.window", "above 0"]),
        ({"stress": "{broken: ["}, ["key stress", "keys with values"]),
        ({"deployments": "my{runs}/a.yaml"}, ["key deployments: value my{runs}/a.yaml: braces"]),
        ({"benchmarks": "{a}.csv"}, ["key benchmarks: value {a}.csv: braces"]),
        ({"benchmarks": "none.csv"}, ["key benchmarks: value none.csv: no such file", "correct"]),
        ({"benchmarks": "config/methods"}, ["key benchmarks: value config/methods: is a folder"]),
        ({"benchmarks": "x" * 300}, [f"key benchmarks: value {'x' * 300}: no such file"]),
        ({"benchmarks": "a/" * 3000}, ["a/a/: no such file"]),
        ({"benchmarks": f"{config.BENCHMARKS}/"}, [f"value {config.BENCHMARKS}/: no such file"]),
        ({"window": 3}, ["key window", "--config stress='{window: ...}'"]),
        ({"copies": -1}, ["key copies: value -1: allowed is a number of at least 0.125 and"]),
        ({"copies": 1e-9}, ["key copies: value 1e-09: ", "node of eight GPUs", "it as load"]),
        ({"copies": 1e-300}, ["key copies: value 1e-300: ", "of at least 0.125"]),
        ({"copies": 0.1249}, ["key copies: value 0.1249: ", "of at least 0.125"]),
        ({"copies": 1e9}, ["key copies: value 1000000000.0", "of at most 1000000"]),
        ({1: 2}, ["key 1", "is no text"]),
    ],
)
def test_a_wrong_configuration_is_refused(copy, change, words):
    told = "\n".join(refusal(CONFIG | change))
    assert "config/config.yaml or --config" in told or "key " in told
    assert [word for word in words if word not in told] == [], told


def test_a_table_that_cannot_be_read_is_told_before_any_rule_is_known(copy, tmp_path):
    """A rule's parameter is what the table holds, and would end in a traceback."""
    table = tmp_path / "mine.csv"
    with open(table, "wb") as file:
        file.truncate(2**27 + 1)
    problems = config.config_problems(CONFIG | {"benchmarks": str(table), "copies": -1})
    assert [p for p in problems if p.startswith(f"{table}: is 1.34218e+08 bytes; allowed are")]
    assert any("key copies: value -1" in problem for problem in problems)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:hunter2@h/v1",
        "http://h/v1?api_key=hunter2",
        "http://h/sk-hunter2hunter2hunter2",
    ],
)
def test_a_secret_in_the_endpoint_is_refused_and_not_repeated(copy, address):
    """Snakemake would write it to the screen and to its log before the rule refuses it."""
    (problem,) = config.config_problems(CONFIG | {"stress": {"endpoint": address, "model": "m"}})
    assert "key stress.endpoint: holds" in problem
    assert "hunter2" not in problem


def test_deployments_are_set_beside_a_method_that_runs(copy):
    settings = CONFIG | {"methods": ["revised"], "deployments": f"config/{EXAMPLE}"}
    assert "allowed is a list that holds it" in "\n".join(refusal(settings))


def test_a_circle_of_methods_ends_in_words(copy):
    (copy / "methods/a.yaml").write_text("extends: b\n")
    (copy / "methods/b.yaml").write_text("extends: a\n")
    assert "goes in a circle" in "\n".join(refusal(CONFIG | {"methods": ["a"]}))


def test_files_of_the_runs_folder_go_before_those_of_the_project(copy, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "config/methods").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    Path("config/methods/mine.yaml").write_text("extends: oviedo2026\n")
    Path("config/methods/revised.yaml").write_text("extends: oviedo2026\ntitle: another\n")
    Path("config/evidence.yaml").write_text((copy / "evidence.yaml").read_text())
    edit(Path("config/evidence.yaml"), "near_best: 1.1", "near_best: 1.5")
    loaded = config.load({"methods": ["mine", "revised"], "engines": ["published"]})
    assert loaded.methods["mine"]["pue"] == loaded.methods["oviedo2026"]["pue"]
    assert loaded.methods["revised"]["title"] == "another"
    assert loaded.paths["mine"] == str(elsewhere / "config/methods/mine.yaml")
    assert loaded.paths["oviedo2025"] == str(copy / "methods/oviedo2025.yaml")
    assert loaded.documents["evidence"]["near_best"] == 1.5
    assert loaded.documents["scaling"] == config.read(copy / "scaling.yaml")


def test_the_expected_verdicts_are_of_known_claims():
    claims = read_table(ROOT / "data/published/claims.csv", "claims_published")
    expected = read_table(ROOT / f"config/{TABLE}", "expected_verdicts")
    assert set(expected["claim"]) <= set(claims["claim"])


def test_benchmark_files_with_braces_in_their_paths_are_refused(copy):
    folder = copy / "deployments" / "{runs}"
    folder.mkdir()
    (folder / "a.json").write_text("{}")
    edit(copy / EXAMPLE, "data/mlenergy-v3-llama-3.1-405b-8xh100.json", '"{runs}/a.json"')
    told = "\n".join(refusal())
    assert "key deployment.benchmarks: value" in told
    assert "braces" in told


def test_a_method_that_no_one_asks_for_is_checked_and_stops_nothing(copy):
    assert config.load(CONFIG).unasked == []
    edit(copy / "methods/full-load.yaml", "benchmarks:", "benchmraks:")
    (copy / "methods/mine.yaml").write_text("extends: oviedo2026\nnode_pwoer: 3\n")
    (copy / "methods/bad.yaml").write_text("[\n")
    said = "\n".join(config.load(CONFIG).unasked)
    for words in ("did you mean benchmarks?", "did you mean node_power?", "bad.yaml"):
        assert words in said
    # of a what-if, the page's own error tells it
    said = "\n".join(config.load(CONFIG | {"method": "config/methods/mine.yaml"}).unasked)
    assert "node_power?" not in said
    assert "benchmarks?" in said


def test_a_draft_elsewhere_is_not_the_method_that_has_its_name(copy, tmp_path):
    draft = tmp_path / "full-load.yaml"
    draft.write_text("extends: oviedo2026\n")
    own = copy / "methods/full-load.yaml"
    edit(own, "benchmarks:", "benchmraks:")
    said = "\n".join(config.load(CONFIG | {"method": str(draft)}).unasked)
    assert "did you mean benchmarks?" in said
    assert config.load(CONFIG | {"method": "config/methods/full-load.yaml"}).unasked == []
    edit(copy / "methods/revised.yaml", "serving:", "served:")
    draft = draft.rename(tmp_path / "revised.yaml")
    assert config.load(CONFIG | {"method": "revised"}).problems("whatif")
    assert config.load(CONFIG | {"method": str(draft)}).problems("whatif") == []


def test_a_deployment_that_no_one_asks_for_is_checked_and_stops_nothing(copy):
    shutil.copy(copy / EXAMPLE, copy / "deployments/mine.yaml")
    assert config.load(CONFIG).unasked == []
    edit(copy / "deployments/mine.yaml", "gpus_per_node:", "gpus_per_nod:")
    (copy / "deployments/bad.yaml").write_text("[\n")
    said = "\n".join(config.load(CONFIG).unasked)
    assert "did you mean gpus_per_node?" in said and "bad.yaml" in said


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({"engines": ["publishd"]}, "published"),
        ({"deployments": "config/deployments/8xh100-lama-405b.yaml"}, EXAMPLE),
        ({"benchmarks": "data/throughput/trtlm.csv"}, "trtllm.csv"),
        ({"methods": ["oviedo2062"]}, "oviedo2026"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(copy, settings, meant):
    (copy.parent / "data/throughput").mkdir(parents=True)
    (copy.parent / "data/throughput/trtllm.csv").touch()
    (problem, *_) = refusal(CONFIG | settings)
    assert f"{meant}?" in problem.partition("did you mean ")[2]


def test_a_table_that_is_not_there_is_told_with_the_nearest(copy, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    method = config.load(CONFIG).methods["oviedo2026"]
    assert config.table_problems(method, "m.yaml") == []
    changed = {"benchmarks": {**method["benchmarks"], "table": "data/throughput/ovideo.csv"}}
    (problem,) = config.table_problems(method | changed, "m.yaml")
    assert problem.startswith("m.yaml: key benchmarks.table: value data/throughput/ovideo.csv: no")
    assert problem.endswith("did you mean data/throughput/oviedo.csv?")
    (problem,) = config.config_problems(CONFIG | {"benchmarks": "trtllm.csv"})
    assert problem.endswith("data/throughput/trtllm.csv?")


def test_a_table_that_may_not_be_read_is_told(copy, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    method = config.load(CONFIG).methods["oviedo2026"]
    # the tests may run as root, who may read everything
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert config.table_problems(method, "m.yaml") == [
        "data/throughput/oviedo.csv: cannot be read (Permission denied); make it readable"
    ]


def test_a_benchmark_file_that_is_not_there_is_told_with_the_nearest(copy):
    edit(copy / EXAMPLE, "-8xh100.json", "-9xh100.json")
    (problem,) = config.load(CONFIG).problems("deployments")
    assert problem.endswith(
        "did you mean config/deployments/data/mlenergy-v3-llama-3.1-405b-8xh100.json?"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"window": 3},
            "key window: is a setting of the stress test; allowed is a key of stress; write"
            " --config stress='{window: ...}'",
        ),
        (
            {"benchmarks": "none.csv"},
            "key benchmarks: value none.csv: no such file; allowed is a throughput table such as"
            " data/throughput/trtllm.csv; correct the path",
        ),
        (
            {"benchmarks": "config"},
            "key benchmarks: value config: is a folder; allowed is a throughput table such as"
            " data/throughput/trtllm.csv; correct the path",
        ),
        (
            {"base": "revised", "head": "revised"},
            "key head: value revised: is base too, and nothing would differ; allowed is another"
            " method; name one",
        ),
        (
            {"methods": ["revised", "full-load"], "deployments": f"config/{EXAMPLE}"},
            "key methods: value revised, full-load: deployments are set beside oviedo2026; allowed"
            " is a list that holds it; add it",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_told_in_full(copy, change, told):
    assert config.config_problems(CONFIG | change) == [f"{config.WHERE}: {told}"]


def test_a_base_that_nothing_is_compared_with_is_told_in_full(copy):
    assert config.load(CONFIG | {"base": "revised"}).problems("base") == [
        f"{config.WHERE}: key base: value revised: names no method to compare it with; allowed is"
        " with head, or in a what-if; state head, or say snakemake whatif"
    ]


def test_deployments_are_named_once_however_their_paths_are_written():
    paths = ["./a/b.yaml", "a/b.yaml", "a//b.yaml", "c.yaml"]
    assert config.named_deployments({"deployments": paths}) == ["a/b.yaml", "c.yaml"]
    assert config.named_deployments({"deployments": "c.yaml"}) == ["c.yaml"]
    # what is no name is told elsewhere
    assert config.named_deployments({"deployments": [1, "c.yaml", None]}) == ["c.yaml"]


def test_every_key_that_names_a_method_is_told():
    asked = config.asked_methods(
        {"methods": ["a", "b", "a"], "base": "b", "head": "c"},
        {"findings": [{"method": "a", "id": "one"}, {"method": "a", "id": "two"}]},
    )
    assert asked == {
        "a": "config/findings.yaml: one, two: key method and key methods",
        "b": "key base and key methods",
        "c": "key head",
    }
