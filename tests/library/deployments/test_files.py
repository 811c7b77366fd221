"""A deployment file is merged with its method and checked."""

import json
import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from inference_energy import project
from inference_energy.deployments import files
from inference_energy.errors import InputError
from inference_energy.laws.registry import LAWS
from inference_energy.method.materials import inputs_of, law_tables
from inference_energy.project import listed
from inference_energy.readers import detect_and_read
from inference_energy.readers.common import facts_files
from inference_energy.tables import write_table
from library.deployments.made_up import FIXED, SCHEMAS, WHERE, own, quantity, refusal
from library.readers.files import NODE
from repository import METHOD_FILES, ROOT

BENCHMARKS = ROOT / "tests/fixtures/benchmarks"


def without(key):
    """Deployment file that lacks a key of its section."""
    content = own()
    del content["deployment"][key]
    return content


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (own(colour="red"), "mine", ["deployment", "unknown key colour"]),
        (own(keys={"colour": "red"}), "mine", ["unknown key colour"]),
        (without("traffic"), "mine", ["missing key traffic"]),
        (without("model"), "mine", ["missing key model"]),
        (own(facts={"gpus": 8}), "mine", ["deployment.facts", "unknown key gpus"]),
        (
            own(electricity_price=quantity(1, "EUR/MWh")),
            "mine",
            ["electricity_price.unit", "EUR/MWh"],
        ),
        *(
            (
                own(electricity_price=quantity(1, f"{code}/kWh")),
                "mine",
                ["electricity_price.unit", f"{code}/kWh", "a currency of ISO 4217 per kWh"],
            )
            # the first is the standard's code for no currency at all
            for code in (3 * "X", "XTS", "XAU", "ABC", "USDT", "usd")
        ),
        (own(extends="oviedo2062"), "mine", [WHERE, "oviedo2062", "did you mean oviedo2026"]),
        ({"deployment": {}}, "mine", ["missing key extends"]),
        ({"extends": "oviedo2026"}, "mine", ["missing key deployment"]),
        (own(), "revised", ["name of a method"]),
        (None, "mine", ["holds no keys"]),
        (
            own(keys={"pue": {**FIXED["pue"], "distribution": "log-normal"}}),
            "mine",
            ["key pue", "missing keys p5 and p95"],
        ),
        (
            own(
                host_power={
                    "distribution": "log-normal",
                    "p5": 3,
                    "p95": 2,
                    "unit": "kW",
                    "source": "x",
                }
            ),
            "mine",
            ["deployment.host_power", "p5 < p95"],
        ),
    ],
)
def test_a_wrong_file_is_refused_in_words(content, name, words):
    message = refusal(files.resolve, content, name, WHERE, METHOD_FILES, SCHEMAS)
    assert all(line.startswith(WHERE) for line in message.splitlines())
    assert all(word in message for word in words)


@pytest.mark.parametrize("name", ["x" * 5_000, "../" * 2_000, "a\0b"])
def test_benchmarks_that_no_path_can_name_are_not_found(name):
    assert "no such file" in refusal(files.find_benchmarks, WHERE, name)


@pytest.mark.parametrize("denied", ["run.json", "facts.yaml", "run.facts.yaml"])
def test_benchmarks_and_facts_that_may_not_be_read_are_told(denied, tmp_path, monkeypatch):
    for name in ("run.json", "facts.yaml", "run.facts.yaml"):
        (tmp_path / name).touch()
    # the tests may run as root, who may read everything
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != denied)
    told = f"{(tmp_path / denied).as_posix()}: cannot be read (Permission denied); make it readable"
    assert refusal(files.find_benchmarks, WHERE, (tmp_path / "run.json").as_posix()) == told


def test_a_folder_of_everything_is_no_folder_of_benchmarks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").touch()
    assert "more than 3 files" in refusal(files.find_benchmarks, WHERE, tmp_path.as_posix())


