"""The stress test's run: AIPerf cell by cell, power beside it, tables and report after every cell.

A cell is finished when its folder holds cell.json; finished cells are not run again.
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypedDict

import numpy as np
import pandas as pd
import yaml

from inference_energy.errors import InputError
from inference_energy.screen import SHELL_SIGNAL
from inference_energy.stress import checks, client, plan, tables
from inference_energy.stress import window as stress_window
from inference_energy.stress.forecast import NOTHING, Forecast
from inference_energy.stress.plan import Measured
from inference_energy.stress.power import telemetry_samples
from inference_energy.stress.power_sources import (
    COLLECTORS,
    SAMPLED,
    check_power_sources,
    find_power_sources,
    telemetry_section,
)
from inference_energy.stress.probe import PATIENCE, Answered, probe
from inference_energy.stress.records import (
    SUMMARY,
    check_damaged,
    is_request,
    is_sample,
    read_lines,
    read_summary,
)
from inference_energy.stress.results import GONE, publish
from inference_energy.stress.settings import (
    KEY,
    RUNS,
    form,
    key_problems,
    lock,
    setting_problems,
)
from inference_energy.tables import LARGEST, decode, read_bytes, write_text
from inference_energy.units import GIGA, SECONDS_PER_MINUTE
from inference_energy.web import end_requests, on_one_line

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = Path(__file__).resolve().parents[2]

SAMPLER = "inference_energy.stress.sampler"


TELEMETRY_FILE = "gpu_telemetry_export.jsonl"
"""AIPerf's samples of GPUs, in the folder of a run."""


MARK = "cell.json"
"""File of a finished cell's folder that is written last."""


OUTLASTS = 3


SILENT = 5.0
"""After so long a server that has not answered is said to be silent [s]."""


PATIENT, LEAST_LIMIT = 10, 60.0
"""A request may take so many times the latency that a pilot or the quick check tells of: other
prompts are slower, as those that a server guesses less well. And at least so long [s]: some kernels
are compiled when they are first used."""


FIRST_READING = 10.0
"""Longest wait for the first reading of a meter of this machine [s]."""


OVERHEAD = 20.0
"""Time that AIPerf takes beside a window, until it is known [s]."""


RECOVERY, PAUSE = 600.0, 15.0
"""A server that is gone is waited for so long: a model takes minutes to load. It is asked every so
often. [s]"""


SERVER_ERROR = 500
"""Codes of HTTP from here on are of a server, or a proxy before it, that cannot answer."""


COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MOST_SAID = 200
BOX = "│─╭╮╰╯"


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
    "tokenizer",
    "legacy_max_tokens",
)
"""Settings without which cells are of another test."""

NOTED_SINCE = ("tokenizer", "legacy_max_tokens")
"""Those that a test of an earlier version did not note."""


class Pilot(TypedDict):
    """What a pilot tells of its load [s]: the window, the longest query's time per token, whole."""

    window: float
    token_seconds: float
    latency: float


