"""The stress test's run: AIPerf cell by cell, power beside it, tables and report after every cell.

A cell is finished when its folder holds cell.json; finished cells are not run again.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import yaml

from inference_energy.errors import InputError
from inference_energy.stress import checks, plan, tables
from inference_energy.stress import window as stress_window
from inference_energy.stress.figures import draw
from inference_energy.stress.page import report
from inference_energy.stress.power import (
    SAMPLE_COLUMNS,
    SAMPLED,
    SCOPES,
    check_idle,
    clock_offset,
    meter_samples,
    power_sources,
    telemetry_samples,
    total_energy,
)
from inference_energy.stress.settings import form, setting_problems
from inference_energy.tables import load_schema, write_table, write_text
from inference_energy.units import SECONDS_PER_MINUTE

ROOT = Path(__file__).resolve().parents[3]


KEY = "OPENAI_API_KEY"


COLLECTORS = {"nvml": "pynvml", "amdsmi": "amdsmi", "dcgm": "dcgm"}


OUTLASTS = 3


POLL, PATIENCE = 0.2, 5.0


STOP = threading.Event()


IDENTITY = (
    "endpoint",
    "model",
    "lengths",
    "input_tokens",
    "seed",
    "window",
    "rounds",
    "extra_inputs",
)


def say(text):
    """Show progress, with the time of day."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def prepare(settings):
    """Check the settings and derive from them what the run needs."""
    problems = setting_problems(settings)
    if problems:
        raise InputError(problems)
    lengths = settings["output_tokens"] or plan.ladder(
        settings["shortest"], settings["factor"], settings["steps"]
    )
    return settings | {"lengths": sorted(lengths), "with_key": bool(os.environ.get(KEY))}


def find_aiperf(given):
    """Path of AIPerf: the one given, that of .venv-stress, or that on PATH."""
    candidates = [given] if given else [str(ROOT / ".venv-stress/bin/aiperf"), "aiperf"]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return found
    raise InputError(
        f"AIPerf is not installed (looked for {', '.join(candidates)}): run `make stress-env`, "
        f"which installs it into .venv-stress, or name it with {form('aiperf: PATH')}"
    )


def is_local(endpoint):
    """Whether the endpoint is on this machine."""
    host = urlsplit(endpoint).hostname
    return host in ("localhost", "::1", socket.gethostname()) or host.startswith("127.")


def find_sources(settings):
    """Power sources: those named, or with `auto` those that answer."""
    local = is_local(settings["endpoint"])
    if settings["power"] != "auto":
        sources = power_sources(settings["power"])
        wrong = [kind for kind, target in sources if not target and not local]
        if wrong:
            raise InputError(
                f"power: {', '.join(wrong)} would measure this machine, but the endpoint is on "
                f"{urlsplit(settings['endpoint']).hostname}: run the test there, or name its DCGM "
                "exporter or a meter's file"
            )
        absent = [
            target for kind, target in sources if kind == "file" and not Path(target).exists()
        ]
        if absent:
            raise InputError(f"power: {', '.join(absent)}: no such file")
        return sources
    exporter = f"http://{urlsplit(settings['endpoint']).hostname}:9400/metrics"
    if b"DCGM_FI_DEV_POWER_USAGE" in _fetch(exporter):
        return [("dcgm", exporter)]
    sources = []
    if local and Path("/proc/driver/nvidia/version").exists():
        sources.append(("nvml", ""))
    zones = sorted(Path("/sys/class/powercap").glob("intel-rapl:*/energy_uj"))
    if local and zones and os.access(zones[0], os.R_OK):
        sources.append(("rapl", ""))
    if local and Path("/dev/ipmi0").exists() and shutil.which("ipmitool"):
        sources.append(("ipmi", ""))
    return sources


def _fetch(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.read()
    except OSError:
        return b""


def telemetry_section(sources):
    """AIPerf's own section on GPU telemetry."""
    own = [kind for kind, _ in sources if kind in COLLECTORS]
    if not own:
        return {"enabled": False}
    section = {"enabled": True, "collector": COLLECTORS[own[0]]}
    addresses = [target for kind, target in sources if kind == "dcgm"]
    return section | ({"urls": addresses} if addresses else {})


def stop_when_told():
    """Let an interruption end the client and its workers before this process.

    A flag, not an exception: tables and figures that are being written are finished first.
    """
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, lambda *arguments: STOP.set())


