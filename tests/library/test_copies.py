"""A copy is as a process that was just started, and ends with those it belongs to."""

import json
import os
import platform
import resource
import select
import signal
import socket
import sys
from pathlib import Path

import pytest
from inference_energy import copied, copies
from processes import HANGS, run, start, stop, wait_for
from repository import ROOT

TELLS = """
import json, os, sys
print(json.dumps({
    "name": __name__, "arguments": sys.argv, "path": sys.path[0], "folder": os.getcwd(),
    "environment": dict(os.environ), "open": sorted(os.listdir("/proc/self/fd")),
    "parent": os.getppid(), "loaded": "colorsys" in sys.modules,
    "asked": sys.stdin.read(), "buffered": sys.stdout.line_buffering,
}))
print("said", file=sys.stderr)
"""

# takes and frees as much again and again, as arrays of a method are
TAKES = """
import resource
def taken():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    parts = [bytes(2**24) for _ in range(3)]
    for part in parts:
        part.count(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first, *_, last = [taken() for _ in range(5)]
print(first, last)
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no copies are made here")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Socket of a process that copies are taken of, and the process."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    place = str(tmp_path / "s")
    process = copies.start(place, ["colorsys", "nowhere.to_be_found"])
    yield place, process
    process.stdin.close()
    assert process.wait() == 0


def _asking(place, script, *arguments):
    return (
        [sys.executable, "-I", "-S", copied.__file__, sys.executable, str(script), *arguments],
        os.environ | {copied.SOCKET: place, "ONLY": "here\udc80"},
    )


def _written(folder, text):
    path = folder / "script.py"
    path.write_text(text)
    return path


def _ended(pid):
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_copy_is_as_a_process_that_was_just_started(tmp_path, served):
    place, process = served
    folder = tmp_path / "ünter\nwegs"
    folder.mkdir()
    script = _written(folder, TELLS)
    command, environment = _asking(place, script, "a b", "", "'\"")
    told = run(command, env=environment, cwd=folder, input="asked\n")
    plain = run(command[4:], env=environment, cwd=folder, input="asked\n")
    assert (told.returncode, told.stderr) == (plain.returncode, plain.stderr) == (0, "said\n")
    of_copy, of_plain = json.loads(told.stdout), json.loads(plain.stdout)
    assert of_copy.pop("parent") == process.pid != of_plain.pop("parent")
    assert of_copy.pop("loaded") is True is not of_plain.pop("loaded")
    assert of_copy == of_plain
    assert of_copy["environment"]["ONLY"] == "here\udc80"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import sys; sys.exit(3)",
        "import sys; sys.exit('over')",
        "raise SystemExit",
        "1 / 0",
        "raise KeyboardInterrupt",
        "import os; os._exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 15)",
        "import os; os.abort()",
        "import atexit; atexit.register(print, 'last'); print('first')",
        "wrong syntax",
    ],
)
def test_it_ends_as_that_does(tmp_path, served, text):
    command, environment = _asking(served[0], _written(tmp_path, text))
    told, plain = (run(each, env=environment) for each in (command, command[4:]))
    assert (told.returncode, told.stdout) == (plain.returncode, plain.stdout)
    assert told.stderr.splitlines()[-1:] == plain.stderr.splitlines()[-1:]


LASTS = """
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(10**6)
"""


@pytest.mark.parametrize("told", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_one_who_asked(tmp_path, served, told):
    note = tmp_path / "pid"
    command, environment = _asking(served[0], _written(tmp_path, LASTS), str(note))
    asking = start(command, env=environment, start_new_session=True)
    wait_for(lambda: note.exists() and note.read_text(), asking)
    stop(asking, told)
    assert asking.returncode == -told
    wait_for(lambda: _ended(note.read_text()), served[1])


def test_interrupted_by_a_terminal_both_end_so(tmp_path):
    # one process group, as on a terminal
    script = _written(tmp_path, LASTS)
    note, place = tmp_path / "pid", str(tmp_path / "s")
    command, environment = _asking(place, script, str(note))
    both = f"""
import subprocess, sys
from inference_energy import copies
served = copies.start({place!r}, [])
asking = subprocess.Popen({command!r})
try:
    asking.wait()
except KeyboardInterrupt:
    assert asking.wait() == -2