def say(text: str) -> None:
    """Show progress, with the time of day."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def prepare(settings: dict[str, Any]) -> dict[str, Any]:
    """Check the settings and derive from them what the run needs."""
    problems = setting_problems(settings) + key_problems(os.environ.get(KEY))
    if problems:
        raise InputError(problems)
    lengths = settings["output_tokens"] or plan.ladder(
        settings["shortest"], settings["factor"], settings["steps"]
    )
    return settings | {"lengths": sorted(lengths), "with_key": bool(os.environ.get(KEY))}


def find_aiperf(given: str | None) -> str:
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


def stop_when_told() -> None:
    """Let an interruption end the client and its workers before this process.

    A flag, not an exception: tables and figures that are being written are finished first. A
    request of its own to the server, which may be waited for by the minute, ends at once.
    """
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, _stop)


def _stop(*_: object) -> None:
    STOP.set()
    end_requests()


class _UnansweredError(InputError):
    """A pilot whose requests the server, or the client, did not bring to an end."""


class StressTest:
    """One stress test in its folder."""

    def __init__(
        self, settings: dict[str, Any], folder: Path, published: float, forecast: Forecast = NOTHING
    ) -> None:
        self.settings, self.folder, self.published = settings, folder, published
        self.forecast = forecast
        self.aiperf = find_aiperf(settings["aiperf"])
        self.power_sources = find_power_sources(settings)
        self.cells = plan.plan(
            settings["lengths"],
            settings["concurrency"],
            settings["repetitions"],
            settings["seed"],
        )
        settings["planned"] = len(self.cells)
        self.predictions = self._predictions()
        self.measured: dict[str, Measured] = {}
        self.pilots: list[pd.DataFrame] = []
        self.pilot_samples: list[pd.DataFrame] = []
        self.remarks: list[plan.Finding] = []
        self.token_seconds: float | None = None
        self.key = os.environ.get(KEY)
        folder.mkdir(parents=True, exist_ok=True)
        settings["telemetry"] = telemetry_section(self.power_sources, folder / "dcgm-metrics.csv")
        self._same_test()

    def _same_test(self) -> None:
        """Refuse to mix the cells of two tests in one folder."""
        path = self.folder / "settings.json"
        mine = {key: self.settings[key] for key in IDENTITY}
        if path.exists():
            try:
                other = dict(json.loads(path.read_bytes()))
            except (ValueError, TypeError, RecursionError):
                raise InputError(
                    f"{path}: is damaged; give this test another name ({form('name: NAME')}), or "
                    "delete the folder"
                ) from None
            other = {key: mine[key] for key in NOTED_SINCE} | other
            changed = [key for key in IDENTITY if other.get(key) != mine[key]]
            if changed:
                raise InputError(
                    f"{path}: was measured with other settings ({', '.join(changed)}): give this "
                    f"test another name ({form('name: NAME')}), or delete the folder"
                )
        write_text(path, json.dumps(mine, indent=1) + "\n")

    def _predictions(self) -> dict[str, dict[float, float]]:
        """Predicted energies per query [Wh] by output tokens, by name."""
        files = self.settings["prediction"] or {}
        files = {"stated": files} if isinstance(files, str) else files
        found = {}
        for name, path in files.items():
            found[name] = _prediction(path)
        return found

    def run(self) -> None:
        """Run what is not finished, alone in the folder; report after every cell."""
        held = lock(self.folder, RUNS)
        try:
            self._run()
        except InputError:
            # of a request that was ended here it is said that the server did not answer
            if not STOP.is_set():
                raise
            _end()
        except client.StoppedError:
            _end()
        finally:
            held.close()

    def _run(self) -> None:
        client.redact(self.folder, self.key)
        if not self.power_sources:
            say("power source: none found; throughput and latency only")
        else:
            say("power source: " + ", ".join(source.named for source in self.power_sources))
        if self.forecast.reason and self.settings["facts"]:
            say(f"no prediction of the law and methods: {self.forecast.reason}")
        if self.unfinished():
            check_power_sources(self.power_sources, self.settings["meter_zone"])
            self.remarks, self.token_seconds = _asked(self.settings, self.key)
        for remark in self.remarks:
            say(remark.message)
        samplers = {s.kind: self._sampler(s.kind) for s in self.power_sources if s.kind in SAMPLED}
        try:
            self._await_readings(samplers)
            pilots = self._pilots()
            for number, cell in enumerate(self.cells.to_dict("records"), start=1):
                _check_samplers(samplers, self.folder)
                if cell["concurrency"] not in pilots:
                    continue
                if self._cell(number, cell, pilots):
                    self._tell(self.publish(), cell["cell"])
                if self._lost(cell["cell"]) and self._seconds_left(pilots, number + 1) > 0:
                    self._await_server()
            findings = self.publish()
        finally:
            for sampler in samplers.values():
                sampler.terminate()
                sampler.wait()
        gone = findings[findings["kind"] == GONE]["message"]
        if len(gone):
            raise InputError(list(gone))

    def publish(self) -> pd.DataFrame:
        """Write all tables, figures and the report from the cells run so far; its findings."""
        return publish(self)

    def _tell(self, findings: pd.DataFrame, cell: str) -> None:
        """Say at once why a cell or its energy is not used: hours of the same may follow."""
        refused = findings.dropna(subset=["refuses"])
        # what comes first is the cause
        for row in refused[refused["cell"].isin([cell, "all"])].head(1).itertuples():
            what = "cell" if row.refuses == "all" else "energy"
            say(f"{cell}: {what} not used: {row.message}")

    def _sampler(self, kind: str) -> subprocess.Popen[bytes]:
        python = Path(self.aiperf).parent / "python" if kind == "zeus" else sys.executable
        command = [python, "-m", SAMPLER, kind, self.folder / f"power-{kind}.csv"]
        # the Python of the client knows where the library is by this alone
        where = os.environ | {"PYTHONPATH": str(LIBRARY)}
        with open(_last_words(self.folder, kind), "wb") as log:
            return subprocess.Popen(command, env=where, stderr=log, start_new_session=True)

    def _await_readings(self, samplers: Mapping[str, subprocess.Popen[bytes]]) -> None:
        """Wait for the first readings of meters, so that one that tells none ends no pilot."""
        last = time.monotonic() + FIRST_READING
        files = [self.folder / f"power-{kind}.csv" for kind in samplers]
        while time.monotonic() < last and not all(_holds_reading(path) for path in files):
            _check_samplers(samplers, self.folder)
            if STOP.wait(client.POLL):
                raise client.StoppedError

    def _pilots(self) -> dict[int, Pilot]:
        """What the pilot of each load tells; without an answer to it the load's cells are refused.

        Raises
        ------
        InputError
            If no pilot is answered, or most answers of one have another length than asked for.
        """
        pilots: dict[int, Pilot] = {}
        failed: dict[int, list[str]] = {}
        loads = self.settings["concurrency"]
        for concurrency in loads:
            try:
                pilots[concurrency] = self._pilot(concurrency, pilots)
            except _UnansweredError as error:
                failed[concurrency] = error.problems
                say("; ".join(error.problems))
                if pilots or concurrency != loads[-1]:
                    self._await_server()
        if not pilots:
            raise InputError([problem for problems in failed.values() for problem in problems])
        for cell in self.cells[self.cells["concurrency"].isin(failed)].to_dict("records"):
            finished = read_mark(self.folder / cell["cell"])
            self.measured[cell["cell"]] = (
                self._measure(self.folder / cell["cell"], cell)
                if finished
                else _failed_cell(cell, failed[cell["concurrency"]])
            )
        return pilots

    def _pilot(self, concurrency: int, pilots: Mapping[int, Pilot]) -> Pilot:
        """Send the longest query once at full load: is it delivered, and how long does it take."""
        length = max(self.settings["lengths"])
        folder = self.folder / f"pilot-conc{concurrency:04d}"
        if not read_mark(folder):
            label = f"pilot: {concurrency} x {length} tokens"
            cell: dict[Hashable, Any] = {"output_tokens": length, "concurrency": concurrency}
            known = {load: pilot["latency"] for load, pilot in pilots.items()}
            latencies = [known[load] * max(1, concurrency / load) for load in known]
            if self.token_seconds:
                latencies.append(self.token_seconds * length * concurrency)
            limit = self._limit(latencies)
            say(f"{label}; up to {_lasting(limit)} for a request")
            problems = self._aiperf(
                folder,
                cell | {"seed": plan.prompt_seed(self.settings["seed"], length, concurrency)},
                concurrency,
                {"requests": concurrency},
                limit,
                client.STARTING + 2 * limit,
                lambda elapsed: self._progress(folder, label, elapsed),
            )
            if problems:
                raise _UnansweredError([f"{label}: {problem}" for problem in problems])
            self._check_watched(folder)
        records, damaged = read_lines(folder / "profile_export.jsonl", is_request)
        requests = self._marked(plan.requests_of(records), length)
        self.pilots.append(requests)
        self.pilot_samples.append(self._samples(folder)[0])
        findings = self._check_damaged(damaged, records)
        findings += checks.check_errors(requests, self.settings["error_limit"])
        findings += checks.check_lengths(requests, length, self.settings["length_tolerance"])
        refused = [
            f"pilot, {concurrency} requests at once: {f.message}" for f in findings if f.refuses
        ]
        if refused:
            shutil.rmtree(folder)
            kinds = {finding.kind for finding in findings if finding.refuses}
            # a server that can answer as asked, or fails, may do so at another load
            whole = checks.are_whole(requests, length, self.settings["length_tolerance"]).mean()
            of_load = "errors" in kinds or whole > checks.MOST
            raise (_UnansweredError if of_load else InputError)(refused)
        latency = requests[~requests["failed"]]["latency_s"].mean()
        window = plan.window_seconds(
            self.settings["window"], self.settings["rounds"], latency, concurrency
        )
        return {"window": window, "token_seconds": latency / length, "latency": float(latency)}

    def _check_watched(self, folder: Path) -> None:
        """Refuse meters that AIPerf is to read and did not in a pilot: cells would have no energy.

        The pilot is run again once they can be read.
        """
        kinds = [source.kind for source in self.power_sources if source.kind in COLLECTORS]
        if kinds and not read_lines(folder / TELEMETRY_FILE, is_sample)[0]:
            shutil.rmtree(folder)
            raise InputError(
                f"power: {kinds[0]}: AIPerf has no reading of a GPU: look whether one is seen "
                "where it runs (nvidia-smi, amd-smi; a container needs the driver's library), name "
                "another source, or give power: none to test without energy"
            )

    def _cell(self, number: int, cell: plan.Cell, pilots: Mapping[int, Pilot]) -> bool:
        """Run one cell unless it is finished; whether it was run.

        A cell that fails, or whose requests do, is refused, and tried again when the test is
        started again; the test goes on unless the server is gone.
        """
        folder = self.folder / cell["cell"]
        pilot = pilots[cell["concurrency"]]
        window = pilot["window"]
        label = f"cell {number} of {len(self.cells)}: {cell['output_tokens']} tokens, "
        label += f"{cell['concurrency']} at once, repetition {cell['repetition']}"
        before = self._measure(folder, cell) if read_mark(folder) else None
        if before is not None and _requests_failed(before):
            before = None
        problems: list[str] = []
        if before is not None:
            say(f"{label}: finished before")
        else:
            expected = self._expected_seconds(pilot)
            left = _lasting(self._seconds_left(pilots, number))
            say(f"{label}: window {window:.0f} s; about {left} to go")
            limit = self._limit([pilot["latency"]])
            prompts = plan.prompts_needed(
                window, cell["concurrency"], cell["output_tokens"], pilot["token_seconds"]
            )
            problems = self._aiperf(
                folder,
                cell,
                prompts,
                {"duration": window, "gracePeriod": OUTLASTS * limit},
                limit,
                client.STARTING + window + OUTLASTS * limit,
                lambda elapsed: self._progress(folder, label, elapsed, expected),
            )
        if problems:
            say(f"{label}: " + "; ".join(problems))
            self.measured[cell["cell"]] = _failed_cell(cell, problems)
            self.publish()
            return False
        self.measured[cell["cell"]] = self._measure(folder, cell) if before is None else before
        return before is None

    def _limit(self, latencies: Sequence[float]) -> float:
        """Time that a request may take, by latencies that are known [s].

        A server that answers one request after another takes as many times as long for a load as
        that is larger; none is slower than that, and so a known load bounds others.
        """
        limit = float(self.settings["request_timeout"])
        return min([limit, *(max(LEAST_LIMIT, PATIENT * latency) for latency in latencies)])

    def _await_server(self) -> None:
        """Wait until the server answers; raise what is wrong with it when it does not."""
        last = time.monotonic() + RECOVERY
        while True:
            try:
                probe(self.settings, self.key)
                return
            except InputError as error:
                if STOP.is_set() or time.monotonic() > last:
                    raise
                say(f"waiting for the server, up to {last - time.monotonic():.0f} s: {error}")
            if STOP.wait(PAUSE):
                raise client.StoppedError

    def unfinished(self) -> list[str]:
        """Names of the cells that are to be run, in their order."""
        return [
            name
            for name in self.cells["cell"]
            if not read_mark(self.folder / name)
            or (name in self.measured and _requests_failed(self.measured[name]))
        ]

    def _lost(self, name: str) -> bool:
        """Whether a cell is not finished, and ended without an answer of the server."""
        return name in self.unfinished() and _unanswered(self.measured[name])

    def _seconds_left(self, pilots: Mapping[int, Pilot], number: int) -> float:
        """Time that the cells from a number on take that are not finished [s]."""
        left = self.cells[number - 1 :]
        loads = left[left["cell"].isin(self.unfinished())]["concurrency"].tolist()
        return sum(self._expected_seconds(pilots[load]) for load in loads if load in pilots)

    def _expected_seconds(self, pilot: Pilot) -> float:
        """Time that a cell takes, with the client's own start and end [s]."""
        marks = [read_mark(self.folder / name) for name in self.cells["cell"]]
        beside = [mark["seconds"] - mark["stop"]["duration"] for mark in marks if "seconds" in mark]
        more = float(np.mean(beside)) if beside else pilot["latency"] + OVERHEAD
        return max(pilot["window"] + more, 0.0)

    def _progress(
        self, folder: Path, label: str, elapsed: float, expected: float | None = None
    ) -> None:
        """Say how far a run of the client is."""
        told = f"{elapsed:.0f} s gone"
        if expected:
            told += f" of about {expected:.0f} s"
        say(f"{label}: {told}, {client.answered(folder)} requests written down")

    def _aiperf(
        self,
        folder: Path,
        cell: plan.Cell,
        prompts: int,
        stop: dict[str, float],
        limit: float,
        deadline: float,
        progress: Callable[[float], None],
    ) -> list[str]:
        """Run AIPerf once into `folder`; its finished mark is written last.

        Returns
        -------
        list of str
            Why it failed; empty when it did not.
        """
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        length, concurrency, seed = cell["output_tokens"], cell["concurrency"], cell["seed"]
        settings = self.settings | {"request_timeout": limit}
        config = plan.aiperf_config(settings, str(folder), length, concurrency, seed, prompts, stop)
        write_text(folder / "aiperf.yaml", yaml.safe_dump(config, sort_keys=False))
        addresses = [source.target for source in self.power_sources if source.kind == "dcgm"]
        environment = client.environment(self.settings["endpoint"], addresses)
        command = [self.aiperf, "profile", "--config", str(folder / "aiperf.yaml"), "--ui", "none"]

        began = time.monotonic()
        most = client.most_memory(concurrency * length)
        try:
            code = client.run(command, folder, environment, deadline, most, STOP, progress)
        except client.GrownError:
            return [
                f"AIPerf took more than {most / GIGA:.3g} GB of memory and was ended: look at what "
                "the server answers, which may have no end; where its answers are as asked for, "
                "lower concurrency, or run the test on a machine with more memory; this cell is "
                "tried again when the test is started again"
            ]
        finally:
            client.redact(folder, self.key)
        problems = _problems(folder, code, deadline)
        if not problems:
            mark = {"prompts": prompts, "stop": stop, "seed": seed}
            mark["seconds"] = round(time.monotonic() - began, 1)
            write_text(folder / MARK, json.dumps(mark) + "\n")
        return problems

    def _marked(self, requests: pd.DataFrame, length: int) -> pd.DataFrame:
        """Requests of one length, of which the few that broke off count as failed."""
        tolerance, limit = self.settings["length_tolerance"], self.settings["error_limit"]
        return checks.mark_broken(requests, length, tolerance, limit)

    def _samples(self, folder: Path) -> tuple[pd.DataFrame, list[plan.Finding]]:
        """Samples of GPUs that AIPerf took in a run, and findings on damaged ones."""
        readings, damaged = read_lines(folder / TELEMETRY_FILE, is_sample)
        addresses = {source.target for source in self.power_sources if source.kind == "dcgm"}
        found = check_damaged("AIPerf's telemetry", damaged, len(readings), 1.0)
        return telemetry_samples(readings, addresses), found

    def _check_damaged(
        self, damaged: int, records: Sequence[Mapping[str, Any]]
    ) -> list[plan.Finding]:
        limit = self.settings["error_limit"]
        return check_damaged("AIPerf's records", damaged, len(records), limit)

    def _measure(self, folder: Path, cell: plan.Cell) -> Measured:
        """Everything about one finished cell that does not need the other cells."""
        records, damaged = read_lines(folder / "profile_export.jsonl", is_request)
        requests = self._marked(plan.requests_of(records), cell["output_tokens"])
        warmup = plan.requests_of(records, "warmup")
        findings = self._check_damaged(damaged, records)
        findings += checks.check_errors(requests, self.settings["error_limit"])
        findings += checks.check_lengths(
            requests, cell["output_tokens"], self.settings["length_tolerance"]
        )
        findings += checks.check_stream(requests)
        findings += checks.check_cache(requests, read_mark(folder)["prompts"])
        window, found = stress_window.steady_window(
            requests[~requests["failed"]], cell["concurrency"]
        )
        findings += found
        row = _row(cell) | {"requests": len(requests), "failed": requests["failed"].sum()}
        if window:
            row |= tables.performance(requests, window)
            if not any(finding.refuses == "all" for finding in findings):
                row["status"] = "measured"
        samples, found = self._samples(folder)
        findings += found
        everything = pd.concat([warmup, requests], ignore_index=True)
        return {
            "row": row,
            "window": window,
            "findings": findings,
            "requests": everything,
            "samples": samples,
            "begun": everything["start_s"].min(),
        }


