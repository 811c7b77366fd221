"""Run the tests of a kit on this machine, and pack what they measured.

``unattended.py WORK MINUTES``; the kit is in WORK/kit. Needs Python alone: what else is needed is
in the kit or on the machine. Finished tests and cells are not run again.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from hashlib import sha256
from pathlib import Path

MIB = 2**20
QUICK = 1
"""Compression that takes seconds and not minutes: time on the machine is what is short."""

POLL, SOON = 1.0, 60.0
"""Time between two looks at a server, and time that a process has to end itself [s]."""


def main(work, minutes):
    """Run every test that the time allows; what was measured is packed whatever happens."""
    kit, results = work / "kit", work / "results"
    results.mkdir(exist_ok=True)
    plan = json.loads((kit / "plan.json").read_text())
    end = time.monotonic() + 60 * minutes
    # whoever ends this early gets what there is
    signal.signal(signal.SIGTERM, lambda *arguments: sys.exit("told to end"))
    said = {}
    try:
        pythons = {name: environment(kit, work, name, end) for name in ("client", "runner")}
        describe(results, pythons["runner"])
        for test in plan["tests"]:
            said[test["name"]] = run(test, plan, kit, work, pythons, end)
            say(f"{test['name']}: {said[test['name']]}")
    finally:
        write(results / "outcome.json", json.dumps(said, indent=1) + "\n")
        pack(results, work / "back", plan["back_mib"])
    return 0 if all(outcome == "finished" for outcome in said.values()) else 1


def say(text):
    """Show progress, with the time of day."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def write(path, text):
    """Write a text file."""
    path.write_text(text, encoding="utf-8")


def environment(kit, work, name, end):
    """Python of an environment with the kit's wheels of that name over the machine's packages."""
    folder = work / f"env-{name}"
    python, mark = folder / "bin/python", folder / "installed"
    if not mark.exists():
        say(f"installing {name}")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
        wheels = (kit / f"{name}.txt").read_text().split()
        if wheels:
            command = [python, "-m", "pip", "install", "-qq", "--no-index", "--no-deps"]
            command += ["--disable-pip-version-check", "--no-compile"]
            command += [kit / "wheels" / wheel for wheel in wheels]
            subprocess.run(command, check=True, timeout=max(end - time.monotonic(), 1))
        mark.touch()
    return python


def describe(results, python):
    """Write down what machine this is, and what is installed."""
    asked = {
        "nvidia-smi.txt": ["nvidia-smi", "-q"],
        "packages.txt": [str(python), "-m", "pip", "freeze", "--all"],
    }
    for name, command in asked.items():
        try:
            shown = subprocess.run(command, capture_output=True, text=True, timeout=SOON).stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            shown = f"{error}\n"
        write(results / name, shown)
    machine = {"system": platform.platform(), "python": sys.version, "cpus": os.cpu_count()}
    write(results / "machine.json", json.dumps(machine, indent=1) + "\n")


def run(test, plan, kit, work, pythons, end):
    """Run a test with the first of its engines that answers; what became of it, in words.

    An engine that did not start is not tried again while another is left: it would cost the time of
    every start.
    """
    folder = work / "results" / test["name"]
    if (folder / "finished.json").exists():
        return "finished"
    folder.mkdir(exist_ok=True)
    told = []
    left = [name for name in test["engines"] if not (folder / f"{name}.failed").exists()]
    for name in left or test["engines"]:
        if time.monotonic() > end:
            return "; ".join([*told, "no time left"])
        engine = plan["engines"][name]
        try:
            started = start(test, name, engine, kit, work, end)
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            told.append(f"{name}: {error}")
            continue
        server, address = started
        try:
            outcome = measure(test, name, engine, address, folder, work, pythons, end)
        finally:
            stop(server)
        return outcome
    return "; ".join(told)


