"""Without a process to copy a command runs as it stands."""

import os
import shlex
import socket
import sys

import pytest
from inference_energy import copied
from processes import run

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