def _unanswered(measured: Measured) -> bool:
    """Whether a cell's client failed, or its last request did for want of a server."""
    requests = measured["requests"]
    if requests.empty:
        return True
    last = requests.sort_values("end_s").iloc[-1]
    return bool(last["failed"] and not last["code"] < SERVER_ERROR)


def read_mark(folder: Path) -> dict[str, Any]:
    """What was noted of a finished cell or pilot.

    Returns
    -------
    dict
        prompts, stop, seed, seconds; empty where it is not finished, or the note is damaged.
    """
    try:
        mark = json.loads((folder / MARK).read_bytes())
        whole = {"prompts", "stop"} <= mark.keys() and isinstance(mark["stop"], dict)
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return mark if whole else {}


def _asked(settings: Mapping[str, Any], key: str | None) -> Answered:
    """Ask the server once; say soon that it is silent, as patience with it may take minutes."""
    message = f"no whole answer for {SILENT:g} s: the server hangs, or still loads its model"
    told = threading.Timer(SILENT, say, [f"{message}; waiting up to {PATIENCE:g} s"])
    told.daemon = True
    told.start()
    try:
        return probe(settings, key)
    finally:
        told.cancel()


def _end() -> NoReturn:
    """End as who was told to stop."""
    say("stopped; what was measured is kept: start again to go on")
    sys.exit(SHELL_SIGNAL + signal.SIGINT)