@pytest.mark.parametrize("pattern", ["/**", "/**/*.nothing", "/us*/**/*.nothing"])
def test_a_pattern_of_a_whole_disk_is_refused_at_once(pattern, monkeypatch):
    monkeypatch.setattr(files, "MOST_SEARCHED", 100)
    told = refusal(files.find_benchmarks, WHERE, pattern)
    assert told.startswith(f"{WHERE}: key deployment.benchmarks: value {pattern}: ** looks through")
    assert "more than 100 files and folders below /, or" in told
    # a name after it is looked for all the same
    told = refusal(files.find_benchmarks, WHERE, [pattern, "nowhere.json"]).splitlines()
    assert len(told) == 2 and "value nowhere.json: no such file" in told[1]


def test_a_pattern_through_links_in_a_circle_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_SEARCHED", 1000)
    for name in ("a", "b"):
        (tmp_path / name).symlink_to(tmp_path)
    pattern = f"{tmp_path.as_posix()}/**/*.nothing"
    assert f"below {tmp_path.as_posix()}, or" in refusal(files.find_benchmarks, WHERE, pattern)


def test_a_pattern_looks_through_as_many_as_are_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_SEARCHED", 2)
    (tmp_path / "runs").mkdir()
    path = tmp_path / "runs" / "a.json"
    path.write_text("{}", encoding="utf-8")
    for pattern in ("**/*.json", "runs/**", "ru*/**/a.json"):
        found = files.find_benchmarks((tmp_path / "mine.yaml").as_posix(), pattern)
        assert path.as_posix() in found


def test_a_pattern_from_the_working_folder_looks_through_that(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_SEARCHED", 2)
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / f"{name}.json").touch()
    with pytest.raises(InputError) as refused:
        files._matching("**/*.json")
    assert refused.value.problems == [
        "** looks through more than 2 files and folders below ., or through links in a circle;"
        " allowed is ** below the folder of the runs; name that"
    ]
    # of one folder alone nothing is looked through
    assert files._matching("*.json") == ["a.json", "b.json", "c.json"]


def test_all_problems_of_a_file_are_told_at_once():
    content = own(colour="red", keys={"taste": "sweet"})
    message = refusal(files.resolve, content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert "colour" in message and "taste" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            own(electricity_price=quantity(8.06, "USD/kWh")),
            ["electricity_price.value: value 8.06", "at most 5", "0.08 for 8 cents"],
        ),
        (
            own(grid_intensity=quantity(367000, "gCO2/kWh")),
            ["grid_intensity.value: value 367000", "at most 2000", "lignite"],
        ),
        (
            own(host_power={"distribution": "fixed", "value": 2400, "unit": "kW", "source": "x"}),
            ["host_power.value: value 2400", "at most 100", "stated in W"],
        ),
        (
            own(keys={"pue": FIXED["pue"] | {"value": 120}}),
            ["key pue.value: value 120", "at most 3"],
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(content, words):
    message = refusal(files.resolve, content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert message.startswith(WHERE) and "\n" not in message
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("value", "unit", "usual"),
    [
        (1e6, "JPY", "at least 1 and of at most 100"),
        (0.08, "JPY", "at least 1 and of at most 100"),
        (80, "CNY", "at least 0.1 and of at most 10"),
        (0.1, "KRW", "at least 10 and of at most 1000"),
        (0.1, "IDR", "at least 100 and of at most 10000"),
        (2, "AUD", "at least 0.01 and of at most 1"),
        (25, "JPY", None),
        (0.6, "CNY", None),
        (150, "KRW", None),
        (1100, "IDR", None),
        (0.2, "AUD", None),
        (1e6, "TRY", "at least 1 and of at most 100"),
        (0.08, "TRY", "at least 1 and of at most 100"),
        (4, "TRY", None),
        (0.8, "RON", None),
        (30, "PKR", None),
        (220, "NGN", None),
        # the weakest currencies
        (100_000, "LBP", None),
        (1e6, "LBP", "at most 100000"),
        (1e6, "UGX", "at most 100000"),
    ],
)
def test_a_price_is_held_to_what_is_usual_in_its_currency(value, unit, usual):
    content = own(electricity_price=quantity(value, f"{unit}/kWh"))
    found = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS).get("warnings", [])
    assert found == [
        f"{WHERE}: key deployment.electricity_price.value: value {value}: unusual; usual is a"
        f" number of {words}; check it"
        for words in [usual]
        if words
    ]


