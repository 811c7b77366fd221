"""One request, bounded in time and size, whatever the server does."""

import http.client
import re
import socket
import threading
import time
import urllib.error
from contextlib import contextmanager

import pytest
from inference_energy import web
from inference_energy.errors import InputError
from processes import HANGS

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LITTLE = 0.3
"""Patience with a server that would never end. [s]"""


@contextmanager
def server(answer):
    """Address of a server that gives a connection to a function."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    answer(connection)
                    # a request that is left unread would reset what the client has not read yet
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.close()


def drip(connection, start=b""):
    connection.sendall(start)
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def flood(connection):
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"x" * 65_536)


def body(address, read="body", patience=HANGS):
    with web.asked(address, patience, 2**20) as answer:
        return answer.body() if read == "body" else list(answer.lines())


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", HEAD])
@pytest.mark.parametrize("read", ["body", "lines"])
def test_a_dripping_server_is_left_in_time(start, read):
    with server(lambda c: drip(c, start)) as address, pytest.raises(TimeoutError):
        body(address, read, LITTLE)


@pytest.mark.parametrize("read", ["body", "lines"])
def test_a_flood_is_cut(read):
    with server(flood) as address, pytest.raises(InputError, match="more than the 1048576 bytes"):
        body(address, read)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-5\r\na: b\n",
        CHUNKED + b"8000000000000000\r\na: b\n",
        CHUNKED + b"5\r\na: b\n\r\n",
        CHUNKED + b"5\r\na:",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
    ],
)
@pytest.mark.parametrize("read", ["body", "lines"])
def test_what_is_no_http_is_an_error_of_http_or_of_the_network(said, read):
    with (
        server(lambda c: c.sendall(said)) as address,
        pytest.raises((OSError, http.client.HTTPException)),
    ):
        body(address, read)


def test_a_redirection_is_not_followed():
    """The key in the headers would go to another server."""
    sent_on = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with (
        server(lambda c: c.sendall(sent_on)) as address,
        pytest.raises(urllib.error.HTTPError, match="302"),
    ):
        body(address)


@pytest.mark.parametrize("then", [lambda c: drip(c), lambda c: time.sleep(HANGS)])
def test_what_an_error_says_is_received_in_time_too(then):
    def failing(connection):
        connection.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 900000\r\n\r\nCUDA")
        then(connection)

    with server(failing) as address, pytest.raises(urllib.error.HTTPError) as caught:
        body(address, patience=LITTLE)
    assert caught.value.code == 500
    assert caught.value.read().startswith(b"CUDA")


def test_what_a_server_says_is_told_on_one_line_without_what_steers_a_terminal():
    said = b"\x1b[31m502\x1b[0m\n Bad\t\x00\xe2\x80\xae Gate\xff" + b"w" * 500
    told = web.on_one_line(said)
    assert told.startswith("502 Bad Gate\ufffdww")
    assert len(told) == web.SHOWN
    assert web.on_one_line(b" \r\n") == "nothing"


def test_half_a_character_is_told_like_a_byte_that_is_none():
    """JSON can say it, and no UTF-8 can: it ended in a UnicodeEncodeError."""
    assert web.on_one_line("a\ud800\x1b[31mü") == "a?ü"
    assert web.encoded("a\ud800ü") == b"a?\xc3\xbc"


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(lambda connection: connection.sendall(HEAD + b"here")) as address:
        assert body(address) == b"here"


def test_a_whole_answer_comes_through():
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\nb\n"
    with server(lambda c: c.sendall(said)) as address:
        assert body(address) == b"a\nb\n"
        assert body(address, "lines") == [b"a\n", b"b\n"]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((b"a\nb", b"c\n", b"d"), [b"a\n", b"bc\n", b"d"]),
        ((b"x" * 65_536, b"y\n"), [b"x" * 65_536, b"y\n"]),
    ],
)
def test_lines_are_whole_however_they_are_sent(chunks, lines):
    said = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    with server(lambda c: c.sendall(CHUNKED + said)) as address:
        assert b"".join(lines) == body(address)
        assert body(address, "lines") == lines


def test_a_connection_that_comes_too_late_is_not_read(monkeypatch):
    """What was connected when the time was over would drip on for ever."""
    create = socket.create_connection

    def late(*arguments, **named):
        time.sleep(2 * LITTLE)
        return create(*arguments, **named)

    monkeypatch.setattr(web.http.client.socket, "create_connection", late)
    sent = []

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(100):
            connection.sendall(b"x")
            sent.append(b"x")
            time.sleep(LITTLE / 10)

    with server(answer) as address, pytest.raises(TimeoutError):
        body(address, patience=LITTLE)
    assert len(sent) < 50


def test_a_name_of_many_places_that_take_no_connection_is_left_in_time(monkeypatch):
    tried, look_up = [], socket.getaddrinfo

    def refused(place, *arguments):
        tried.append(place)
        time.sleep(LITTLE / 2)
        raise ConnectionRefusedError

    monkeypatch.setattr(web.socket, "getaddrinfo", lambda *of: look_up(*of) * 50)
    monkeypatch.setattr(web.http.client.socket, "create_connection", refused)
    with pytest.raises(TimeoutError):
        body("http://127.0.0.1:9/v1", patience=LITTLE)
    assert len(tried) < 5


@pytest.mark.parametrize(
    "address",
    [
        "http://h",
        "https://h:8000/v1",
        "http://[::1]:1/v1",
        "http://h/a=b/v1",
        "http://xn--mnchen-3ya.example/",
        "http://[fe80::1%eth0]:8000/v1",
        "http://[fe80::1%25eth0]:8000/v1",
        "http://h/%C3%BC/v1",
        "http://auth:8000/v1",
        "http://token/v1/completions",
        "http://h/auth/realm/v1",
        "http://h/keys/v1",
        # ids of a deployment and of an account, a model by its name
        "https://h/deployments/3f2b8c1a-9d7e-4f60-8a5b-2c1d0e9f8a7b/v1",
        f"https://h/client/v4/accounts/{'3f2b8c1a' * 4}/ai/v1",
        "http://h/models/Llama-3.1-405B-Instruct-FP8/v1",
        f"http://h/{'deadbeef' * 5}-model/v1",
    ],
)
def test_good_addresses(address):
    assert web.address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://user:hunter2@h/v1",
        "http://hunter2@h/v1",
        "http://h/v1?api_key=hunter2",
        "http://h/v1?",
        "http://h/v1#hunter2",
        "ftp://h/hunter2",
        "http:///hunter2",
        "hunter2",
        "",
        "http://[::1/hunter2",
        "http://h:99999/hunter2",
        "http://h:0/hunter2",
        "http://h:port/hunter2",
        "http://h/hunter2 x",
        "http://h/hunter2\n",
        "http://h/\u200bhunter2",
        "http://" + "h" * 70 + "/hunter2",
        "http://h/" + "hunter2" * 1000,
        "http://h/v1;api_key=hunter2",
        "http://h/v1/token=hunter2",
        "http://h/v1%3Fapi_key%3Dhunter2",
        "http://h/sk-hunter2hunter2hunter2/v1",
        "http://h/Bearer%20hunter2",
        "http://h/v1%253Fapi_key%253Dhunter2",
        "http://h/v1/key%3Ahunter2",
        "http://h/token:hunter2/v1",
        "http://h/api_key/hunter2hunter2/v1",
        "http://h/Bearer/hunter2hunter2",
        "http://h/sig=hunter2/v1",
        "http://h/signature=hunter2",
        "http://h/pwd=hunter2",
        "http://h/pass=hunter2",
        "http://h/credential=hunter2",
        "http://h/session=hunter2",
        "http://h/glpat-hunter2hunter2hunter2/v1",
        "http://127.0.0.1:1/t/4f3c2b1a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b/v1",
        f"http://h/{'4F3C2B1A' * 8}",
        "http://h/v1/sk-proj-abcdefghijklmnopqrstuv",
        "http://h/v1/hf_abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_bad_addresses_are_told_without_their_secrets(address):
    problem = web.address_problem(address)
    assert "allowed is http://HOST:PORT/PATH" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("address", "letter", "remedy"),
    [
        ("http://h:8000/ü/v1", "'ü'", r"write it percent-encoded \(%C3%BC\)"),
        ("http://h/v1/Ⅷ/ü", "'Ⅷ'", r"write it percent-encoded \(%E2%85%A7\)"),
        ("http://münchen.example/v1", "'ü'", r"write the host's name in punycode \(xn--"),
        ("http://①②.invalid/v1", "'①'", r"write the host's name in punycode \(xn--"),
        ("http://m%C3%BCnchen.example/v1", "'%'", "write the host's name as it is"),
        ("http://a%0d%0ab/v1", "'%'", "write the host's name as it is"),
    ],
)
def test_a_letter_that_no_request_carries_is_told(address, letter, remedy):
    """Such as ü, with which http.client ended in a UnicodeEncodeError."""
    problem = web.address_problem(address)
    assert problem.startswith(f"holds {letter} in its ")
    assert "allowed is http://HOST:PORT/PATH" in problem
    assert re.search(remedy, problem)


def test_a_look_up_that_hangs_is_bounded(monkeypatch):
    over = threading.Event()

    def hangs(*arguments):
        over.wait(HANGS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    began = time.monotonic()
    with pytest.raises(TimeoutError), web.asked("http://host.invalid/v1", LITTLE, 100):
        pass
    over.set()
    assert time.monotonic() - began < HANGS / 2


def test_a_host_that_no_look_up_knows_is_told(monkeypatch):
    def unknown(*arguments):
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with (
        pytest.raises(urllib.error.URLError, match="unknown"),
        web.asked("http://host.invalid/v1", HANGS, 100),
    ):
        pass


def test_of_several_addresses_one_that_answers_is_enough(monkeypatch):
    real = socket.getaddrinfo
    # where nothing listens, and a server
    places = ["127.0.0.2", "127.0.0.1"]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more: [place for each in places for place in real(each, *more)],
    )
    with server(lambda connection: connection.sendall(HEAD + b"yes")) as address:
        named = address.replace("127.0.0.1", "host.invalid")
        with web.asked(named, HANGS, 100) as answer:
            assert answer.body() == b"yes"


def test_a_host_that_takes_no_connection_is_told_before_patience_is_over(monkeypatch):
    monkeypatch.setattr(web, "REACHED", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first:
        first.connect(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with (
            pytest.raises(urllib.error.URLError, match=r"no connection within 0\.2 s"),
            web.asked(address, HANGS, 100),
        ):
            pass


def test_all_requests_that_are_under_way_can_be_ended():
    with server(lambda c: drip(c, HEAD)) as address:
        clock = threading.Timer(LITTLE, web.end_requests)
        clock.start()
        with pytest.raises(TimeoutError):
            body(address)
    assert not web.UNDER_WAY
    web.end_requests()
