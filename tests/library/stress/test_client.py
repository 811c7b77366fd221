"""AIPerf as a process."""

import base64
import html
import json
import math
import os
import re
import select
import socket
import sys
import threading
import urllib.parse

import pytest
from inference_energy.stress import client
from processes import HANGS

SOME = 200e6
"""Many times what a client takes that only starts. [bytes]"""


def wait(folder, script, deadline, stop=None, most=math.inf):
    """What comes of a client that a shell runs."""
    command = ["sh", "-c", script]
    stop = stop or threading.Event()
    return client.run(command, folder, os.environ, deadline, most, stop, lambda seconds: None)


def test_a_client_that_ends_gives_its_exit_code_and_its_log(tmp_path):
    assert wait(tmp_path, "echo said; exit 3", 1800) == 3
    assert (tmp_path / "aiperf.log").read_text() == "said\n"


@pytest.fixture
def workers_end(tmp_path):
    """Check that the workers of a client end that hold the pipe ``alive`` open."""
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)

    def check():
        # one that was killed may take its time
        assert select.select([alive], [], [], HANGS)[0] == [alive]
        assert os.read(alive, 1) == b""

    yield check
    os.close(alive)


def test_a_client_that_hangs_is_ended_with_its_workers(tmp_path, workers_end):
    assert wait(tmp_path, f"sleep 1800 > {tmp_path}/alive & wait", 2.0) is None
    workers_end()


def test_a_client_whose_workers_grow_is_ended_with_them(tmp_path, workers_end):
    """None of the two is beyond the bound, and a worker that is told to end does not listen."""
    grows = f"{sys.executable} -c \"held = b'x' * {SOME:.0f}; import time; time.sleep(1800)\""
    script = f"trap '' TERM; for worker in 1 2; do {grows} > {tmp_path}/alive & done; wait"
    with pytest.raises(client.GrownError):
        wait(tmp_path, script, HANGS, most=1.5 * SOME)
    workers_end()


def test_the_memory_of_a_client_is_its_own(tmp_path, monkeypatch):
    """Not that of the one who started it, who holds more than the bound."""
    monkeypatch.setattr(client, "LOOK", 0.0)
    held = b"x" * int(SOME)
    assert wait(tmp_path, "sleep 1", HANGS, most=len(held) / 2) == 0


def test_a_session_may_take_more_for_more_answers_but_half_of_the_machine_at_most(monkeypatch):
    memory = {"SC_PHYS_PAGES": 10**9, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", memory.get)
    few, many = (client.most_memory(tokens) for tokens in (60, 1_000_000))
    assert few == pytest.approx(client.MOST_MEMORY, rel=1e-3)
    assert many - few == pytest.approx(client.MEMORY_OF_TOKEN * (1_000_000 - 60))
    assert client.most_memory(10**12) == 10**9 * 4096 / 2


@pytest.mark.parametrize(
    ("told", "files", "limits"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "4000000\n"}, [4_000_000]),
        ("0::/of/host\n", {"memory.max": "5000\n"}, [5000]),
        (
            "5:cpu,cpuacct:/a\n4:memory:/a\n",
            {"memory/a/memory.limit_in_bytes": "7", "memory/memory.limit_in_bytes": "9", "a": ""},
            [7, 9],
        ),
        ("0::/\n", {"memory.max": "a few"}, []),
        (None, {}, []),
    ],
)
def test_memory_that_a_container_may_take_is_known(tmp_path, told, files, limits):
    for name, content in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(content)
    if told is not None:
        (tmp_path / "cgroup").write_text(told)
    assert list(client._limits(tmp_path / "cgroup", tmp_path / "groups")) == limits


def test_the_client_takes_half_of_what_its_container_may(monkeypatch):
    monkeypatch.setattr(client, "_limits", lambda *_: iter([3 * 10**9, 2 * 10**9]))
    assert client.most_memory(60) == 10**9


