"""Run the tests of a kit on this machine, and pack what they measured.

``unattended.py WORK MINUTES``; the kit is in WORK/kit. Needs Python alone: what else is needed is
in the kit or on the machine. Finished tests and cells are not run again.
"""

import itertools
import json
import os
import platform
import re
import shutil
import signal
import site
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

KEPT = 4096
"""Memory of GPUs for contexts, activations and graphs, in neither weights nor KV cache. [MiB]"""

LEAST_HELD = 0.5
"""Share of the requests in flight, half answered, that the KV cache must hold: the others wait."""

DONE = "all-loads-finished"
"""Mark of a test that has no load left."""

ERROR = re.compile(r"(?m)^(?!.*\b(?:INFO|WARNING)\b).*?(\b\w*(?:Error|Exception): .*)")
"""An error of a log; what a program tells and goes on is none."""


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
        card = gpu()
        for _, tests in itertools.groupby(plan["tests"], served):
            on_this = [on_card(test, plan, card) for test in tests]
            said |= run(on_this, plan, kit, work, pythons, end)
            for test in on_this:
                say(f"{test['name']}: {said[test['name']]}")
    finally:
        write(results / "outcome.json", json.dumps(said, indent=1) + "\n")
        pack(results, work / "back", plan["back_mib"])
    return 0 if all(outcome.startswith("finished") for outcome in said.values()) else 1


def minutes_of(text):
    """Minutes that the user gives."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        sys.exit(f"MINUTES is {text}; allowed is a number above 0: sh run.sh WORK 30")
    return minutes


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
        add_packages(python)
        wheels = (kit / f"{name}.txt").read_text().split()
        if wheels:
            command = [python, "-m", "pip", "install", "-qq", "--no-index", "--no-deps"]
            command += ["--disable-pip-version-check", "--no-compile"]
            command += [kit / "wheels" / wheel for wheel in wheels]
            subprocess.run(command, check=True, timeout=max(end - time.monotonic(), 1))
        mark.touch()
    return python


def add_packages(python):
    """Let an environment see the packages of this Python.

    Where this Python has an environment of its own, the system's packages are those of the Python
    below it, and no others.
    """
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [f"import site; site.addsitedir({folder!r})" for folder in site.getsitepackages()]
    write(Path(found.strip()) / "machine.pth", "\n".join(lines) + "\n")


def gpu():
    """Name of the first GPU, and memory of one [MiB]; None where there is none."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=SOON).stdout
        name, memory = shown.splitlines()[0].split(",")
        return name.strip(), float(memory)
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError):
        return None


def on_card(test, plan, card):
    """A test as this machine can run it.

    The GPU is the one that is there, and loads that its memory does not hold are left out, named
    under ``left_out``; without a known GPU all is as planned.
    """
    name = plan.get("gpus", {}).get(card[0]) if card else None
    if name is None:
        return test
    settings, facts = test["settings"], test["facts"] | {"gpu": name}
    room = cache_room(plan["models"][test["model"]], facts, card[1], plan["memory_share"])
    longest = settings["input_tokens"] + max(settings["output_tokens"])
    held = room / (settings["input_tokens"] + max(settings["output_tokens"]) / 2)
    loads = [n for n in settings["concurrency"] if room >= longest and LEAST_HELD * n <= held]
    left_out = [n for n in settings["concurrency"] if n not in loads]
    test = test | {"settings": settings | {"concurrency": loads}, "facts": facts}
    if not left_out:
        return test
    why = (
        f"concurrency {', '.join(map(str, left_out))} left out: beside the weights {card[0]} "
        f"holds the KV cache of {max(room, 0):.0f} tokens"
    )
    return test | {"left_out": why}


def cache_room(config, facts, memory, share):
    """Tokens that the KV cache of a model holds.

    Parameters
    ----------
    config : dict
        The model's config.json, of an architecture as Llama's.
    facts : dict
        n_gpus and precision, BF16 or FP8; embeddings and the last layer stay in BF16.
    memory, share : float
        Of one GPU [MiB], and what the engine may take of it [1].
    """
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    heads = 2 * (config["num_attention_heads"] + config["num_key_value_heads"])
    layer = width * (3 * config["intermediate_size"] + heads * config["head_dim"])
    weights = layers * layer * {"BF16": 2, "FP8": 1}[facts["precision"]]
    weights += 2 * 2 * config["vocab_size"] * width
    token = 2 * 2 * layers * config["num_key_value_heads"] * config["head_dim"]
    gpus = facts["n_gpus"]
    return ((share * memory - KEPT) * gpus * MIB - weights) / token


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


def served(test):
    """What a server is started for: tests in a row that agree in it share one."""
    return test["model"], test["engines"], test.get("options", []), test["facts"]


