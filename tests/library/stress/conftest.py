"""A whole stress test without a GPU: made-up servers, and a client that writes AIPerf's files."""

import json

import pytest
from inference_energy.stress import results, runner
from inference_energy.stress.figures import TITLES
from library.stress.made_up import CANARY, NODE, SMALL
from matplotlib.figure import Figure
from stress.servers import Server, stand_in


@pytest.fixture
def stress(tmp_path, monkeypatch):
    """Run a test in a folder, once or again, and return the folder.

    Its figures, which are most of its processor time after every cell, are drawn if asked for.
    """
    command = stand_in(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    folder = tmp_path / "test"
    folder.mkdir()

    def run(behaviour=None, mode="good", drawn=False, **changes):
        if not drawn:
            blank = {name: Figure(figsize=(1, 1), label=name) for name in TITLES}
            monkeypatch.setattr(results, "draw", lambda tables: blank)
        (folder / "behaviour.json").write_text(json.dumps(behaviour or {}))
        with Server(mode) as server:
            settings = NODE | SMALL | {"endpoint": server.url, "aiperf": str(command)} | changes
            test = runner.StressTest(runner.prepare(settings), folder, 13.0)
            # the server's port changes from run to run, and with it the identity of the test
            (folder / "settings.json").unlink()
            test.run()
        return folder

    return run
