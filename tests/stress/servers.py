"""Servers on the loopback interface that behave as real ones do on a bad day."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path

MODES = (
    "good",
    "buffered",
    "key",
    "model",
    "html",
    "html error",
    "error",
    "limited",
    "field",
    "hangs",
    "empty",
    "echo",
    "breaks",
)
CONTENT = {
    "html": "text/html",
    "html error": "text/html; charset=utf-8",
}
CODES = {
    "key": 401,
    "model": 404,
    "html error": 502,
    "error": 503,
    "limited": 429,
    "field": 422,
}


DONE = b"data: [DONE]\n\n"
BROKEN_AFTER = 30
"""Events of a stream that breaks off."""
FLOOD, WAVE = 1_500_000_000, 1_000_000


class Server:
    """A server in one of the `MODES` while in a `with` block; `url` ends with /v1.

    Parameters
    ----------
    mode : str
        How it answers.
    gap, first : float
        Time between two tokens, and more before the first [s]: a stream keeps to this beat on a
        machine that is busy, because each token waits for its own moment.
    slower : float
        Every request takes so much more per token than the one before [s].
    broken_share : float
        Share of the streams that break off.
    hangs, floods : collection of int
        Numbers of the requests that are never answered, from 1, and of those that are answered with
        :data:`FLOOD` [bytes].
    port : int
        Its own choice unless given.
    engine : str, optional
        Address of a real engine whose answers are passed on, on this server's beat; without one
        every token is an a.
    """

    def __init__(
        self,
        mode="good",
        gap=0.01,
        first=0.0,
        slower=0.0,
        broken_share=0.0,
        hangs=(),
        floods=(),
        port=0,
        engine=None,
    ):
        self.mode, self.gap, self.first, self.slower = mode, gap, first, slower
        self.broken_share, self.hangs, self.engine = broken_share, hangs, engine
        self.floods = floods
        self.release = threading.Event()
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if outer.engine:
                    outer.pass_on(self, None)
                    return
                outer.reply(self, 200, "application/json", {"data": [{"id": "m"}, {"id": "n"}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked += 1
                outer.answer(self, body, self.headers.get("Authorization", ""))

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def reply(self, handler, code, kind, content):
        """Send a whole answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def answer(self, handler, body, authorization):
        """Answer a chat completion as the mode says."""
        mode = self.mode
        if mode == "hangs" or self.asked in self.hangs:
            self.release.wait()
            return
        if mode in CODES:
            said = {"error": {"message": f"no, {authorization}"}}
            if mode == "html error":
                said = b"<html>502 Bad Gateway</html>"
            self.reply(handler, CODES[mode], CONTENT.get(mode, "application/json"), said)
            return
        if mode == "html":
            self.reply(handler, 200, CONTENT[mode], b"<html>Welcome</html>")
            return
        if mode == "echo" and self.asked % 3 == 0:
            said = {"error": {"message": f"Failed for {authorization}"}}
            self.reply(handler, 500, "application/json", said)
            return
        if self.engine:
            self.pass_on(handler, json.dumps(body).encode())
            return
        tokens = body.get("max_tokens") or body.get("max_completion_tokens") or 16
        made_up = event({"index": 0, "delta": {"role": "assistant", "content": "a"}})
        ending = event({"index": 0, "delta": {}, "finish_reason": "length"})
        if self.asked in self.floods:
            wave = event({"index": 0, "delta": {"role": "assistant", "content": "a" * WAVE}})
            # the client may be ended before it has read all
            with suppress(OSError):
                self.stream(handler, repeat(wave, FLOOD // WAVE), ending + DONE)
            return
        self.stream(handler, [] if mode == "empty" else [made_up] * tokens, ending + DONE)

    def pass_on(self, handler, body):
        """Answer as the engine does."""
        headers = {"Content-Type": "application/json"}
        headers["Authorization"] = handler.headers.get("Authorization", "")
        path = handler.path.removeprefix("/v1")
        asked = urllib.request.Request(f"{self.engine}{path}", body, headers)
        try:
            answer = urllib.request.urlopen(asked, timeout=600)
        except urllib.error.HTTPError as error:
            with error:
                self.reply(handler, error.code, error.headers["Content-Type"], error.read())
            return
        with answer:
            kind = answer.headers["Content-Type"]
            if "event-stream" in kind:
                self.stream(handler, (line + b"\n" for line in answer if line.strip()), b"")
            else:
                self.reply(handler, 200, kind, answer.read())

    def stream(self, handler, tokens, ending):
        """Stream events, in one piece where a proxy holds them back, or not to their end."""
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        held = b""
        broken = self.broken_share and self.asked % round(1 / self.broken_share) == 0
        gap = self.gap + self.slower * self.asked
        moment = time.monotonic() + self.first
        for number, token in enumerate(tokens):
            # what follows the last token is sent with it
            if b'"finish_reason":"' not in token and DONE not in token:
                moment += gap
                time.sleep(max(moment - time.monotonic(), 0))
            if broken and number > BROKEN_AFTER:
                return
            held += token
            if self.mode != "buffered":
                handler.wfile.write(held)
                handler.wfile.flush()
                held = b""
        handler.wfile.write(held + ending)

    def __enter__(self):
        # often, so that it ends as soon as it is told to
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def event(choice):
    """One event of a stream."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(chunk | {"choices": [choice]}).encode() + b"\n\n"


def stand_in(folder):
    """Write an executable into a folder that stands in for AIPerf; return its path."""
    command = folder / "aiperf"
    client = Path(__file__).with_name("client.py")
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {client} "$@"\n')
    command.chmod(0o755)
    return command
