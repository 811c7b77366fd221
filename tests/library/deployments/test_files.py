"""A deployment file is merged with its method and checked."""

import pytest
from inference_energy.deployments import files
from inference_energy.errors import InputError
from library.deployments.made_up import FIXED, SCHEMAS, WHERE, own, quantity, refusal
from repository import METHOD_FILES


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


def test_a_folder_of_everything_is_no_folder_of_benchmarks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").touch()
    assert "more than 3 files" in refusal(files.find_benchmarks, WHERE, tmp_path.as_posix())


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


def test_what_is_unusual_is_kept():
    content = own(
        keys={"pue": FIXED["pue"] | {"value": 2.4}}, electricity_price=quantity(2, "EUR/kWh")
    )
    found = files.resolve(content, "mine", WHERE, METHOD_FILES, SCHEMAS)["warnings"]
    assert len(found) == 2
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


def test_braces_in_the_path_of_a_benchmark_are_refused_with_its_key(tmp_path):
    (tmp_path / "{x}.json").write_text("{}", encoding="utf-8")
    told = refusal(files.find_benchmarks, WHERE, (tmp_path / "{x}.json").as_posix())
    assert told.startswith(f"{WHERE}: key deployment.benchmarks")
    assert "{x}.json" in told
