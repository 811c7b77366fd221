"""A deployment file is merged with its method and checked."""

import pytest
from inference_energy.deployments import files
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
        (own(extends="oviedo2062"), "mine", [WHERE, "oviedo2062", "did you mean oviedo2026"]),
        ({"deployment": {}}, "mine", ["missing key extends"]),
        ({"extends": "oviedo2026"}, "mine", ["missing key deployment"]),
        (own(), "revised", ["name of a method"]),
        (None, "mine", ["holds no keys"]),
        (
            own(keys={"pue": {**FIXED["pue"], "distribution": "log-normal"}}),
            "mine",
            ["key pue", "missing key p5"],
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


def test_all_problems_of_a_file_are_told_at_once():
    content = own(colour="red", keys={"taste": "sweet"})
    message = refusal(files.resolve, content, "mine", WHERE, METHOD_FILES, SCHEMAS)
    assert "colour" in message and "taste" in message
