"""The quick check says what is wrong with a server before the load generator starts."""

import html
import json
import socket
import ssl
import struct
import time
import urllib.error
from urllib.parse import quote

import pytest
from inference_energy.errors import InputError
from inference_energy.stress.probe import _check_context, chat_address, probe
from inference_energy.web import on_one_line
from library.test_web import drip, server
from stress.servers import Server, event

KEY = "sk-canary-77d1"


def ask(url, **changes):
    settings = {
        "endpoint": url,
        "model": "m",
        "request_timeout": 30,
        "legacy_max_tokens": False,
        "extra_inputs": {"min_tokens": "{output_tokens}"},
    } | changes
    return probe(settings, KEY, patience=1.0 if changes else 30.0).remarks


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("key", "HTTP 401: it wants another key"),
        (
            "model",
            "HTTP 404: it does not know this path or the model m: endpoint ends with /v1, and",
        ),
        ("html", "a web page answers, no API"),
        ("html error", "HTTP 502: a web page answers (the server failed"),
        ("error", "HTTP 503: it is overloaded, or still loads its model: wait until it is ready"),
        ("limited", "HTTP 429: it limits the rate"),
        ("field", "HTTP 422: it refuses a field"),
        ("empty", "answered without a token of text"),
    ],
)
def test_every_case_has_its_own_remedy(mode, message):
    with Server(mode) as server, pytest.raises(InputError) as caught:
        ask(server.url)
    text = str(caught.value)
    assert message in text
    assert KEY not in text
    assert server.asked == 1
    if mode == "model":
        assert "model is one of m, n" in text


@pytest.mark.parametrize(
    ("code", "said", "remedy"),
    [
        (400, "Invalid model name passed in model=m", "model is one of m, n"),
        (400, "The model `m` does not exist.", "model is one of m, n"),
        (400, "This model's maximum context length is 16 tokens", "it refuses the request"),
        (401, "Incorrect API key provided", "it wants another key"),
        (402, "Insufficient Balance", "the account behind the key has no credit left"),
        (405, "Method Not Allowed", "this path takes no questions"),
        (408, "Request Timeout", "gave up waiting"),
        (413, "Request Entity Too Large", "limits the size of a request"),
        (504, "upstream request timeout", "a proxy before the server gave up waiting"),
    ],
)
def test_an_unknown_model_is_told_whatever_the_code(code, said, remedy):
    with Server("good") as server:
        error = {"error": {"message": said}}
        server.answer = lambda handler, *rest: server.reply(
            handler, code, "application/json", error
        )
        with pytest.raises(InputError) as caught:
            ask(server.url)
    assert remedy in str(caught.value)
    assert ("model is one of" in str(caught.value)) == ("model is one of" in remedy)


UNKNOWN = {"message": "The model `m` does not exist.", "type": "NotFoundError"}


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (json.dumps({"error": UNKNOWN | {"code": 404}}), "(404): it does not know this path or"),
        (json.dumps({"error": UNKNOWN}, indent=2), "it does not know this path or the model m"),
        (json.dumps({"object": "error", "message": "no key", "code": 401}), "it wants another key"),
        (json.dumps({"error": "out of memory"}), "see its message"),
        (json.dumps({"detail": "upstream"}), "see its message"),
        (f"data: {json.dumps({'error': {'message': 'slow down', 'code': '429'}})}", "the rate"),
        (f"data: {json.dumps({'error': {'message': 'x', 'code': 500}})}", "the server failed"),
        ("event: error\ndata: overloaded", "see its message"),
    ],
)
@pytest.mark.parametrize("tokens", [0, 3])
def test_an_error_inside_an_answer_is_told_as_one(said, remedy, tokens):
    text = tokens * event({"index": 0, "delta": {"content": "a"}})
    with Server("good") as server:
        server.answer = lambda handler, *rest: server.reply(
            handler, 200, "text/event-stream", text + said.encode() + b"\n\n"
        )
        with pytest.raises(InputError) as caught:
            ask(server.url)
    (problem,) = caught.value.problems
    assert "HTTP 200 with an error in the answer" in problem and remedy in problem
    shown = said.removeprefix("event: error\n").removeprefix("data: ")
    assert problem.endswith(f"It said: {on_one_line(shown.encode())}")


def test_a_model_that_the_server_does_not_list_is_remarked():
    with Server("good") as server:
        (finding,) = ask(server.url, model="other")
    assert (finding.kind, finding.refuses) == ("model", "")
    assert "lists m, n" in finding.message


@pytest.mark.parametrize("mode", ["good", "model"])
def test_a_model_whose_name_holds_half_a_character_is_told(mode):
    half = {"data": [{"id": "\ud800"}, {"id": "n"}]}
    with Server(mode) as server:
        reply = server.reply
        server.reply = lambda handler, code, kind, content: reply(
            handler, code, kind, half if "data" in content else content
        )
        if mode == "good":
            (finding,) = ask(server.url)
            assert "lists ?, n: it may" in finding.message
            return
        with pytest.raises(InputError, match=r"model is one of \?, n\. It said"):
            ask(server.url)


