"""How notebooks are executed."""

import importlib.util
import re

import pytest
from inference_energy.errors import InputError
from repository import ROOT

SCRIPTS = ROOT / "workflow" / "scripts"


@pytest.fixture
def executed(monkeypatch):
    """Function of the script that executes notebooks."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    place = SCRIPTS / "notebooks" / "execute.py"
    spec = importlib.util.spec_from_file_location("notebooks_execute", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.executed


def _sources(folder, **texts):
    paths = [folder / f"{name}.py" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(f"# %%\n{text}\n")
    return paths


def test_a_kernel_says_nothing_on_the_screen(executed, tmp_path, capfd):
    ((cell,),) = (each.cells for each in executed(_sources(tmp_path, sum="1 + 1")))
    assert cell.outputs[0]["data"]["text/plain"] == "2"
    assert capfd.readouterr().err == ""


def test_a_notebook_finds_no_name_of_the_one_before_it(executed, tmp_path):
    texts = {"first": "import os\nmine = 1", "second": "[n for n in ('mine', 'os') if n in dir()]"}
    first, second = executed(_sources(tmp_path, **texts))
    assert [each.metadata["title"] for each in (first, second)] == ["first", "second"]
    assert first.cells[0].outputs == []
    assert [each.cells[0]["id"] for each in (first, second)] == ["first-0", "second-0"]
    assert second.cells[0].outputs[0]["data"]["text/plain"] == "[]"


@pytest.mark.parametrize("place", range(3))
def test_it_is_said_in_which_notebook_a_cell_fails(executed, tmp_path, place):
    texts = {name: "1 / 0" if n == place else "1" for n, name in enumerate("abc")}
    sources = _sources(tmp_path, **texts)
    with pytest.raises(InputError, match=rf"{sources[place]}: a cell fails with ZeroDivisionError"):
        executed(sources)


def test_tables_that_are_styled_show_data_as_it_is():
    """Pandas escapes a frame, and not one that is styled: a note could hold a script."""
    sources = [path.read_text() for path in (ROOT / "workflow" / "notebooks").glob("*.py")]
    styled = [end for text in sources for end in re.findall(r"\.style\b(.*)", text)]
    assert styled and all(end.startswith('.format(escape="html")') for end in styled)