def _end(client):
    """End a client and all its workers."""
    os.killpg(client.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
    client.wait()


class StressTest:
    """One stress test in its folder."""

    def __init__(self, settings, folder, published):
        self.settings, self.folder, self.published = settings, folder, published
        self.aiperf = find_aiperf(settings["aiperf"])
        self.sources = find_sources(settings)
        settings["telemetry"] = telemetry_section(self.sources)
        self.cells = plan.plan(
            settings["lengths"],
            settings["concurrency"],
            settings["repetitions"],
            settings["seed"],
        )
        settings["planned"] = len(self.cells)
        self.prediction = self._prediction()
        self.measured = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._same_test()

    def _same_test(self):
        """Refuse to mix the cells of two tests in one folder."""
        path = self.folder / "settings.json"
        mine = {key: self.settings[key] for key in IDENTITY}
        if path.exists():
            other = json.loads(path.read_text(encoding="utf-8"))
            changed = [key for key in IDENTITY if other.get(key) != mine[key]]
            if changed:
                raise InputError(
                    f"{path}: was measured with other settings ({', '.join(changed)}): give this "
                    f"test another name ({form('name: NAME')}), or delete the folder"
                )
        write_text(path, json.dumps(mine, indent=1) + "\n")

    def _prediction(self):
        path = self.settings["prediction"]
        if not path:
            return {}
        table = pd.read_csv(path)
        if not {"output_tokens", "energy_wh"} <= set(table):
            raise InputError(f"{path}: columns output_tokens and energy_wh are needed")
        return dict(zip(table["output_tokens"], table["energy_wh"], strict=True))

    def run(self):
        """Run what is not finished; report after every cell."""
        if not self.sources:
            say("power source: none found; throughput and latency only")
        else:
            say("power source: " + self._named_sources())
        samplers = [self._sampler(kind) for kind, _ in self.sources if kind in SAMPLED]
        try:
            pilots = {c: self._pilot(c) for c in self.settings["concurrency"]}
            for number, cell in enumerate(self.cells.to_dict("records"), start=1):
                if self._cell(number, cell, pilots[cell["concurrency"]]):
                    self.publish()
            self.publish()
        finally:
            for sampler in samplers:
                sampler.terminate()
                sampler.wait()

    def _named_sources(self):
        return ", ".join(target or kind for kind, target in self.sources)

    def _sampler(self, kind):
        python = Path(self.aiperf).parent / "python" if kind == "zeus" else sys.executable
        script = Path(__file__).parent / "sampler.py"
        command = [python, script, kind, self.folder / f"power-{kind}.csv"]
        return subprocess.Popen(command, start_new_session=True)

    def _pilot(self, concurrency):
        """Send the longest query once at full load: is it delivered, and how long does it take."""
        length = max(self.settings["lengths"])
        folder = self.folder / f"pilot-conc{concurrency:04d}"
        if not (folder / "cell.json").exists():
            say(f"pilot: {concurrency} x {length} tokens")
            stop = {"requests": concurrency}
            self._aiperf(folder, length, concurrency, self.settings["seed"], 2 * concurrency, stop)
        requests = plan.requests_of(_lines(folder / "profile_export.jsonl"))
        findings = checks.check_errors(requests, self.settings["error_limit"])
        findings += checks.check_lengths(requests, length, self.settings["length_tolerance"])
        refused = [
            f"pilot, {concurrency} requests at once: {f.message}" for f in findings if f.refuses
        ]
        if refused:
            shutil.rmtree(folder)
            raise InputError(refused)
        latency = requests[~requests["failed"]]["latency_s"].mean()
        window = plan.window_seconds(self.settings["window"], self.settings["rounds"], latency)
        return {"window": window, "token_seconds": latency / length}

    def _cell(self, number, cell, pilot):
        """Run one cell unless it is finished; whether it was run."""
        folder = self.folder / cell["cell"]
        length, concurrency = cell["output_tokens"], cell["concurrency"]
        window = pilot["window"]
        prompts = plan.prompts_needed(window, concurrency, length, pilot["token_seconds"])
        label = f"cell {number} of {len(self.cells)}: {length} tokens, {concurrency} at once"
        label += f", repetition {cell['repetition']}"
        finished = (folder / "cell.json").exists()
        if finished:
            say(f"{label}: finished before")
        else:
            left = sum(
                not (self.folder / name / "cell.json").exists() for name in self.cells["cell"]
            )
            minutes = left * window / SECONDS_PER_MINUTE
            say(f"{label}: {window:.0f} s; about {minutes:.0f} minutes to go")
            stop = {
                "duration": window,
                "gracePeriod": OUTLASTS * float(self.settings["request_timeout"]),
            }
            self._aiperf(folder, length, concurrency, cell["seed"], prompts, stop)
        self.measured[cell["cell"]] = self._measure(folder, cell)
        return not finished

    def _aiperf(self, folder, length, concurrency, seed, prompts, stop):
        """Run AIPerf once into `folder`; its finished mark is written last."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        config = plan.aiperf_config(
            self.settings, str(folder), length, concurrency, seed, prompts, stop
        )
        write_text(folder / "aiperf.yaml", yaml.safe_dump(config, sort_keys=False))
        addresses = [target for kind, target in self.sources if kind == "dcgm"]
        environment = os.environ | {"AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS": json.dumps(addresses)}
        command = [self.aiperf, "profile", "--config", str(folder / "aiperf.yaml"), "--ui", "none"]
        log = folder / "aiperf.log"
        with open(log, "wb") as file:
            client = subprocess.Popen(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            while client.poll() is None:
                if STOP.wait(POLL):
                    _end(client)
                    sys.exit("stopped; what was measured is kept: start again to go on")
        code = client.returncode
        summary = folder / "profile_export_aiperf.json"
        if code or not summary.exists() or json.loads(summary.read_bytes())["was_cancelled"]:
            records = folder / "profile_export.jsonl"
            requests = plan.requests_of(_lines(records)) if records.exists() else None
            answers = [] if requests is None else checks.check_errors(requests, 0)
            raise InputError(
                [
                    *(finding.message for finding in answers),
                    f"AIPerf failed (exit code {code}); its log is {log}. What was measured is "
                    "kept: start again to go on",
                ]
            )
        mark = {"prompts": prompts, "stop": stop, "seed": seed}
        write_text(folder / "cell.json", json.dumps(mark) + "\n")

    def _measure(self, folder, cell):
        """Everything about one finished cell that does not need the other cells."""
        records = list(_lines(folder / "profile_export.jsonl"))
        requests = plan.requests_of(records)
        warmup = plan.requests_of(records, "warmup")
        findings = checks.check_errors(requests, self.settings["error_limit"])
        findings += checks.check_lengths(
            requests, cell["output_tokens"], self.settings["length_tolerance"]
        )
        findings += checks.check_stream(requests)
        prompts = json.loads((folder / "cell.json").read_text(encoding="utf-8"))["prompts"]
        findings += checks.check_cache(requests, prompts)
        window, found = stress_window.steady_window(
            requests[~requests["failed"]], cell["concurrency"]
        )
        findings += found
        row = {key: cell[key] for key in ("cell", "output_tokens", "concurrency", "repetition")} | {
            "status": "refused",
            "requests": len(requests),
            "failed": requests["failed"].sum(),
        }
        if window:
            row |= tables.performance(requests, window)
            if not any(finding.refuses == "all" for finding in findings):
                row["status"] = "measured"
        telemetry = folder / "gpu_telemetry_export.jsonl"
        addresses = {target for kind, target in self.sources if kind == "dcgm"}
        samples = telemetry_samples(_lines(telemetry) if telemetry.exists() else [], addresses)
        begun = pd.concat([warmup["start_s"], requests["start_s"]]).min()
        return {
            "row": row,
            "window": window,
            "findings": findings,
            "requests": requests,
            "samples": samples,
            "begun": begun,
        }

    def publish(self):
        """Write all tables, the figure and the report from the cells measured so far."""
        findings = [(name, *f) for name, cell in self.measured.items() for f in cell["findings"]]
        rows = []
        for kind in dict(self.sources):
            found, more = self._power(kind)
            rows += found
            findings += more
        cells = pd.DataFrame([cell["row"] for cell in self.measured.values()])
        names = list(load_schema("stress_power")["properties"])
        power = pd.DataFrame(rows, columns=names)
        energy = tables.energy_table(power, self.settings["confidence"])
        ratios = tables.ratio_table(
            power, self.published, self.prediction, self.settings["confidence"]
        )
        columns = ["cell", "kind", "refuses", "message"]
        notes = pd.DataFrame(findings, columns=columns).drop_duplicates(ignore_index=True)
        notes["refuses"] = notes["refuses"].replace("", None)
        for frame, name in (
            (cells, "cells"),
            (power, "power"),
            (energy, "energy"),
            (ratios, "ratio"),
            (notes, "findings"),
        ):
            write_table(frame, self.folder / f"{name}.csv", f"stress_{name}")
        sources = [target or kind for kind, target in self.sources]
        text = report(self.settings, cells, power, energy, ratios, notes, sources)
        write_text(self.folder / "report.md", text)
        draw(cells, energy, self.folder / "report.svg")

    def _power(self, kind):
        """Rows of the power table, and findings, for one kind of source."""
        scope, findings = SCOPES[kind], []
        source = ", ".join(target or name for name, target in self.sources if name == kind)
        meters = None if kind in COLLECTORS else self._meters(kind, source)
        if kind == "file":
            meters, findings = self._aligned(meters)
            if meters is None:
                return [], findings
        expected = self._expected() if scope == "gpu" else None
        if scope == "gpu" and expected is None:
            message = "gpus is not given: all GPUs seen are charged, a missing one goes unnoticed"
            findings.append(("all", "gpus", "", message))
        ends = np.sort([cell["requests"]["end_s"].max() for cell in self.measured.values()])
        rows = []
        for name, cell in self.measured.items():
            if cell["row"]["status"] != "measured":
                continue
            start, end = cell["window"]
            samples = cell["samples"] if meters is None else meters
            energy, found = total_energy(samples, start, end, expected)
            before = ends[ends < cell["begun"]]
            rested = samples[samples["time_s"] > (before[-1] if len(before) else -np.inf)]
            found += check_idle(rested, cell["begun"], cell["window"])
            findings += [(name, *finding) for finding in found]
            inside = samples[samples["time_s"].between(start, end)]
            row = cell["row"]
            rows.append(
                {key: row[key] for key in ("cell", "output_tokens", "concurrency", "repetition")}
                | {
                    "scope": scope,
                    "source": source,
                    "energy_j": energy,
                    "power_w": energy / (end - start),
                    "utilisation": inside["utilisation"].mean(),
                    "energy_wh": tables.energy_per_query(
                        energy, row["window_tokens"], row["delivered_tokens"]
                    ),
                }
            )
        return rows, findings

    def _expected(self):
        gpus = self.settings["gpus"]
        return [f"gpu {index}" for index in gpus] if isinstance(gpus, list) else gpus

    def _meters(self, kind, source):
        """Samples of a sampler of ours or of the user's meter file."""
        path = Path(source) if kind == "file" else self.folder / f"power-{kind}.csv"
        if not path.exists():
            return pd.DataFrame(columns=SAMPLE_COLUMNS)
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return meter_samples(table, path.name)

    def _aligned(self, meters):
        """A meter's samples on the client's clock."""
        offset = self.settings["meter_offset"]
        findings = []
        if offset is None:
            requests = pd.concat([cell["requests"] for cell in self.measured.values()])
            first = meters[meters["meter"] == meters["meter"].iloc[0]]
            offset, correlation, step = clock_offset(requests["start_s"], requests["end_s"], first)
            if np.isnan(offset):
                return None, [
                    (
                        "all",
                        "clock",
                        "energy",
                        f"the meter's clock cannot be told from load and power (correlation "
                        f"{correlation:.2f}): give meter_offset=SECONDS (meter minus client)",
                    )
                ]
            if abs(offset) > step:
                message = (
                    f"the meter's clock is {offset:+.1f} s from the client's (by correlation "
                    f"{correlation:.2f} of load and power, known to {step:.1f} s); corrected"
                )
                findings.append(("all", "clock", "", message))
        return meters.assign(time_s=meters["time_s"] - offset), findings


def _lines(path):
    """JSON objects of a file, one a line."""
    with open(path, encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


POWER_SCHEMA = "workflow/schemas/tables/stress/stress_power.schema.yaml"
