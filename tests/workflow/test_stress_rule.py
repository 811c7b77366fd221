"""`snakemake stress`, without a GPU."""

import json
import os
import re
import signal

import pytest
from inference_energy.lock import Lock
from inference_energy.stress.settings import STARTS
from processes import HANGS, PIPE, SNAKEMAKE, STDOUT, interrupted, one_message, snakemake, start
from repository import METHODS, copy_to
from stress.servers import Server, stand_in

SHORT = {
    "model": "m",
    "power": "none",
    "concurrency": [1],
    "output_tokens": [300],
    "repetitions": 1,
}
"""Settings of a test of one cell."""
METHOD_FILES = [f"results/{name}/method.yaml" for name in METHODS if "serving" in METHODS[name]]
"""What a test reads of the results."""


def test_stress_test_is_no_part_of_the_reproduction(forced_plan):
    assert not re.search(r"(?m)^stress\b", forced_plan)


def test_missing_endpoint_is_answered_with_the_command(fresh):
    run = snakemake(fresh, "stress")
    one_message(run, "give at least --config stress='{endpoint: http://HOST:PORT/v1, model: NAME}'")


def test_two_tests_run_in_one_checkout_and_claim_nothing_of_the_paper(tmp_path):
    folder = copy_to(tmp_path)
    # in a fresh clone git may have written them before what they are made from
    made = snakemake(folder, "--touch", *METHOD_FILES)
    assert made.returncode == 0, made.stdout
    settings = SHORT | {"aiperf": str(stand_in(tmp_path))}
    streams = {"stdout": PIPE, "stderr": STDOUT, "text": True}
    with Server() as server:
        tests = {}
        for name in ("one", "two"):
            # JSON is YAML on one line
            stated = json.dumps(settings | {"name": name, "endpoint": server.url})
            command = [*SNAKEMAKE, "stress", "--config", f"stress={stated}"]
            tests[name] = start(command, cwd=folder, **streams)
        outputs = {name: test.communicate(timeout=HANGS)[0] for name, test in tests.items()}
    for name, output in outputs.items():
        assert tests[name].returncode == 0, output
        assert "claims" not in output
        assert (folder / f"build/stress/{name}/finished.json").exists()
        assert "cell 1 of 1" in (folder / f"logs/stress/{name}.log").read_text()
    log = folder / "logs/stress/two.log"
    said = log.read_text()
    (folder / "build/stress/two/finished.json").unlink()
    running = Lock(folder / "build/stress/two", STARTS)
    again = snakemake(folder, *command[len(SNAKEMAKE) :])
    running.close()
    assert again.returncode != 0 and "Another run works in this folder" in again.stdout
    assert log.read_text().startswith(said)


def test_a_test_that_has_results_to_make_waits_for_another_run(tmp_path):
    """Both would write them: the second ended in Snakemake's words on protected files."""
    folder = copy_to(tmp_path)
    (folder / "config/methods/revised.yaml").touch()
    stated = json.dumps(SHORT | {"name": "one", "endpoint": "http://127.0.0.1:9/v1"})
    running = Lock(folder)
    run = snakemake(folder, "stress", "--config", f"stress={stated}")
    running.close()
    one_message(run, "Another run works in this folder", str(os.getpid()), "nothing was changed")
    one_message(run, "as results/revised/method.yaml", "`snakemake`")
    assert not (folder / "build/stress").exists()


@pytest.mark.parametrize(
    ("told", "alone"), [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True)]
)
def test_a_test_that_is_stopped_has_not_failed_and_goes_on(tmp_path, told, alone):
    folder = copy_to(tmp_path)
    settings = SHORT | {"aiperf": str(stand_in(tmp_path)), "repetitions": 5}
    with Server() as server:
        stated = json.dumps(settings | {"name": "one", "endpoint": server.url})
        asked = ["stress", "--config", f"stress={stated}"]
        code, said = interrupted(folder, told, alone, "cell 2 of 5", *asked)
        assert code
        assert re.findall("Failed|Traceback", said) == [], said
        assert said.count("stopped; what was measured is kept") == 1
        assert re.fullmatch(
            r"Stopped after \d of \d steps: .* goes on from there\.", said.split("\n")[-2]
        )
        again = snakemake(folder, *asked)
    assert again.returncode == 0, again.stdout
    assert re.search("cell 1 of 5: .* finished before", again.stdout)
    assert (folder / "build/stress/one/finished.json").exists()
