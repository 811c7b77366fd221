"""A run's screen: a line a step, an error once."""

import io
import logging
import shutil

import pytest
from inference_energy import stopping
from inference_energy.screen import Lasting, Screen, shortened, show


def record(message="", event=None, **extra):
    """A record as Snakemake makes it."""
    made = logging.LogRecord("snakemake", logging.INFO, "", 0, message, (), None)
    made.__dict__.update(extra | ({"event": event} if event else {}))
    return made


def step(message, reason="Forced execution"):
    """A job that starts."""
    return record("", "job_info", rule_msg=message, reason=reason)


IDLE = record("Nothing to be done (all requested files are present and up to date).")


@pytest.fixture
def screen():
    """A screen whose clock goes ten seconds at a time."""
    times = iter(range(0, 1000, 10))
    return Screen(logging.Formatter().format, clock=lambda: next(times))


def test_steps_are_counted_with_the_time_so_far_and_to_go(screen):
    assert not screen.filter(record("", "run_info", stats={"total": 4}))
    lines = []
    for message in ("One", "Two", "Three"):
        lines.append(screen.format(step(message)))
        assert not screen.filter(record("", "job_finished"))
    assert lines == [
        "[1 of 4, 0:10] One",
        "[2 of 4, 0:20] Two",
        "[3 of 4, 0:30, about 0:30 to go] Three",
    ]


def test_a_reason_is_one_short_line(screen):
    files = [f"results/oviedo2026/table_{i}.csv" for i in range(500)]
    written = screen.format(step("One", "Missing output files: " + ", ".join(files)))
    assert max(map(len, written.splitlines())) < 140
    assert "498 more" in written
    assert shortened("x" * 10_000).endswith("...")


def test_what_tells_nothing_is_dropped_and_a_dry_run_counts_jobs(screen):
    assert not screen.filter(record("Select jobs to execute..."))
    assert not screen.filter(record("Will exit after finishing currently running jobs."))
    assert not screen.filter(record("Execute 2 jobs...", "job_started"))
    assert not screen.filter(record("", "job_info", rule_msg=None))
    assert Screen(str, dry=True).filter(record("", "run_info", stats={"total": 4}))


def test_nothing_stands_after_the_answer(screen):
    assert not screen.filter(record("Complete log(s): x"))
    assert not screen.filter(record("Elapsed time: 0:00:01"))


def test_a_run_that_has_nothing_to_do_ends_with_the_answer_too():
    said = IDLE.getMessage()
    for dry, lines in ((False, [said, "0.31 Wh"]), (True, [said])):
        idle = Screen(logging.Formatter().format, dry, lambda: ["0.31 Wh"])
        assert idle.filter(IDLE)
        assert idle.format(IDLE).splitlines() == lines


@pytest.mark.parametrize("first", [record("", "run_info", stats={"total": 4}), IDLE])
def test_what_is_said_first_is_said_once_when_it_is_known_what_the_run_does(first):
    said = []
    screen = Screen(str, dry=True, first_words=lambda: said.append(1))
    screen.filter(record("Building DAG of jobs..."))
    assert said == []
    screen.filter(first)
    screen.filter(first)
    assert said == [1]


def test_what_an_input_cannot_be_used_for_is_told_without_the_workflows_own_functions(screen):
    said = (
        "InputFunctionException in rule a in file b, line 3:\nError:\n  WorkflowError:\n"
        "    config/x.yaml: bad\n    config/x.yaml: worse\nWildcards:\n\nTraceback:\n  File c"
    )
    shown = screen.format(record(said, "error"))
    assert shown == "config/x.yaml: bad\nconfig/x.yaml: worse"