def _check_samplers(samplers: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    """Refuse to go on without a meter that was to be read beside the cells."""
    problems = []
    for kind in (kind for kind, sampler in samplers.items() if sampler.poll() is not None):
        said = _last_words(folder, kind).read_text(encoding="utf-8", errors="replace").split("\n")
        last = [line for line in said if line.strip()][-1:]
        why = f": {on_one_line(last[0])}" if last else ""
        problems.append(
            f"power: {kind}: cannot be read{why}: look after it and start again to go on, or name "
            "another source"
        )
    if problems:
        raise InputError(problems)


def _last_words(folder: Path, kind: str) -> Path:
    """File of what a sampler says when it ends."""
    return folder / f"power-{kind}.log"


def _holds_reading(path: Path) -> bool:
    """Whether a file holds more than its header."""
    return path.exists() and path.read_bytes().count(b"\n") > 1


def _lasting(seconds: float) -> str:
    """Write a time [s], in minutes when it is long."""
    if seconds < 2 * SECONDS_PER_MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / SECONDS_PER_MINUTE:.0f} minutes"


def _prediction(path: str) -> dict[float, float]:
    """Predicted energy per query [Wh] of each output length of a table."""
    text = decode(path, read_bytes(path))
    try:
        table = pd.read_csv(io.StringIO(text), usecols=["output_tokens", "energy_wh"], dtype=float)
    except ValueError as error:
        raise InputError(
            f"{path}: columns output_tokens and energy_wh with numbers are needed "
            f"({' '.join(str(error).split())[:200]}); correct the file"
        ) from None
    if table.empty or not ((table > 0) & (table < LARGEST)).all(axis=None):
        raise InputError(
            f"{path}: columns output_tokens and energy_wh: allowed are finite numbers above 0; "
            "correct the file"
        )
    return dict(zip(table["output_tokens"], table["energy_wh"], strict=True))