def start(test, name, engine, kit, work, end):
    """Start an engine and wait until it has answered a query; its process and its address."""
    python = environment(kit, work, name, end)
    model = work / "models" / test["name"]
    if not model.exists():
        shutil.copytree(kit / "models" / test["name"], model)
    if engine.get("weights") and not (model / "weights-written").exists():
        command = [python, kit / "random_model.py", "weights", model]
        subprocess.run(command, check=True, timeout=max(end - time.monotonic(), 1))
        (model / "weights-written").touch()
    words = {"bin": python.parent, "kit": kit, "model": model, "name": test["model"]}
    words |= {"port": engine["port"], "gpus": test["facts"].get("n_gpus", 1)}
    command = [part.format(**words) for part in engine["command"] + test.get("options", [])]
    say(f"{test['name']}: starting {name}: {' '.join(command)}")
    # no engine may look for models on a network that is not there
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    with open(work / "results" / test["name"] / f"{name}.log", "ab") as log:
        streams = {"stdout": log, "stderr": log}
        server = subprocess.Popen(command, env=offline, start_new_session=True, **streams)
    address = f"http://127.0.0.1:{engine['port']}/v1"
    served = engine.get("served_as", "{name}").format(**words)
    until = min(end, time.monotonic() + engine["start_seconds"])
    answered = False
    try:
        while server.poll() is None and time.monotonic() < until and not answered:
            answered = answers(address, served, until - time.monotonic())
            if not answered:
                time.sleep(POLL)
        code = server.poll()
    finally:
        if not answered:
            stop(server)
    if answered:
        return server, address
    if code is None and until == end:
        raise RuntimeError("time was over before it answered")
    (work / "results" / test["name"] / f"{name}.failed").touch()
    if code is None:
        raise RuntimeError(f"did not answer within {engine['start_seconds']} s")
    raise RuntimeError(f"ended with code {code} before it answered: see {name}.log")


def answers(address, served, seconds):
    """Whether a first query is answered: it compiles kernels, and must not be measured."""
    body = {"model": served, "max_tokens": 16, "messages": [{"role": "user", "content": "a b c"}]}
    headers = {"Content-Type": "application/json"}
    query = urllib.request.Request(
        f"{address}/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(query, timeout=max(seconds, 1)) as answer:
            return answer.status == 200
    except OSError:
        return False


def stop(process):
    """End a process and all that it started."""
    for told in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, told)
            process.wait(SOON)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def measure(test, name, engine, address, folder, work, pythons, end):
    """Run the stress test beside nvidia-smi's own log; what became of it, in words."""
    words = {"name": test["model"], "model": work / "models" / test["name"]}
    settings = {
        "endpoint": address,
        "model": engine.get("served_as", "{name}").format(**words),
        "name": test["name"],
        "tokenizer": str(words["model"]),
        "aiperf": str(pythons["client"].parent / "aiperf"),
        "facts": {"model": test["model"], "engine": engine["engine"]} | test["facts"],
    }
    settings |= engine.get("settings", {}) | test["settings"]
    path = folder / "stated.json"
    write(path, json.dumps(settings, indent=1) + "\n")
    script = work / "kit/project/envs/gpu/one_test.py"
    command = [pythons["runner"], script, path, folder]
    beside = smi_log(folder)
    with open(folder / "runner.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        code = process.wait(max(end - time.monotonic(), 1))
    except subprocess.TimeoutExpired:
        return f"{name}: time was over; what was measured is kept, start again to go on"
    finally:
        for still in (process, beside):
            if still:
                stop(still)
    return "finished" if code == 0 else f"{name}: ended with code {code}: see runner.log"


def smi_log(folder):
    """Start nvidia-smi's log of power and state once a second; None where there is none."""
    if not shutil.which("nvidia-smi"):
        return None
    fields = "timestamp,index,power.draw.instant,power.draw.average,utilization.gpu"
    fields += ",memory.used,clocks.sm,temperature.gpu"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv", "-l", "1"]
    with open(folder / f"nvidia-smi-{time.time():.0f}.csv", "wb") as log:
        return subprocess.Popen(command, stdout=log, start_new_session=True)


def pack(results, back, part_mib):
    """Pack the results into parts with checksums, AIPerf's lists of requests apart.

    The lists are most of the size; the tables come back without them.
    """
    shutil.rmtree(back, ignore_errors=True)
    back.mkdir()
    lists = set(results.rglob("profile_export.jsonl"))
    others = {path for path in results.rglob("*") if path.is_file()} - lists
    for name, files in (("part", others), ("requests", lists)):
        whole = back / "whole"
        with tarfile.open(whole, "w:xz", preset=QUICK) as archive:
            for path in sorted(files):
                archive.add(path, path.relative_to(results.parent))
        split(whole, back, part_mib, name)
    say(f"to bring back: {back}")


def split(whole, folder, part_mib, name="part"):
    """Cut a file into parts of a folder, add their checksums, and remove it."""
    with open(whole, "rb") as file, open(folder / "SHA256SUMS", "a", encoding="utf-8") as sums:
        number = 0
        while piece := file.read(int(part_mib * MIB)):
            part = f"{name}-{number:03d}"
            (folder / part).write_bytes(piece)
            sums.write(f"{sha256(piece).hexdigest()}  {part}\n")
            number += 1
    whole.unlink()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), float(sys.argv[2])))
