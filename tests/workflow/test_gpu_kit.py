"""What the kit for a GPU machine packs."""

import io
import json
import os
import shutil
import signal
import sys
import tarfile
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


H100, H200 = ("NVIDIA H100 80GB HBM3", 81559.0), ("NVIDIA H200", 143771.0)


@pytest.mark.parametrize(
    ("number", "card", "loads"),
    [
        (0, H200, [32]),
        (1, H200, [1, 8, 128, 192]),
        (2, H200, [256]),
        (3, H200, [1, 32, 128]),
        (3, H100, [1, 32, 128]),
        # 68 GiB of weights
        (0, H100, []),
        (3, ("NVIDIA H200", 30_000.0), [1, 32]),
        (3, ("NVIDIA H200", 25_000.0), [1]),
        (0, ("Tesla T4", 15_360.0), [32]),
        (0, None, [32]),
    ],
)
def test_loads_are_those_that_the_gpu_holds(number, card, loads):
    planned = PLAN["tests"][number]
    test = unattended.on_card(planned, PLAN, card)
    assert test["settings"]["concurrency"] == loads
    left_out = [n for n in planned["settings"]["concurrency"] if n not in loads]
    told = f"concurrency {', '.join(map(str, left_out))} left out" if left_out else ""
    assert test.get("left_out", "").startswith(told) and bool(told) == ("left_out" in test)
    known = PLAN["gpus"].get(card[0]) if card else None
    assert test["facts"].get("gpu") == known


def test_an_engine_gets_what_its_plan_states(tmp_path, monkeypatch):
    told = {}

    class Server:
        def __init__(self, command, env, **rest):
            told.update(env)

        def poll(self):
            return 7

    monkeypatch.setattr(unattended, "environment", lambda *rest: tmp_path / "bin/python")
    monkeypatch.setattr(unattended.subprocess, "Popen", Server)
    monkeypatch.setattr(unattended, "stop", lambda process: None)
    (tmp_path / "kit/models/t").mkdir(parents=True)
    (tmp_path / "results/t").mkdir(parents=True)
    engine = PLAN["engines"]["vllm"]
    rest = ("vllm", engine, PLAN, tmp_path / "kit", tmp_path, unattended.time.monotonic() + 60)
    with pytest.raises(RuntimeError, match="code 7"):
        unattended.start({"name": "t", "model": "m", "facts": {}}, *rest)
    assert engine["environment"].items() <= told.items()
    assert "HF_HUB_OFFLINE" in told


def test_gpus_of_the_plan_are_those_of_the_table():
    known = set(read_table(ROOT / "data/gpus.csv", "gpus")["gpu"])
    assert set(PLAN["gpus"].values()) <= known


def test_cache_of_a_model_is_what_its_engine_reports():
    """70.6 billion parameters, of which 2.1 in embeddings and last layer; 320 KiB a token."""
    config, facts = PLAN["models"]["Llama 3.1 70B"], {"n_gpus": 1, "precision": "FP8"}
    weights = (68.45e9 + 2 * 2.1e9) / 2**20
    room = unattended.cache_room(config, facts, 143771.0, 0.95)
    assert room == pytest.approx((0.95 * 143771 - 4096 - weights) / (320 / 1024), rel=2e-3)


def test_packages_of_an_environment_are_seen_in_those_made_from_it(tmp_path):
    """Python's own option sees those of the Python below the environment, and no others."""
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    pythons = [sys.executable, outer / "bin/python", inner / "bin/python"]
    for python, folder in zip(pythons, (outer, inner), strict=False):
        run([python, "-m", "venv", "--without-pip", "--system-site-packages", folder], check=True)
    (site_packages,) = outer.glob("lib/python*/site-packages")
    (site_packages / "only_there.py").write_text("")
    add = "import sys; sys.path.insert(0, sys.argv[1]); import unattended; "
    add += "unattended.add_packages(sys.argv[2])"
    run([pythons[1], "-c", add, ROOT / "envs/gpu", pythons[2]], check=True)
    seen = run([pythons[2], "-c", "import only_there"])
    assert seen.returncode == 0, seen.stderr


def test_first_error_of_an_engine_is_told(tmp_path):
    log = tmp_path / "vllm.log"
    log.write_text(
        "INFO no error: fine\n"
        "(API pid=1) WARNING This can cause errors like `OSError: Too many open files`\n"
        "(Engine pid=2) ERROR [core.py:9] ValueError: To serve at least one request, 2.5 GiB\n"
        "RuntimeError: Engine core initialization failed\n"
    )
    assert unattended.first_error(log) == ": ValueError: To serve at least one request, 2.5 GiB"
    log.write_text("Killed\n")
    assert unattended.first_error(log) == ": see vllm.log"