def test_the_currencies_of_the_last_group_are_those_of_no_other():
    """Else a price would be held to two groups, or to none."""
    groups = SCHEMAS["deployment"]["$defs"]["price"]["allOf"]
    units = [group["if"]["properties"]["unit"] for group in groups]
    named = [code for unit in units for code in re.findall(r"[A-Z]{3}", unit.get("pattern", ""))]
    (others,) = (unit["not"]["pattern"] for unit in units if "not" in unit)
    assert sorted(named) == sorted(re.findall(r"[A-Z]{3}", others))


def test_what_is_unusual_is_kept():
    content = own(
        keys={"pue": FIXED["pue"] | {"value": 2.4}}, electricity_price=quantity(2, "EUR/kWh")
    )
    found = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)["warnings"]
    assert len(found) == 2
    assert all(text.startswith(f"{WHERE}: key ") for text in found)
    assert "deployment.electricity_price.value: value 2: unusual; usual is" in found[0]
    assert "pue.value: value 2.4: unusual" in found[1]
    assert "warnings" not in files.resolve(own(), "mine", WHERE, METHOD_FILES, SCHEMAS)


@pytest.mark.parametrize("name", ["*/profile_export_aiperf.json", "**/*.json"])
def test_cells_of_a_stress_test_are_no_benchmarks_but_its_steady_windows_are(name, tmp_path):
    for cell in ("pilot-conc0008", "out00300-conc0008-rep01"):
        (tmp_path / cell).mkdir()
        for file in ("cell.json", "profile_export_aiperf.json"):
            (tmp_path / cell / file).write_text("{}")
    (tmp_path / "benchmark.csv").write_text("")
    with pytest.raises(InputError) as caught:
        files.find_benchmarks(tmp_path / "mine.yaml", name)
    assert f"allowed is {(tmp_path / 'benchmark.csv').as_posix()}" in str(caught.value)
    assert files.find_benchmarks(tmp_path / "mine.yaml", "*.csv") == [
        (tmp_path / "benchmark.csv").as_posix()
    ]


def test_benchmarks_are_found_beside_the_file_by_name_and_in_folders_below(tmp_path):
    below = tmp_path / "runs" / "night"
    below.mkdir(parents=True)
    for path in (tmp_path / "a.json", tmp_path / "runs" / "b.json", below / "c.json"):
        path.write_text("{}", encoding="utf-8")

    def found(named):
        paths = files.find_benchmarks((tmp_path / "mine.yaml").as_posix(), named)
        return [path.removeprefix(f"{tmp_path.as_posix()}/") for path in paths]

    assert found("a.json") == ["a.json"]
    assert found(["runs/b.json", "a.json"]) == ["runs/b.json", "a.json"]
    assert found("runs/**/*.json") == ["runs/b.json", "runs/night/c.json"]
    told = refusal(files.find_benchmarks, (tmp_path / "mine.yaml").as_posix(), ["*.csv", "x"])
    assert told.count("no such file") == 2
    assert f"looked for in {tmp_path.as_posix()}/ and ./; allowed" in told


def test_as_many_files_as_are_allowed_are_a_folder_of_benchmarks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for name in "abc":
        (tmp_path / name).write_text("", encoding="utf-8")
    assert files.find_benchmarks(WHERE, tmp_path.as_posix()) == [tmp_path.as_posix()]