"""
    environment["PYTHONPATH"] = str(ROOT / "workflow")
    process = start([sys.executable, "-c", both], env=environment, start_new_session=True)
    wait_for(lambda: note.exists() and note.read_text(), process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0
    assert _ended(note.read_text())


@pytest.fixture
def importing(tmp_path, monkeypatch):
    """Socket and process of which copies are to be taken once it has imported all: when told."""
    go = tmp_path / "go"
    (tmp_path / "lasts.py").write_text(
        "import os, time\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
        "fork = os.fork\n"
        "def noted():\n"
        f"    open({str(tmp_path / 'forked')!r}, 'w').close()\n"
        "    return fork()\n"
        "os.fork = noted\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "workflow"), str(tmp_path)]))
    place = str(tmp_path / "s")
    process = copies.start(place, ["lasts"])
    yield place, process, go
    go.touch()
    process.stdin.close()
    assert process.wait() == 0


def _asks(process):
    """Whether a process has a socket, and so waits for a copy or is about to."""
    opened = f"/proc/{process.pid}/fd"
    try:
        return any(os.readlink(f"{opened}/{n}").startswith("socket:") for n in os.listdir(opened))
    except FileNotFoundError:
        return False


def test_interrupted_before_there_is_a_copy_it_ends_without_a_word(tmp_path, importing):
    place, _, go = importing
    command, environment = _asking(place, _written(tmp_path, "print('ran')"))
    asking = start(command, env=environment, stdout=-1, stderr=-1)
    wait_for(lambda: _asks(asking), asking)
    asking.send_signal(signal.SIGINT)
    assert asking.wait() == -signal.SIGINT
    # its streams wait with its question until that is heard
    go.touch()
    assert asking.communicate() == (b"", b"")


def test_for_who_has_ended_before_there_is_a_copy_none_is_made(tmp_path, importing):
    place, process, go = importing
    command, environment = _asking(place, _written(tmp_path, "print('ran')"))
    asking = start(command, env=environment, start_new_session=True)
    wait_for(lambda: _asks(asking), asking)
    stop(asking, signal.SIGKILL)
    go.touch()
    process.stdin.close()
    assert process.wait() == 0
    assert not (tmp_path / "forked").exists()


def test_for_who_waits_until_there_is_a_copy_one_is_made(tmp_path, importing):
    place, _, go = importing
    command, environment = _asking(place, _written(tmp_path, "print('ran')"))
    asking = start(command, env=environment, stdout=-1)
    wait_for(lambda: _asks(asking), asking)
    go.touch()
    assert asking.communicate()[0] == b"ran\n"
    assert (tmp_path / "forked").exists()


@pytest.mark.parametrize("heard", [signal.SIG_IGN, signal.SIG_DFL])
def test_interrupts_that_a_run_in_the_background_ignores_its_copies_ignore(tmp_path, heard):
    # a shell without job control starts such a run with them ignored
    script = _written(tmp_path, "import signal; print(signal.getsignal(2) == signal.SIG_IGN)")
    place = str(tmp_path / "s")
    command, environment = _asking(place, script)
    both = f"""
