"""What a script is made of besides itself."""

import ast
import sys

import pytest
from inference_energy.imports import behind
from processes import run
from repository import ROOT

LIBRARY, SCRIPTS = ROOT / "workflow", ROOT / "workflow" / "scripts"
ROOTS = (LIBRARY, SCRIPTS)


def direct(path):
    """Files that the syntax tree of a file says that it imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    places = [root.joinpath(*name.split(".")) for name in names for root in ROOTS]
    files = [file for at in places for file in (at.with_suffix(".py"), at / "__init__.py")]
    return {file for file in files if file.exists()}


def test_text_gives_what_the_syntax_tree_gives():
    """Of every script, notebook and module, followed through what they import."""
    paths = [path for name in ("scripts", "notebooks") for path in LIBRARY.glob(f"{name}/**/*.py")]
    known = {}
    for path in paths:
        expected, new = set(), {path}
        while new:
            for file in new - known.keys():
                known[file] = direct(file)
            expected |= new
            new = {file for each in new for file in known[each]} - expected
        assert behind(path, ROOTS)[0] == expected - {path}, path
    assert len(known) > 200


def test_building_a_method_imports_nothing_that_few_jobs_need():
    """Every job of a method would wait for it."""
    code = (
        "import sys; import inference_energy.comparison.whatif; slow = {'scipy.optimize',"
        " 'scipy.stats', 'matplotlib', 'sklearn'}; print(sorted(slow & sys.modules.keys()))"
    )
    done = run([sys.executable, "-c", code], cwd=LIBRARY, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "text",
    [
        "import room.one",
        "import os, room.one as one",
        "from room import one",
        "from room import (\n    one,  # , why\n)\n",
        "def late():\n    from room import one as known, two\n",
    ],
)
def test_every_way_to_import_is_seen(tmp_path, text):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("")
    one = tmp_path / "room" / "one.py"
    one.write_text("PAGE = 'topic/page.md.jinja'\nPART = \"page.html.jinja is no name\"\n")
    script = tmp_path / "script.py"
    script.write_text(text)
    files, templates = behind(script, (tmp_path,))
    assert one in files
    assert templates == {"topic/page.md.jinja"}