def test_a_benchmark_below_a_folder_that_may_not_be_looked_into_is_refused(tmp_path, monkeypatch):
    """As in one that may be listed and not entered; who runs the tests may enter any."""

    def refused(path, pattern):
        raise PermissionError(13, "Permission denied", str(path))

    for name in "ab":
        (tmp_path / name).mkdir()
    monkeypatch.setattr(files.Path, "rglob", refused)
    told = refusal(files.find_benchmarks, WHERE, (tmp_path / "*").as_posix()).splitlines()
    assert told == [
        f"{WHERE}: key deployment.benchmarks: value {tmp_path.as_posix()}/*:"
        f" {tmp_path.as_posix()}/{name} cannot be read (Permission denied); allowed is what can;"
        " make it readable, or name the others"
        for name in "ab"
    ]


def test_braces_in_the_path_of_a_benchmark_are_refused_with_its_key(tmp_path):
    (tmp_path / "{x}.json").write_text("{}", encoding="utf-8")
    told = refusal(files.find_benchmarks, WHERE, (tmp_path / "{x}.json").as_posix())
    assert told.startswith(f"{WHERE}: key deployment.benchmarks")
    assert "{x}.json" in told


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff.json"), "a\nb.json"])
def test_a_benchmark_whose_name_is_no_text_is_refused_with_its_key(tmp_path, name):
    (tmp_path / name).write_text("{}", encoding="utf-8")
    told = refusal(files.find_benchmarks, WHERE, (tmp_path / "*.json").as_posix())
    assert told.startswith(f"{WHERE}: key deployment.benchmarks")
    assert told.isprintable()


EXAMPLE = files.EXAMPLES[0]


@pytest.fixture
def methods():
    """Files of all methods by name."""
    return listed("config/methods")


@pytest.fixture
def mine(tmp_path):
    """A deployment file with its benchmarks beside it."""

    def written(name="mine", **section):
        (tmp_path / "runs.json").write_text("{}", encoding="utf-8")
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps(own(**section)), encoding="utf-8")
        return path.as_posix()

    return written


def test_deployments_are_read_with_their_benchmarks_and_a_folder_each(methods, mine, tmp_path):
    path = mine(keys={"pue": FIXED["pue"]})
    found = files.load([EXAMPLE, path, path], methods)
    assert list(found) == ["8xh100-llama-405b", "mine"]
    example, read = found.values()
    assert example["folder"] == "results/deployments/8xh100-llama-405b"
    assert example["path"] == EXAMPLE
    assert read["folder"] == "build/deployments/mine"
    assert read["path"] == path
    assert read["stated"] == ["extends", "deployment", "pue"]
    assert read["benchmarks"] == [f"{tmp_path.as_posix()}/runs.json"]
    assert read["method"]["pue"] == FIXED["pue"]
    assert read["method"]["deployment"]["model"] == "M"


def test_two_files_of_one_name_and_none_are_told_at_once(methods, mine, tmp_path):
    (tmp_path / "more").mkdir()
    other = (tmp_path / "more" / "mine.yaml").as_posix()
    mistyped, path = EXAMPLE.replace("8xh100", "8xh10"), mine()
    told = refusal(files.load, [path, other, mistyped], methods).splitlines()
    assert told == [
        f"key deployments: value {other}: has the name of {path}; allowed is another name; rename"
        " the file",
        f"key deployments: value {mistyped}: no such file; allowed is a deployment file such as"
        f" {EXAMPLE}; correct the path; did you mean {EXAMPLE}?",
    ]


def test_an_example_in_a_folder_that_is_not_there_may_be_meant(methods):
    told = refusal(files.load, [f"elsewhere/{EXAMPLE.rpartition('/')[2]}"], methods)
    assert told.endswith(f"correct the path; did you mean {EXAMPLE}?")


def test_an_example_that_is_not_there_is_not_its_own_remedy(methods, tmp_path, monkeypatch):
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    told = refusal(files.load, [EXAMPLE], methods)
    assert told.endswith("allowed is a deployment file; restore it, or name another")
    (tmp_path / EXAMPLE).parent.mkdir(parents=True)
    (tmp_path / files.EXAMPLES[1]).touch()
    told = refusal(files.load, [EXAMPLE], methods)
    assert f"such as {files.EXAMPLES[1]}; restore it" in told
    (tmp_path / files.EXAMPLES[1]).unlink()
    (tmp_path / EXAMPLE).symlink_to("nowhere")
    told = refusal(files.load, [EXAMPLE], methods)
    assert told.endswith("allowed is a deployment file; restore it, or name another")