@pytest.mark.parametrize("place", ["<module>", "__onstart"])
def test_what_stops_the_workflow_is_told_without_the_place_that_raised_it(screen, place):
    said = (
        'WorkflowError in file "/a b/workflow/rules/common.smk", line 44:\n'
        "config/x.yaml: bad\nconfig/x.yaml: worse\n"
        '  File "/a b/workflow/Snakefile", line 20, in <module>\n'
        f'  File "/a b/workflow/rules/common.smk", line 44, in {place}'
    )
    assert screen.format(record(said, "error")) == "config/x.yaml: bad\nconfig/x.yaml: worse"
    other = 'NameError in file "/a/Snakefile", line 3:\nno\n  File "/a/Snakefile", line 3, in b'
    assert screen.format(record(other, "error")) == other


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a.csv, row 2: bad\nb.csv, row 3: bad", ["a.csv, row 2: bad", "b.csv, row 3: bad"]),
        ("Traceback (most recent call last):\n  x\nValueError: no", ["ValueError: no"]),
    ],
)
def test_a_failure_shows_its_log_once_and_a_defect_its_last_line(screen, tmp_path, said, shown):
    log = tmp_path / "job.log"
    log.write_text(said)
    failed = record("", "job_error", rule_name="draw", log=[str(log)])
    first, *lines = screen.format(failed).splitlines()
    assert (first, [line.strip() for line in lines]) == (f"Failed: rule draw (see {log})", shown)
    assert not screen.filter(record("CalledProcessError in file x", "error"))
    assert screen.filter(record("config/a.yaml: key b: wrong", "error"))


def test_what_several_steps_fail_on_is_told_once(screen, tmp_path):
    """A blend of more models than have rows was refused in the same words by six rules."""

    def failed(rule, said):
        log = tmp_path / f"{rule}.log"
        log.write_text(said)
        told = screen.format(record("", "job_error", rule_name=rule, log=[str(log)]))
        first, *lines = told.splitlines()
        assert first == f"Failed: rule {rule} (see {log})"
        return [line.strip() for line in lines]

    assert failed("draw", "a.csv: bad\nb.csv: bad") == ["a.csv: bad", "b.csv: bad"]
    assert failed("judge", "a.csv: bad\nb.csv: bad") == ["for the same reason as rule draw, above"]
    assert failed("weigh", "a.csv: bad") == ["a.csv: bad"]
    assert failed("tell", "a.csv: bad") == ["for the same reason as rule weigh, above"]
    # without words there is no reason to be the same
    assert failed("write", "") == failed("read", "") == []


def test_of_a_run_that_is_stopped_no_step_has_failed(screen, monkeypatch):
    """It was told as failed, and what its last step had half made as corrupted by it."""
    monkeypatch.setattr(stopping, "told", lambda within=0.0: True)
    assert not screen.filter(record("", "job_error", rule_name="draw", log=[]))
    assert not screen.filter(record("Removing output files of failed job draw: a.svg"))
    assert not screen.filter(record("Terminating processes on user request, this might take"))
    assert screen.filter(record("config/a.yaml: key b: wrong", "error"))