def test_server_that_hangs_is_told_from_one_that_is_not_there():
    with Server("hangs") as server, pytest.raises(InputError, match="sent nothing for 1 s"):
        ask(server.url, request_timeout=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match="no server answers"):
        ask(f"http://127.0.0.1:{port}/v1")
    with pytest.raises(InputError, match="no server answers"):
        ask("http://no-such-host.invalid/v1")


def test_a_certificate_that_is_not_trusted_has_a_remedy_of_its_own(monkeypatch):
    def asked(*arguments):
        raise urllib.error.URLError(ssl.SSLCertVerificationError(1, "self-signed certificate"))

    monkeypatch.setattr("inference_energy.stress.probe.asked", asked)
    with pytest.raises(InputError, match=r"not trusted .*self-signed.* SSL_CERT_FILE"):
        ask("https://h/v1")


def test_stream_is_told_from_an_answer_in_one_piece():
    with Server("good") as server:
        assert ask(server.url) == []
    with Server("buffered") as server:
        (finding,) = ask(server.url)
    assert (finding.kind, finding.refuses) == ("buffered", "")


def test_address_is_built_as_the_load_generator_does():
    for endpoint in ("http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"):
        assert chat_address(endpoint) == "http://h:1/v1/chat/completions"
    assert chat_address("http://h/v1/chat/completions") == "http://h/v1/chat/completions"


MOVED = (
    b"HTTP/1.1 308 T\r\nLocation: https://h/v1?a=canary\r\n"
    b"Content-Type: text/html\r\n\r\n<html>Moved</html>"
)
"""As nginx sends on from http to https, with a page."""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "not in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ndata: {", "its answer broke off"),
        (MOVED, "another address, .*as endpoint. It said: https://h/v1$"),
        (MOVED.replace(b"//h", b"//ann:canary@h"), "It said: https://h/v1$"),
        (MOVED.replace(b"?a=", b";key="), "It said: https://h/v1$"),
        (MOVED.replace(b"?a=", b"#key="), "It said: https://h/v1$"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2**23, "more than the 4194304 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"data: " + b"[" * 100_000 + b"\n", "without a token"),
        (b'HTTP/1.1 200 OK\r\n\r\ndata: {"choices": {"a": 1}}\n', "without a token"),
        (b"HTTP/1.1 200 OK\r\n\r\n\n<!DOCTYPE html><html>Sign in</html>", "a web page answers"),
    ],
)
def test_a_server_that_talks_nonsense_is_told(said, expected):
    with server(lambda c: c.sendall(said)) as url, pytest.raises(InputError, match=expected):
        ask(url)


@pytest.mark.parametrize("said", [b"", b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'])
def test_a_server_that_dies_as_it_answers_is_told_from_one_that_is_not_there(said):
    def die(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + said)
        time.sleep(0.1)
        # closed without lingering, it is reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with server(die) as url, pytest.raises(InputError, match="its answer broke off: look into its"):
        ask(url)


@pytest.mark.parametrize("code", [200, 401])
def test_a_key_that_a_server_repeats_is_not_shown_in_any_form(code):
    key = 'sk-canary-"9/1+a%&<3f'
    forms = [key, json.dumps(key)[1:-1], quote(key, safe=""), html.escape(key)]
    said = ": ping\n\n" + "".join(f"data: Failed for Bearer {form}\n\n" for form in forms)
    answer = f"HTTP/1.1 {code} X\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode()
    settings = {"model": "m", "request_timeout": 30, "legacy_max_tokens": False}
    with server(lambda c: c.sendall(answer)) as url, pytest.raises(InputError) as caught:
        probe(settings | {"endpoint": url, "extra_inputs": {}}, key)
    assert "Failed for Bearer [redacted] data: Failed" in str(caught.value)
    assert not [form for form in forms if form in str(caught.value)]


def test_a_server_that_drips_is_left_in_time():
    with server(drip) as url, pytest.raises(InputError, match="sent nothing for 1 s"):
        ask(url, request_timeout=1)


@pytest.mark.parametrize("stated", [True, 0, -1, "4096", None])
def test_a_context_that_is_none_refuses_nothing(stated):
    settings = {"model": "m", "endpoint": "http://h/v1", "lengths": [300], "input_tokens": 500}
    _check_context(settings, stated)


@pytest.mark.parametrize(("longest", "fits"), [(3596, True), (3597, False)])
def test_a_context_that_is_too_short_is_told_before_a_long_query_is_sent(longest, fits):
    listed = {"data": [{"id": "n"}, {"id": "m", "max_model_len": 4096}]}
    settings = {"model": "m", "request_timeout": 30, "legacy_max_tokens": False}
    settings |= {"extra_inputs": {}, "lengths": [300, longest], "input_tokens": 500}
    with Server() as engine:
        reply = engine.reply
        engine.reply = lambda handler, code, kind, content: reply(handler, code, kind, listed)
        settings["endpoint"] = engine.url
        if fits:
            began = time.monotonic()
            remarks, token_seconds = probe(settings, KEY)
            assert remarks == []
            # 24 tokens, 10 ms apart
            assert 23 * 0.01 <= 24 * token_seconds <= time.monotonic() - began
            return
        told = r"takes 500 and 3597 tokens, .* has at most 4096 with m: "
        with pytest.raises(InputError, match=told) as caught:
            probe(settings, KEY)
    assert "--max-model-len" in str(caught.value)