def test_an_interruption_ends_the_client(tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(client.StoppedError):
        wait(tmp_path, "sleep 1800", 1800, stop)


def test_a_key_is_found_in_every_form_in_which_it_is_written(tmp_path):
    key = 'sk-a/b+c"d&e-long'
    quoted = json.dumps(key)
    forms = [key, quoted, quoted.replace("/", "\\/"), json.dumps(quoted)]
    forms.append(quoted.replace("&", r"\u0026"))
    forms += [urllib.parse.quote(key), urllib.parse.quote(key, safe=""), html.escape(key)]
    # each of another writer's escapes, in one word
    forms.append(r"sk-a\/b\u002Bc\"d%26e-long")
    (tmp_path / "log").write_text("\n".join(forms))
    client.redact(tmp_path, key)
    left = (tmp_path / "log").read_text().splitlines()
    assert [line.strip('"\\') for line in left] == ["[redacted]"] * len(forms)


def test_pieces_of_a_key_are_found_where_a_table_cuts_it(tmp_path):
    key = "sk-proj-" + "".join(str(number) for number in range(1000, 1040))
    lines = [f"| {key[:97]}… | {key}.", f"│ {key[:58]} │", f"│ {key[58:116]} │", f"({key[116:]})"]
    (tmp_path / "aiperf.log").write_text("\n".join(lines))
    client.redact(tmp_path, key)
    assert (tmp_path / "aiperf.log").read_text().splitlines() == [
        "| [redacted]… | [redacted].",
        *["│ [redacted] │"] * 2,
        "([redacted])",
    ]
    # what a key shares with other words is no piece of it
    assert client.without("sk-proj-endpoint", b"sk-proj- an endpoint") == b"sk-proj- an endpoint"


@pytest.mark.parametrize("key", ["sk-canary", "sk-a>b?c~d>>-long", "sk-proj-" + 9 * "4711aBc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_in_base64_is_found_wherever_it_begins(key, encode):
    """A letter at each end, which holds bits of others too, stays."""
    for before in ("", "B", "Be", "Bearer ", "user:"):
        for after in ("", ":", ": "):
            said = encode(f"{before}{key}{after}".encode())
            left = client.without(key, b"auth " + said + b" failed")
            found = re.fullmatch(rb"auth (.*)\[redacted\]([^=]*)=* failed", left)
            of_others = 8 * len(before + after) / 6
            assert found and len(found[1] + found[2]) <= of_others + 2
    assert client.without(key, b"auth c2stbm9uZQ== failed") == b"auth c2stbm9uZQ== failed"


@pytest.mark.parametrize(
    "encode",
    [
        lambda key: key.upper().encode(),
        lambda key: key.lower().encode(),
        lambda key: key.encode().hex().encode(),
        lambda key: key.encode().hex().upper().encode(),
        lambda key: key.encode("utf-16-le"),
        lambda key: key.encode("utf-16-be"),
    ],
)
def test_a_whole_key_is_found_in_other_cases_and_encodings(encode):
    left = client.without("sk-Proj-4711aBcZ", b"said " + encode("sk-Proj-4711aBcZ") + b"; bye")
    assert left == b"said [redacted]; bye"


def test_short_words_are_no_keys(tmp_path):
    (tmp_path / "a.json").write_text('{"EMPTY": "sk-a\\"b-long"}')
    client.redact(tmp_path, "EMPTY")
    assert "EMPTY" in (tmp_path / "a.json").read_text()
    client.redact(tmp_path, 'sk-a"b-long')
    assert json.loads((tmp_path / "a.json").read_text()) == {"EMPTY": "[redacted]"}


@pytest.mark.parametrize(
    ("families", "told"),
    [(["AF_INET6"], "6"), (["AF_INET", "AF_INET6"], None), (["AF_INET"], None), ([], None)],
)
def test_a_host_without_ipv4_is_asked_by_ipv6(families, told, monkeypatch):
    def look_up(*arguments):
        if not families:
            raise socket.gaierror
        return [(getattr(socket, family), None) for family in families]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    environment = client.environment("http://node:8000/v1", [])
    assert environment.get("AIPERF_HTTP_IP_VERSION") == told


def test_the_client_may_take_long_to_start_on_a_busy_machine(monkeypatch):
    monkeypatch.setenv("AIPERF_SERVICE_START_TIMEOUT", "7")
    environment = client.environment("http://127.0.0.1:8000/v1", [])
    assert float(environment["AIPERF_SERVICE_REGISTRATION_TIMEOUT"]) == client.STARTING
    assert environment["AIPERF_SERVICE_START_TIMEOUT"] == "7", "the user's own goes first"