def _row(cell: plan.Cell) -> dict[str, Any]:
    """Columns of a cell before anything is known of it."""
    kept = ("cell", "output_tokens", "concurrency", "repetition")
    return {key: cell[key] for key in kept} | {"status": "refused", "requests": 0, "failed": 0}


def _failed_cell(cell: plan.Cell, problems: Sequence[str]) -> Measured:
    """A cell whose client failed: refused, without requests."""
    return {
        "row": _row(cell),
        "window": None,
        "findings": [plan.Finding("failed", "all", problem) for problem in problems],
        "requests": plan.requests_of([]),
        "samples": telemetry_samples([]),
        "begun": np.nan,
    }


def _requests_failed(measured: Measured) -> bool:
    """Whether a cell is refused because its requests failed."""
    return any(finding.kind == "errors" and finding.refuses for finding in measured["findings"])


def _problems(folder: Path, code: int | None, deadline: float) -> list[str]:
    """Why a run of AIPerf does not count; an empty list when it does."""
    if code == 0 and read_summary(folder / SUMMARY).get("was_cancelled") is False:
        return []
    if code is None:
        return [
            f"the server did not finish within {deadline:.0f} s and AIPerf was ended: look whether "
            "the server hangs; this cell is tried again when the test is started again"
        ]
    records = folder / "profile_export.jsonl"
    requests = plan.requests_of(read_lines(records, is_request)[0]) if records.exists() else None
    answers = [] if requests is None else checks.check_errors(requests, 0)
    return [
        *(finding.message for finding in answers),
        f"AIPerf failed (exit code {code}){_last_error(folder / 'aiperf.log')}; its log is "
        f"{folder / 'aiperf.log'}. What was measured is kept: start again to go on",
    ]


def _last_error(log: Path) -> str:
    """Last error that AIPerf's log tells, with the remedy for the most frequent one."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    said = [
        " ".join("".join(filter(str.isprintable, COLOURS.sub("", line))).split())
        for line in text.splitlines()
    ]
    lines = [line for line in said if "error" in line.lower()]
    if not lines:
        return ""
    # a box at the end tells the same, parted over lines; some errors are told there alone
    plain = [line for line in lines if line[0] not in BOX]
    top = max((n for n, line in enumerate(said) if line.startswith("╭")), default=0)
    boxed = [line.strip(f"{BOX} ") for line in said[top:] if line and line[0] in BOX]
    last = (plain[-1] if plain else " ".join(filter(None, boxed)))[:MOST_SAID]
    remedy = ""
    if "tokenizer" in " ".join(lines).lower():
        remedy = (
            " (AIPerf counts with a tokenizer: name one that this machine can load, "
            f"{form('tokenizer: NAME or FOLDER')})"
        )
    return f", saying: {last}{remedy}"