import signal, subprocess
signal.signal(signal.SIGINT, signal.{heard.name})
from inference_energy import copies
served = copies.start({place!r}, [])
subprocess.run({command!r}, check=True)
"""
    environment["PYTHONPATH"] = str(ROOT / "workflow")
    told = run([sys.executable, "-c", both], env=environment)
    assert (told.stdout, told.stderr) == (f"{heard == signal.SIG_IGN}\n", "")


def test_it_outlives_the_run_and_its_interpreter_waits_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    place, note = str(tmp_path / "s"), tmp_path / "pid"
    process = copies.start(place, [])
    go_on = "import os, sys, time\nopen(sys.argv[1], 'w').write('1')\nsys.stdin.read()\nsys.exit(5)"
    command, environment = _asking(place, _written(tmp_path, go_on), str(note))
    asking = start(command, env=environment, stdin=-1)
    wait_for(lambda: note.exists() and note.read_text(), asking)
    process.stdin.close()
    asking.stdin.close()
    assert asking.wait() == 5
    assert process.wait() == 0


def test_many_are_asked_for_at_once(tmp_path, served):
    script = _written(tmp_path, "import sys; sys.exit(int(sys.argv[1]))")
    asked = {}
    for code in range(20):
        command, environment = _asking(served[0], script, str(code))
        asked[code] = start(command, env=environment)
    assert {code: process.wait() for code, process in asked.items()} == {k: k for k in asked}


def test_it_goes_on_where_a_copy_and_the_one_who_asked_end_at_once(tmp_path, served):
    note = tmp_path / "pid"
    script = _written(tmp_path, LASTS)
    for _ in range(3):
        note.unlink(missing_ok=True)
        command, environment = _asking(served[0], script, str(note))
        asking = start(command, env=environment, start_new_session=True)
        wait_for(lambda: note.exists() and note.read_text(), asking)
        # it hears of both at once
        os.kill(served[1].pid, signal.SIGSTOP)
        os.kill(int(note.read_text()), signal.SIGKILL)
        stop(asking, signal.SIGKILL)
        os.kill(served[1].pid, signal.SIGCONT)
    command, environment = _asking(served[0], _written(tmp_path, TELLS))
    told = run(command, env=environment, input="")
    assert json.loads(told.stdout)["parent"] == served[1].pid


def test_it_goes_on_where_no_copy_can_be_made(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    (tmp_path / "sitecustomize.py").write_text(
        "import os, errno\n"
        "fork, tries = os.fork, []\n"
        "def failing():\n"
        "    tries.append(1)\n"
        "    if len(tries) == 1:\n"
        "        raise BlockingIOError(errno.EAGAIN, 'no processes left')\n"
        "    return fork()\n"
        "os.fork = failing\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    place = str(tmp_path / "s")
    process = copies.start(place, [])
    parents = []
    for _ in range(2):
        command, environment = _asking(place, _written(tmp_path, TELLS))
        told = run(command, env=environment | {"PYTHONPATH": ""}, input="")
        parents.append(json.loads(told.stdout)["parent"])
    assert parents[0] != process.pid == parents[1]
    process.stdin.close()
    assert process.wait() == 0


def test_who_connects_and_asks_nothing_keeps_nobody_waiting(tmp_path, served):
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as slow:
        silent.connect(served[0])
        slow.connect(served[0])
        socket.send_fds(slow, [(100).to_bytes(copied.SIZE, "big")], [0, 1, 2])
        slow.send(b"x")
        command, environment = _asking(served[0], _written(tmp_path, "print('answered')"))
        assert run(command, env=environment).stdout == "answered\n"


def test_it_ends_with_its_interpreter(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    place, note = str(tmp_path / "s"), tmp_path / "pid"
    process = copies.start(place, [])
    command, environment = _asking(place, _written(tmp_path, LASTS), str(note))
    asking = start(command, env=environment, start_new_session=True)
    wait_for(lambda: note.exists() and note.read_text(), asking)
    copy = os.pidfd_open(int(note.read_text()))
    process.kill()
    assert asking.wait() == -signal.SIGKILL
    assert select.select([copy], [], [], HANGS)[0]
    os.close(copy)
    process.stdin.close()
    process.wait()


def test_a_file_of_the_folder_is_not_taken_for_a_module(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colorsys.py").write_text("ours = True")
    place = str(tmp_path / "s")
    process = copies.start(place, ["colorsys"])
    text = "import sys; print(hasattr(sys.modules['colorsys'], 'ours'))"
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    command, environment = _asking(place, _written(scripts, text))
    assert run(command, env=environment).stdout == "False\n"
    process.stdin.close()
    assert process.wait() == 0


def test_where_few_files_may_be_open_there_is_no_process(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        assert copies.start(str(tmp_path / "s"), []) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_questions_cut_short_are_passed_over(tmp_path, served):
    for sent in (b"", b"\0" * 3, (10**6).to_bytes(copied.SIZE, "big") + b"x"):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(served[0])
            asking.send(sent)
    command, environment = _asking(served[0], _written(tmp_path, "print('still')"))
    assert run(command, env=environment).stdout == "still\n"


def test_it_is_taken_of_a_process_with_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    for variable in copies.ONE_THREAD:
        monkeypatch.delenv(variable, raising=False)
    library = ROOT / "workflow" / "inference_energy"
    names = [
        ".".join(path.relative_to(library.parent).with_suffix("").parts)
        for path in sorted(library.rglob("*.py"))
        if path.stem != "__init__"
    ]
    place = str(tmp_path / "s")
    process = copies.start(place, names)
    command, environment = _asking(place, _written(tmp_path, "import sys; print(len(sys.modules))"))
    assert int(run(command, env=environment).stdout) > len(names)
    assert len(os.listdir(f"/proc/{process.pid}/task")) == 1
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is a setting of glibc")
def test_it_keeps_the_memory_that_it_frees(tmp_path, served):
    command, environment = _asking(served[0], _written(tmp_path, TAKES))
    first, last = map(int, run(command, env=environment).stdout.split())
    assert first > 1000
    assert last < first / 10


def test_without_a_socket_there_is_no_process(tmp_path):
    assert copies.start(str(tmp_path / ("long" * 30)), []) is None