def run(tests, plan, kit, work, pythons, end):
    """Run tests with the first of their engines that answers; what became of each, in words.

    The tests share the engine. One that did not start is not tried again while another is left: it
    would cost the time of every start.
    """
    results = work / "results"
    told = {test["name"]: [test["left_out"]] if "left_out" in test else [] for test in tests}
    for name in told:
        (results / name).mkdir(exist_ok=True)
        if (results / name / DONE).exists():
            told[name].insert(0, "finished")
    left = [
        test
        for test in tests
        if test["settings"]["concurrency"] and not (results / test["name"] / DONE).exists()
    ]
    if left:
        server, failures = first_that_answers(left[0], plan, kit, work, end)
        try:
            for test in left:
                outcome = [measure(test, server, work, pythons, end)] if server else []
                told[test["name"]] = outcome + told[test["name"]] + failures
        finally:
            if server:
                stop(server["process"])
    return {name: "; ".join(parts) for name, parts in told.items()}


def first_that_answers(test, plan, kit, work, end):
    """Start the first of a test's engines that answers; it or None, and what the others said."""
    folder = work / "results" / test["name"]
    left = [name for name in test["engines"] if not (folder / f"{name}.failed").exists()]
    told = []
    for name in left or test["engines"]:
        if time.monotonic() > end:
            return None, [*told, "no time left"]
        try:
            return start(test, name, plan["engines"][name], plan, kit, work, end), told
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            told.append(f"{name}: {error}")
    return None, told


def start(test, name, engine, plan, kit, work, end):
    """Start an engine and wait until it has answered a query.

    Returns
    -------
    dict
        process, name, and settings, those with which the stress test asks it.
    """
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
    words["memory_share"] = plan.get("memory_share")
    command = [part.format(**words) for part in engine["command"] + test.get("options", [])]
    say(f"{test['name']}: starting {name}: {' '.join(command)}")
    # no engine may look for models on a network that is not there, and some list those they have
    (work / "huggingface/hub").mkdir(parents=True, exist_ok=True)
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    offline |= {"HF_HOME": str(work / "huggingface")} | engine.get("environment", {})
    path = work / "results" / test["name"] / f"{name}.log"
    with open(path, "ab") as log:
        streams = {"stdout": log, "stderr": log}
        server = subprocess.Popen(command, env=offline, start_new_session=True, **streams)
    address = f"http://127.0.0.1:{engine['port']}/v1"
    served_as = engine.get("served_as", "{name}").format(**words)
    until = min(end, time.monotonic() + engine["start_seconds"])
    answered = False
    try:
        while server.poll() is None and time.monotonic() < until and not answered:
            answered = answers(address, served_as, until - time.monotonic())
            if not answered:
                time.sleep(POLL)
        code = server.poll()
    finally:
        if not answered:
            stop(server)
    if answered:
        asked = {"endpoint": address, "model": served_as, "tokenizer": str(model)}
        asked |= {"facts": {"engine": engine["engine"]}} | engine.get("settings", {})
        return {"process": server, "name": name, "settings": asked}
    if code is None and until == end:
        raise RuntimeError("time was over before it answered")
    (work / "results" / test["name"] / f"{name}.failed").touch()
    if code is None:
        raise RuntimeError(f"did not answer within {engine['start_seconds']} s")
    raise RuntimeError(f"ended with code {code} before it answered{first_error(path)}")


def first_error(log):
    """First error of a log, which caused those after it, in words that follow others."""
    found = ERROR.search(log.read_text(encoding="utf-8", errors="replace"))
    return f": {found[1][:300]}" if found else f": see {log.name}"


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


def measure(test, server, work, pythons, end):
    """Run the stress test beside nvidia-smi's own log, load by load; what became of it, in words.

    Each run holds one load more, in the order of the plan: what time does not suffice for is the
    last, and all before it are whole.
    """
    folder, asked = work / "results" / test["name"], server["settings"]
    settings = asked | test["settings"] | {"name": test["name"]}
    settings["aiperf"] = str(pythons["client"].parent / "aiperf")
    settings["facts"] = {"model": test["model"]} | asked["facts"] | test["facts"]
    loads = settings["concurrency"]
    codes = []
    beside = smi_log(folder)
    try:
        for number in range(len(loads)):
            stated = settings | {"concurrency": loads[: number + 1]}
            codes.append(run_loads(stated, folder, work, pythons["runner"], end))
    except subprocess.TimeoutExpired:
        left = ", ".join(map(str, loads[len(codes) :]))
        return f"{server['name']}: time was over at concurrency {left}; start again to go on"
    finally:
        if beside:
            stop(beside)
    if codes[-1]:
        return f"{server['name']}: ended with code {codes[-1]}: see runner.log"
    (folder / DONE).touch()
    return "finished"


def run_loads(settings, folder, work, python, end):
    """Run a stress test to its end, and return its exit code."""
    path = folder / "stated.json"
    write(path, json.dumps(settings, indent=1) + "\n")
    command = [python, work / "kit/project/envs/gpu/one_test.py", path, folder]
    with open(folder / "runner.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        return process.wait(max(end - time.monotonic(), 1))
    finally:
        stop(process)


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
    sys.exit(main(Path(sys.argv[1]).resolve(), minutes_of(sys.argv[2])))
