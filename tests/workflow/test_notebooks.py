"""How notebooks are executed."""

import importlib.util

from repository import ROOT

SCRIPTS = ROOT / "workflow" / "scripts"


def test_a_kernel_says_nothing_on_the_screen(monkeypatch, tmp_path, capfd):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    place = SCRIPTS / "notebooks" / "execute.py"
    spec = importlib.util.spec_from_file_location("notebooks_execute", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = tmp_path / "sum.py"
    source.write_text("# %%\n1 + 1\n")
    (cell,) = module.executed(source).cells
    assert cell.outputs[0]["data"]["text/plain"] == "2"
    assert capfd.readouterr().err == ""