def test_a_deployment_is_told_under_the_key_that_names_it(methods, mine):
    path = mine("a b")
    told = refusal(files.read_deployment, path, methods, (), "requests.deployment")
    assert told == (
        f"key requests.deployment: value {path}: allowed are letters, digits, '.', '_' and '-' in"
        " the file's name; rename the file"
    )


def test_a_deployment_is_read_under_any_plain_name_and_its_problems_name_its_file(methods, mine):
    assert list(files.load([mine("Node_2.b")], methods)) == ["Node_2.b"]
    wrong = mine("wrong", colour="red")
    assert refusal(files.load, [wrong], methods).startswith(f"{wrong}: key deployment: unknown key")
    Path(wrong).write_text("[]", encoding="utf-8")
    assert refusal(files.load, [wrong], methods).startswith(f"{wrong}: holds no keys")


def test_a_deployment_of_a_method_with_problems_of_its_own_is_left_out(methods, mine):
    path = mine()
    assert files.load([path], methods, ["oviedo2026"]) == {}
    assert list(files.load([path], methods, ["revised"])) == ["mine"]


def test_an_answer_starts_from_benchmarks_their_facts_and_the_tables_of_its_law(
    methods, mine, tmp_path
):
    path = mine()
    logs = tmp_path / "logs" / "power"
    logs.mkdir(parents=True)
    for file in (tmp_path / "runs.facts.yaml", logs / "b.txt", tmp_path / "logs" / "a.txt"):
        file.write_text("", encoding="utf-8")
    (deployment,) = files.load([path], methods).values()
    found = files.inputs(deployment)
    assert found["file"] == path
    assert found["files"] == [
        (tmp_path / name).as_posix() for name in ("runs.facts.yaml", "runs.json")
    ]
    assert (found["gpus"], found["models"]) == ("data/gpus.csv", "data/models.csv")
    assert found["reference"] == "results/oviedo2026/energy_per_query.csv"
    assert "background" not in found and "throughput_tables" not in found
    folder = deployment | {"benchmarks": [(tmp_path / n).as_posix() for n in ("logs", "runs.json")]}
    assert files.inputs(folder)["files"] == [
        (tmp_path / name).as_posix()
        for name in ("logs/a.txt", "logs/power/b.txt", "runs.facts.yaml", "runs.json")
    ]


def test_a_law_that_learns_from_other_nodes_starts_from_their_tables_too(methods, mine):
    (deployment,) = files.load([mine(extends="revised")], methods).values()
    found = files.inputs(deployment)
    assert found["background"] == METHOD_FILES["revised"]["benchmarks"]["table"]
    needed = set(inputs_of(deployment["method"])) - {"throughput_tables"}
    assert needed | set(law_tables(LAWS)) <= set(found)


def test_tables_figures_and_the_report_are_in_the_folder_of_the_deployment():
    found = files.outputs({"folder": "f"})
    assert found[:2] == ["f/throughput_laws.csv", "f/energy_per_query.csv"]
    assert found[-6:] == [
        *("f/energy.png", "f/energy.svg", "f/measured.png", "f/measured.svg"),
        *("f/report.md", "f/report.html"),
    ]


def test_the_answers_that_are_there_are_told(tmp_path):
    (tmp_path / "report.md").write_text(
        "# Title\n\nAn **answer** \u03b7.\n\nMore.\n", encoding="utf-8"
    )
    assert files.answers([{"folder": tmp_path / "none"}, {"folder": tmp_path}]) == [
        "An **answer** \u03b7.",
        f"Report: {tmp_path / 'report.html'}",
    ]


