"""What the kit for a GPU machine packs."""

import json
import os
import signal
import sys
import zipfile
from pathlib import Path

import pytest
from inference_energy.stress.runner import prepare
from inference_energy.tables import read_table
from processes import HANGS, PIPE, run, start, wait_for
from repository import ROOT, read_yaml

sys.path.insert(0, str(ROOT / "envs/gpu"))

import pack
import random_model
import unattended

PLAN = read_yaml("envs/gpu/plan.yaml")
LASTS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
SETTINGS = {"endpoint": "http://127.0.0.1:1/v1", "model": "m"}


@pytest.mark.parametrize("test", PLAN["tests"], ids=lambda test: test["name"])
def test_every_test_of_the_plan_can_be_run(test):
    assert set(test["engines"]) <= set(PLAN["engines"]) and test["model"] in PLAN["models"]
    for name in test["engines"]:
        stated = PLAN["engines"][name].get("settings", {}) | test["settings"]
        settings = read_yaml("config/stress.yaml") | SETTINGS | stated | {"facts": test["facts"]}
        assert prepare(settings)["lengths"] == test["settings"]["output_tokens"]


@pytest.mark.parametrize("test", PLAN["tests"], ids=lambda test: test["name"])
def test_models_have_the_architecture_of_the_table(test):
    known = read_table(ROOT / "data/models.csv", "models").set_index("model").loc[test["model"]]
    config = PLAN["models"][test["model"]]
    names = {
        "layers": "num_hidden_layers",
        "hidden_size": "hidden_size",
        "kv_heads": "num_key_value_heads",
        "head_dim": "head_dim",
    }
    assert {key: known[key] for key in names} == {key: config[n] for key, n in names.items()}
    width, layer = config["hidden_size"], 3 * config["intermediate_size"]
    heads = config["num_attention_heads"] + config["num_key_value_heads"]
    layer += 2 * heads * config["head_dim"]
    parameters = width * (config["num_hidden_layers"] * layer + 2 * config["vocab_size"])
    assert parameters / 1e9 == pytest.approx(known["params_total_b"], rel=0.01)


def test_what_the_machine_has_is_not_packed():
    have = pack.read_have("NumPy==1.0\naiofiles==1.0\n-e git+https://x\ntorch==2.11.0+cu130\n")
    assert have == {"numpy": "1.0", "aiofiles": "1.0", "torch": "2.11.0"}
    lock = "envs/gpu/transformers.lock"
    every, without = pack.pick(lock, {}), pack.pick(lock, dict.fromkeys(have))
    assert "\ntorch==2.11.0" in every and "\ntorch==" not in without and "\nnumpy==" not in without
    # another version than that of the lock
    assert "\nnumpy==" in pack.pick(lock, have) and "\ntorch==" not in pack.pick(lock, have)
    chosen = pack.pick(pack.RUNNER, {}, only=pack.NEEDED)
    names = {line.split("==")[0] for line in chosen.splitlines() if "==" in line}
    assert names == set(pack.NEEDED)
    assert chosen.count("--hash=") >= len(pack.NEEDED)


def test_files_of_a_wheel_are_left_out_with_their_lines(tmp_path):
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("a/keep.py", "1")
        file.writestr("a/_moe_C.abi3.so", "2")
        file.writestr("a-1.dist-info/RECORD", "a/keep.py,x,1\na/_moe_C.abi3.so,y,1\n")
    pack.trim(wheel, ["a/_moe_C*"])
    with zipfile.ZipFile(wheel) as file:
        assert file.namelist() == ["a/keep.py", "a-1.dist-info/RECORD"]
        assert file.read("a-1.dist-info/RECORD") == b"a/keep.py,x,1\n"
    assert list(tmp_path.iterdir()) == [wheel]


def test_parts_are_bounded_and_make_the_whole_again(tmp_path):
    whole = tmp_path / "whole"
    content = bytes(range(256)) * 10
    whole.write_bytes(content)
    unattended.split(whole, tmp_path, 1000 / unattended.MIB)
    parts = sorted(tmp_path.glob("part-*"))
    assert [part.stat().st_size for part in parts] == [1000, 1000, 560]
    assert b"".join(part.read_bytes() for part in parts) == content
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == 3 and not whole.exists()


def test_every_token_is_one_character():
    tokens = random_model.vocabulary(128_256)
    assert len(set(tokens)) == 128_256
    assert {len(token) for token in tokens[1:]} == {1}


def test_another_python_is_refused():
    with pytest.raises(SystemExit, match=r"GPU_PYTHON=python9\.9"):
        pack.check_python("9.9")


@pytest.fixture
def kit(tmp_path):
    """A plan in a folder: an engine that ends at once, and one that goes on and never answers."""
    engine = {"engine": "e", "start_seconds": 60}
    ends = engine | {"command": [sys.executable, "-c", "raise SystemExit(7)"], "port": 1}
    lasts = engine | {"command": [sys.executable, "-c", LASTS], "port": 2}
    test = {"name": "t", "model": "m", "engines": ["ends", "lasts"], "facts": {}, "settings": {}}
    plan = {"engines": {"ends": ends, "lasts": lasts}, "tests": [test], "back_mib": 1}
    (tmp_path / "kit/models/t").mkdir(parents=True)
    (tmp_path / "kit/plan.json").write_text(json.dumps(plan))
    return tmp_path


def test_engine_that_did_not_start_is_not_tried_again(kit, monkeypatch, capsys):
    monkeypatch.setattr(unattended, "environment", lambda *rest: Path(sys.executable))
    monkeypatch.setattr(unattended, "answers", lambda address, *rest: ":2/" in address)
    monkeypatch.setattr(unattended, "measure", lambda *rest: "time was over")
    monkeypatch.setattr(signal, "signal", lambda *rest: None)
    assert unattended.main(kit, 5) == 1
    assert unattended.main(kit, 5) == 1
    said = capsys.readouterr().err
    assert (said.count("starting ends"), said.count("starting lasts")) == (1, 2)
    assert json.loads((kit / "results/outcome.json").read_text()) == {"t": "time was over"}


def test_what_there_is_comes_back_when_it_is_told_to_end(kit):
    script = kit / "told.py"
    script.write_text(
        "import sys, unattended\nfrom pathlib import Path\n"
        "unattended.environment = lambda *rest: Path(sys.executable)\n"
        "unattended.answers = lambda *rest: False\n"
        f"sys.exit(unattended.main(Path({str(kit)!r}), 5))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "envs/gpu")}
    process = start([sys.executable, script], stderr=PIPE, text=True, env=environment)
    log = kit / "results/t/lasts.log"
    wait_for(lambda: log.exists() and log.read_text().endswith("\n"), process)
    engine = int(log.read_text())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANGS)
    assert process.returncode
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)
    back = kit / "back"
    assert run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=back).returncode == 0
    listed = run(["sh", "-c", f"cat {back}/part-* | tar -tJ"]).stdout
    assert "results/t/lasts.log" in listed and "results/machine.json" in listed
