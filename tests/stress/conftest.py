"""A real engine on the CPU for the tests of the stress test."""

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from processes import run, start, wait_for
from repository import ROOT
from stress.servers import Server

PYTHON = Path(os.environ.get("STRESS_PYTHON", ROOT / ".venv-stress/bin/python"))
KEY = "sk-canary-3f9a1c"
SLOTS = 2
# the engine alone is as fast as the machine is idle; on this beat it keeps where ten others run [s]
GAP = 0.01


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """A llama.cpp server with a tiny random model, on a beat; its address and tokenizer folder."""
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing: run `make test-stress`")
    folder = tmp_path_factory.mktemp("engine")
    made = run([PYTHON, ROOT / "tests/stress/make_engine.py", folder])
    assert made.returncode == 0, made.stderr
    port = free_port()
    command = [PYTHON, ROOT / "tests/stress/serve_engine.py", folder / "tiny.gguf"]
    command += [str(port), KEY, str(SLOTS)]
    with open(folder / "server.log", "wb") as log:
        server = start(command, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/v1"
        wait_for(lambda: answers(address), server)
        with Server(gap=GAP, engine=address) as paced:
            yield paced.url, folder / "tokenizer"
    finally:
        server.terminate()
        server.wait()


def answers(address):
    try:
        urllib.request.urlopen(f"{address}/models", timeout=2)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True