def test_what_is_unusual_is_told_once_beside_the_answer(tmp_path):
    (tmp_path / "report.md").write_text("# Title\n\nAn answer.\n\nMore.\n", encoding="utf-8")
    facts = [("PUE", "1.2", "stated", WHERE), ("unusual: pue.value", "value 3: a", "stated", WHERE)]
    columns = ["fact", "value", "basis", "source"]
    write_table(pd.DataFrame(facts, columns=columns), tmp_path / "assumptions.csv", "assumptions")
    assert files.answers([{"folder": tmp_path}]) == [
        "An answer.",
        f"{WHERE}: key pue.value: value 3: a",
        f"Report: {tmp_path / 'report.html'}",
    ]


def test_keys_that_are_lacking_are_told_with_what_may_be_meant():
    content = own()
    content["extend"] = content.pop("extends")
    told = refusal(files.resolve, content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert told == (
        f"{WHERE}: missing key extends; allowed are {', '.join(sorted(METHOD_FILES))}; state the"
        " method to start from; key extend is unknown; did you mean extends?"
    )
    told = refusal(
        files.resolve, {"extends": "revised", "deploy": 1}, "mine", WHERE, METHOD_FILES, SCHEMAS
    )
    assert told == (
        f"{WHERE}: missing key deployment; see docs/deployments.md; state it; key deploy is"
        " unknown; did you mean deployment?"
    )


def test_a_folder_of_too_many_is_told_by_its_key_and_a_brace_in_it_too(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 1)
    for name in ("a{b}.json", "c{d}.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    folder = tmp_path.as_posix()
    first, second = refusal(files.find_benchmarks, WHERE, folder).splitlines()
    assert first == (
        f"{WHERE}: key deployment.benchmarks: value {folder}: holds more than 1 files; allowed is"
        " the folder of one run; name that"
    )
    assert second.startswith(f"{WHERE}: key deployment.benchmarks: value {folder}/")


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (None, "mine", "holds no keys; extends and deployment are needed; add them"),
        (
            own(),
            "revised",
            "value revised: is the name of a method; allowed is any other; rename the file",
        ),
        (
            {"extends": "revised", "deployment": 3},
            "mine",
            "key deployment: value 3: allowed are keys with values, as in docs/deployments.md;"
            " state them",
        ),
    ],
)
def test_what_is_no_deployment_is_told_whole(content, name, told):
    message = refusal(files.resolve, content, name, WHERE, METHOD_FILES, SCHEMAS)
    assert message == f"{WHERE}: {told}"


def test_files_of_other_kinds_in_the_place_of_a_deployment_are_told_by_their_kind():
    """The remedies were to rename the method's file, and to state a method in the client's."""
    method = {"extends": "oviedo2026", "pue": quantity(1.2, "1")}
    told = refusal(files.resolve, method, "revised", WHERE, METHOD_FILES, SCHEMAS)
    assert "is a method; allowed is a deployment" in told
    assert "say method=revised of snakemake requests" in told
    for content, where in (({"task": "chat"}, "run.json"), ("a,b 1,2", "run.csv")):
        told = refusal(files.resolve, content, "run", where, METHOD_FILES, SCHEMAS)
        assert "name it under deployment.benchmarks of a deployment's file" in told