@pytest.mark.parametrize(
    ("left", "outcome"), [(9, "finished"), (2, "time was over at concurrency 2")]
)
def test_loads_are_run_in_the_order_of_the_plan_one_more_each_time(
    left, outcome, tmp_path, monkeypatch
):
    stated = []

    def run_loads(settings, *rest):
        if len(stated) == left:
            raise unattended.subprocess.TimeoutExpired("python", 1)
        stated.append(settings["concurrency"])
        return 0

    monkeypatch.setattr(unattended, "run_loads", run_loads)
    monkeypatch.setattr(unattended, "smi_log", lambda folder: None)
    test = {"name": "t", "model": "m", "facts": {}, "settings": {"concurrency": [8, 1, 2]}}
    pythons = {"client": tmp_path / "python", "runner": tmp_path / "python"}
    (tmp_path / "results/t").mkdir(parents=True)
    server = {"name": "e", "settings": {"facts": {"engine": "e"}}}
    assert outcome in unattended.measure(test, server, tmp_path, pythons, 0.0)
    assert stated == [[8], [8, 1], [8, 1, 2]][:left]
    assert (tmp_path / "results/t" / unattended.DONE).exists() == (outcome == "finished")


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
    # containers install from files: whatever version, it is there
    assert pack.read_have("torch @ file:///opt/torch-2.9.0a0.whl#sha256=1a\n") == {"torch": ""}
    with pytest.raises(SystemExit, match="give what `pip freeze` says"):
        pack.read_have("Package Version\n------- -------\ntorch   2.11.0\n")
    with pytest.raises(SystemExit, match=r"nowhere\.txt: cannot"):
        pack.read("nowhere.txt")
    lock = "envs/gpu/transformers.lock"
    every, without = pack.pick(lock, {}), pack.pick(lock, dict.fromkeys(have))
    assert "\ntorch==2.11.0" in every and "\ntorch==" not in without and "\nnumpy==" not in without
    # another version than that of the lock
    assert "\nnumpy==" in pack.pick(lock, have) and "\ntorch==" not in pack.pick(lock, have)
    engine = PLAN["engines"]["vllm"]
    every_of_vllm = pack.pick(engine["lock"], {})
    packed = pack.pick(engine["lock"], dict.fromkeys(have), skip=engine["skip"])
    assert "\nvllm==0.22.1" in packed and "\nxgrammar==" in packed
    for name in ("flashinfer-cubin", "nvidia-cutlass-dsl-libs-base", "tokenspeed-triton"):
        assert f"\n{name}==" in every_of_vllm and f"\n{name}==" not in packed
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


@pytest.mark.parametrize("text", ["half", "0", "-5", "nan", "inf"])
def test_time_that_is_none_is_refused(text):
    with pytest.raises(SystemExit, match=f"MINUTES is {text}; allowed is a number above 0"):
        unattended.minutes_of(text)


def test_another_python_is_refused():
    with pytest.raises(SystemExit, match=r"GPU_PYTHON=python9\.9"):
        pack.check_python("9.9")


@pytest.fixture
def kit(tmp_path):
    """A plan in a folder: an engine that ends at once, and one that goes on and never answers."""
    engine = {"engine": "e", "start_seconds": 60}
    ends = engine | {"command": [sys.executable, "-c", "raise SystemExit(7)"], "port": 1}
    lasts = engine | {"command": [sys.executable, "-c", LASTS], "port": 2}
    test = {"name": "t", "model": "m", "engines": ["ends", "lasts"], "facts": {}}
    test["settings"] = {"concurrency": [1]}
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


def test_tests_in_a_row_that_need_the_same_server_share_it(kit, monkeypatch, capsys):
    planned = json.loads((kit / "kit/plan.json").read_text())
    (test,) = planned["tests"]
    finished = test | {"name": "finished"}
    (kit / "results/finished").mkdir(parents=True)
    (kit / "results/finished" / unattended.DONE).touch()
    others = [test | {"name": "too", "settings": {"concurrency": [2]}}, test | {"name": "other"}]
    others[1]["facts"] = {"precision": "FP8"}
    tests = [finished, test | {"engines": ["lasts"]}, *(o | {"engines": ["lasts"]} for o in others)]
    shutil.copytree(kit / "kit/models/t", kit / "kit/models/other")
    (kit / "kit/plan.json").write_text(json.dumps(planned | {"tests": tests}))
    monkeypatch.setattr(unattended, "environment", lambda *rest: Path(sys.executable))
    monkeypatch.setattr(unattended, "answers", lambda *rest: True)
    asked = []
    monkeypatch.setattr(
        unattended,
        "measure",
        lambda test, server, *rest: asked.append((test["name"], server["process"].pid)) or "asked",
    )
    monkeypatch.setattr(signal, "signal", lambda *rest: None)
    unattended.main(kit, 5)
    assert [name for name, _ in asked] == ["t", "too", "other"]
    pids = [pid for _, pid in asked]
    assert pids[0] == pids[1] != pids[2]
    assert capsys.readouterr().err.count("starting lasts") == 2
    outcome = json.loads((kit / "results/outcome.json").read_text())
    assert outcome == {"finished": "finished"} | dict.fromkeys(["t", "too", "other"], "asked")


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
    packed = b"".join(part.read_bytes() for part in sorted(back.glob("part-*")))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as archive:
        listed = archive.getnames()
    assert "results/t/lasts.log" in listed and "results/machine.json" in listed
