"""Without a process to copy a command runs as it stands."""

import os
import shlex
import signal
import socket
import sys

import pytest
from inference_energy import copied
from processes import HANGS, PIPE, STDOUT, run, start, wait_for

ASKING = [sys.executable, "-I", "-S", copied.__file__]


@pytest.mark.parametrize("place", [None, "", "nowhere", "file"])
def test_a_command_runs_by_itself_where_nobody_answers(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "script.py").write_text("import sys; print(sys.argv[1:]); sys.exit(4)")
    environment = {k: v for k, v in os.environ.items() if k != copied.SOCKET}
    if place is not None:
        environment[copied.SOCKET] = place
    told = run([*ASKING, sys.executable, "script.py", "a b"], cwd=tmp_path, env=environment)
    assert (told.returncode, told.stdout, told.stderr) == (4, "['a b']\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_three_streams_nobody_is_asked(tmp_path, closed):
    # a socket opened then has the number of a stream, and what is printed would be its answer
    place = tmp_path / "s"
    (tmp_path / "script.py").write_text("open('ran', 'w').close(); print('printed')")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        listening.setblocking(False)
        command = shlex.join([*ASKING, sys.executable, "script.py"])
        environment = os.environ | {copied.SOCKET: str(place)}
        run(["bash", "-c", f"{command} {closed}"], cwd=tmp_path, env=environment)
        assert (tmp_path / "ran").exists()
        with pytest.raises(BlockingIOError):
            listening.accept()


IMPORTS = "open('begun', 'w').close()\nimport time\ntime.sleep(10_000)"
FAILS = "import no_such_module"


def test_interrupted_while_it_imports_a_script_ends_without_a_word(tmp_path):
    """It ended in the traceback of whatever package it was in."""
    (tmp_path / "script.py").write_text(IMPORTS)
    command = [*ASKING, sys.executable, "script.py"]
    script = start(command, cwd=tmp_path, stdout=PIPE, stderr=STDOUT, text=True)
    wait_for((tmp_path / "begun").exists, script)
    script.send_signal(signal.SIGINT)
    try:
        assert script.communicate(timeout=HANGS)[0] == ""
    finally:
        script.kill()
    assert script.returncode == -signal.SIGINT


def test_what_a_script_fails_on_is_shown_and_its_neighbours_are_found(tmp_path):
    (tmp_path / "script.py").write_text("import beside")
    (tmp_path / "beside.py").write_text(FAILS)
    told = run([*ASKING, sys.executable, str(tmp_path / "script.py")])
    assert told.returncode == 1
    assert told.stderr.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


def test_a_script_alone_keeps_the_memory_that_it_frees(tmp_path):
    """As a copy does: of a what-if a third of a second is to fill new pages of the system."""
    told = f"import os; print([os.environ.get(name) for name in {list(copied.KEPT)}])"
    (tmp_path / "script.py").write_text(told)
    said = run([*ASKING, sys.executable, "script.py"], cwd=tmp_path)
    assert said.stdout == f"{list(copied.KEPT.values())}\n"
    # another program is as it is without a run
    assert run([*ASKING, sys.executable, "-c", told], cwd=tmp_path).stdout == "[None, None]\n"


def test_another_program_is_no_copy(tmp_path):
    told = run([*ASKING, "sh", "-c", "echo $0; exit 6", "named"])
    assert (told.returncode, told.stdout) == (6, "named\n")


def test_it_imports_nothing_that_takes_time():
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(copied.__file__)!r}); import copied;"
        "print(*sys.modules)"
    )
    loaded = run([sys.executable, "-I", "-S", "-c", code]).stdout.split()
    assert "copied" in loaded
    assert not {"json", "re", "subprocess", "typing", "inference_energy"} & set(loaded)