def test_a_deployment_may_state_the_node_power_of_its_own_model_and_of_no_unknown_one():
    power = {name: {"node_power": {"models": {name: quantity(7, "kW")}}} for name in ("M", "N")}
    found = files.resolve(own(keys=power["M"]), "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert found["node_power"]["models"]["M"]["value"] == 7
    told = refusal(files.resolve, own(keys=power["N"]), "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert told.startswith(f"{WHERE}: key node_power.models") and "N" in told


def test_benchmarks_are_found_in_the_folder_of_the_run_where_none_is_beside_the_file(
    tmp_path, monkeypatch
):
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("a.json", "runs/b.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")

    def found(where, named):
        return [Path(path).relative_to(tmp_path) for path in files.find_benchmarks(where, named)]

    both = [Path("a.json"), Path("runs/b.json")]
    assert found("runs/mine.yaml", ["a.json", "b.json", "*.json"]) == [*both, both[1]]
    assert found("config/mine.yaml", "*.json") == both[:1]
    assert refusal(files.find_benchmarks, "config/mine.yaml", "c.json") == (
        "config/mine.yaml: key deployment.benchmarks: value c.json: no such file, looked for in"
        " config/ and ./; allowed is a path from this file or from the repository; correct it"
    )


@pytest.mark.parametrize("client", ["run/client.json", "run/phases/profiling/client.json"])
def test_cells_of_a_stress_test_are_told_whole(tmp_path, client):
    for name in ("run/cell.json", client):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    where = (tmp_path / "mine.yaml").as_posix()
    assert refusal(files.find_benchmarks, where, client) == (
        f"{where}: key deployment.benchmarks: value {client}: holds cells of a stress test,"
        " whose client's files cover pilots, build-up and drain, without the node's power; allowed"
        f" is {tmp_path.as_posix()}/benchmark.csv, which holds the steady windows; name it"
    )


def test_facts_are_stated_where_no_benchmark_tells_them(tmp_path):
    """What AIPerf measured of the GPUs is measured, also where a fact repeats it."""
    shutil.copy(BENCHMARKS / "vllm/real.json", tmp_path / "vllm.json")
    shutil.copy(BENCHMARKS / "aiperf/0.12.0.json", tmp_path / "aiperf.json")
    facts = {"gpu": "H100-SXM-80GB", "n_gpus": 1, "tensor_parallel": 1, "precision": "BF16"}
    power = detect_and_read(tmp_path / "aiperf.json", facts).loc[0, "gpu_power_w"]
    beside = tmp_path / "facts.yaml"
    beside.write_text(json.dumps({"precision": "BF16", "node_power_w": 2000}), encoding="utf-8")
    own_facts = facts | {"gpu_power_w": power}
    both = [str(tmp_path / name) for name in ("vllm.json", "aiperf.json")]
    for paths in (both, both[::-1]):
        assert "gpu_power_w" in files.stated_facts(paths, own_facts, WHERE)
    for name, powers in (("vllm", {"gpu_power_w", "node_power_w"}), ("aiperf", {"node_power_w"})):
        path = str(tmp_path / f"{name}.json")
        stated = files.stated_facts([path], own_facts, WHERE)
        assert {key for key in stated if key.endswith("_w")} == powers
        assert stated["precision"] == WHERE, "the deployment's own go before those beside"
        assert stated["node_power_w"] == str(beside)


def test_names_that_free_a_run_from_its_bounds_are_told(tmp_path):
    path = tmp_path / "vllm.json"
    shutil.copy(BENCHMARKS / "vllm/single.json", path)
    beside = facts_files(path)[1]
    beside.write_text("".join(f"{name}: {value}\n" for name, value in NODE.items()))
    own = "meta-llama/Llama-3.1-70B-Instruct"
    for same in ({}, {"model": own}, {"model": "Llama 3.1 70B"}, {"model": "Llama-3.3-70B"}):
        assert files.renamed([str(path)], same, WHERE) == []
    (told,) = files.renamed([str(path)], {"model": "our chat"}, WHERE)
    assert told == (
        f"{WHERE}: key deployment.facts.model: value our chat: unusual; {path} names {own}, which"
        f" is of data/models.csv, and our chat is not: its runs are held to {own}, and the answer"
        " knows nothing of our chat; usual is the name of the file"
    )
    beside.write_text(beside.read_text() + "model: our chat\n")
    (told,) = files.renamed([str(path)], {}, WHERE)
    assert told.startswith(f"{beside}: key model: value our chat: unusual;")
    # a file that names no GPU, or a model of no table, is renamed at will
    assert files.renamed([str(path)], {"model": own, "gpu": "ours"}, WHERE) == []
    text = path.read_text()
    path.write_text(text.replace(own, "prod"))
    assert files.renamed([str(path)], {"model": "our chat"}, WHERE) == []
