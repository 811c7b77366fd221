"""`snakemake peers`, and the packages themselves where they are installed."""

import os
import sys

import pandas as pd
import pytest
from inference_energy.peers.rows import own_rows, read_rows
from inference_energy.tables import read_table
from processes import one_message, run, snakemake
from repository import ROOT, read

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PLACES = {
    "mlenergy": "data/measured/mlenergy_v3.csv",
    "inferencex": "data/measured/inferencex_power.csv",
    "at_load": "data/throughput/at_load.csv",
    "models": "data/models.csv",
}
KEY = ["predictor", "told", "id"]


def runs():
    measured = read_rows({name: ROOT / place for name, place in PLACES.items()})
    cells = read("data/measured/own_node/cells.csv", "own_node")
    own = own_rows(cells, read(PLACES["models"], "models"))
    return pd.concat([measured, own], ignore_index=True)


def test_asking_is_no_part_of_the_reproduction(forced_plan):
    assert "ask_peers" not in forced_plan
    assert "compare_peers" in forced_plan


def test_without_the_packages_the_command_is_named(fresh):
    one_message(snakemake(fresh, "peers"), "make it with: make peers-env")


def test_what_the_packages_say_is_read_where_it_was_written(fresh):
    asked = fresh / "build" / "peers" / "answers.csv"
    asked.parent.mkdir(parents=True)
    line = (ROOT / "data" / "published" / "peers.csv").read_text(encoding="utf-8").splitlines()[:2]
    asked.write_text("\n".join([line[0], line[1].replace("nothing", "half")]) + "\n")
    ended = snakemake(fresh, "build/peers/peers.csv", "--allowed-rules", "compare_asked_peers")
    one_message(ended, 'build/peers/answers.csv, line 2, column "told": value "half"')


def test_every_run_is_answered_by_both_packages_in_one_version():
    answers = read("data/published/peers.csv", "peer_answers")
    ids = set(runs()["id"])
    for _, asked in answers[answers["told"] != "boundary"].groupby(["predictor", "told"]):
        assert set(asked["id"]) == ids
    assert len(answers[["predictor", "version"]].drop_duplicates()) == 2
    lock = (ROOT / "envs" / "peers.lock").read_text(encoding="utf-8")
    for package, version in answers.groupby("predictor")["version"].first().items():
        assert f"\n{package}=={version} " in lock


@pytest.mark.skipif(not PYTHON.exists(), reason="make peers-env installs the packages")
def test_committed_answers_are_those_of_the_packages(tmp_path):
    some = runs().groupby("table").sample(4, random_state=1)
    some.to_csv(tmp_path / "rows.csv", index=False)
    script = ROOT / "workflow" / "scripts" / "peers" / "ask.py"
    command = [PYTHON, script, tmp_path / "rows.csv", tmp_path / "answers.csv"]
    ended = run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")})
    assert ended.returncode == 0, ended.stderr
    found = read_table(tmp_path / "answers.csv", "peer_answers").set_index(KEY)
    committed = read("data/published/peers.csv", "peer_answers").set_index(KEY).loc[found.index]
    numbers = ["throughput_tps", "energy_per_token_j"]
    assert found[numbers].notna().any().all()
    pd.testing.assert_frame_equal(found[numbers], committed[numbers], rtol=1e-5)


def test_ask_needs_its_packages_and_what_of_the_library_needs_no_other():
    source = (ROOT / "workflow" / "scripts" / "peers" / "ask.py").read_text(encoding="utf-8")
    names = {
        line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    packages = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    assert packages == {"aiconfigurator", "ecologits", "inference_energy"}
    own = sorted(name for name in names if name.startswith("inference_energy"))
    code = f"import sys, {', '.join(own)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    ended = run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    )
    foreign = set(ended.stdout.split()) & {"pandas", "scipy", "yaml", "jinja2"}
    assert not foreign and "numpy" in ended.stdout.split()
    lock = (ROOT / "envs" / "peers.lock").read_text(encoding="utf-8")
    assert "\nnumpy==" in lock
