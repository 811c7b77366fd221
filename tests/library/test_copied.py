"""Without a process to copy a command runs as it stands."""

import os
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