@pytest.mark.parametrize(
    "said",
    [
        "WorkflowError:\nError recording metadata for finished job ([Errno 28] No space left on"
        " device). Please ensure write permissions for the directory /x/.snakemake",
        'RuleException:\nOSError in file "/x/method.smk", line 27:\n[Errno 28] No space left on'
        ' device\n  File "/x/tempfile.py", line 483, in func_wrapper',
        "OSError: [Errno 122] Disk quota exceeded: '/tmp/1-pulp.mps'\n\nDuring handling of the"
        " above exception, another exception occurred:\n\nTraceback (most recent call last):\n",
    ],
)
@pytest.mark.parametrize("full", ["here", "there"])
def test_a_full_disk_is_named_once_with_the_remedy(screen, monkeypatch, tmp_path, said, full):
    """Of the folder of the run or of temporary files: Snakemake asked for write permissions."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("TMPDIR", str(there))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: usage._replace(free=int(folder.name != full))
    )
    assert screen.filter(record(said, "error"))
    told = screen.format(record(said, "error"))
    assert "\n" not in told
    assert told.startswith(f"{tmp_path / full}: the disk is full (")
    assert ("No space left on device" in told) != ("Disk quota exceeded" in told)
    assert ("by TMPDIR" in told) == (full == "there")
    assert not screen.filter(record(said, "error"))
    assert screen.filter(record("config/a.yaml: key b: wrong", "error"))
    log = tmp_path / "job.log"
    log.write_text("Traceback (most recent call last):\n  x\nOSError: [Errno 28] No space left\n")
    failed = screen.format(record("", "job_error", rule_name="draw", log=[str(log)]))
    assert failed.splitlines()[1].startswith(f"    {tmp_path / full}: the disk is full (No space")


KILLED = "ended by SIGKILL, as where the memory is full: make room, or run fewer steps at once"


@pytest.mark.parametrize(
    ("how", "said", "shown"),
    [
        ("died with <Signals.SIGKILL: 9>.", "", [KILLED]),
        ("returned non-zero exit status 137.", "half done\n", ["half done", KILLED]),
        ("died with <Signals.SIGSEGV: 11>.", " \n", ["ended by SIGSEGV"]),
        ("died with unknown signal 99.", "", []),
        ("returned non-zero exit status 3.", "", ["ended with exit code 3, without a word"]),
        ("returned non-zero exit status 255.", "", ["ended with exit code 255, without a word"]),
        ("returned non-zero exit status 1.", "a.csv: bad", ["a.csv: bad"]),
        # who ends a run knows it
        ("died with <Signals.SIGTERM: 15>.", "", []),
        ("returned non-zero exit status 130.", "", []),
    ],
)
def test_a_step_that_is_ended_says_how_where_its_log_does_not(screen, tmp_path, how, said, shown):
    log = tmp_path / "job.log"
    log.write_text(said)
    failed = record("", "job_error", rule_name="draw", log=[str(log)])
    told = f"CalledProcessError in file x, line 1:\nCommand 'python a.py' {how}"
    assert not screen.filter(record(told, "error"))
    assert [line.strip() for line in screen.format(failed).splitlines()[1:]] == shown
    # of the next one nothing is known
    log.write_text("b.csv: bad")
    assert screen.format(failed).splitlines()[1:] == ["    b.csv: bad"]


def test_files_keep_what_snakemake_writes(tmp_path):
    logger = logging.Logger("test")
    screen, file = logging.StreamHandler(), logging.FileHandler(tmp_path / "log")
    for handler in (screen, file):
        handler.setFormatter(logging.Formatter())
        logger.addHandler(handler)
    for _ in range(2):
        show(logger, dry=False)
    assert len(screen.filters) == 1
    assert not file.filters


def test_a_full_disk_of_the_log_file_is_no_traceback(capsys, monkeypatch):
    """Snakemake writes all it says to a file of its own, which no disk may have room for."""
    monkeypatch.setattr(logging, "raiseExceptions", True)
    logger = logging.Logger("full")
    logger.addHandler(logging.FileHandler("/dev/full"))
    logger.addHandler(logging.StreamHandler())
    show(logger, False)
    logger.error("no room")
    assert capsys.readouterr().err == "no room\n"
    logger.handlers.clear()


class Gone:
    """A stream whose reader has gone."""

    encoding = "utf-8"

    def write(self, text):
        """As of a pipe that nobody reads."""
        raise BrokenPipeError

    def flush(self):
        """The same."""
        raise BrokenPipeError


def test_a_run_outlives_the_reader_of_its_screen():
    """Snakemake's handler raised where it waits for a job, and the run never ended."""
    lasting = Lasting(Gone())
    assert lasting.write("told") == len("told")
    lasting.flush()
    assert lasting.encoding == "utf-8"
    logger, handler = logging.Logger("gone"), logging.StreamHandler(Gone())
    handler.handleError = lambda record: pytest.fail("told nobody")
    handler.setFormatter(logging.Formatter())
    logger.addHandler(handler)
    show(logger, False)
    logger.error("told")


def test_a_letter_that_the_screen_cannot_show_is_escaped():
    """As half a character in UTF-8, or ü where the locale is C: print ended in a traceback."""
    for encoding, told in (("utf-8", "ü\\ud800"), ("ascii", "\\xfc\\ud800")):
        screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        print("ü\ud800", file=Lasting(screen), end="", flush=True)
        assert screen.buffer.getvalue().decode(encoding) == told


def test_a_run_whose_screen_is_closed_goes_on():
    """As with `snakemake >&-`: Python has no stream then, and the run ended with a traceback."""
    lasting = Lasting(None)
    print("told", file=lasting, flush=True)
    assert lasting.write("told") == len("told")
    assert not lasting.isatty()
