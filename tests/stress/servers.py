"""Servers on the loopback interface that behave as real ones do on a bad day."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


class Server:
    """A server in one of the `MODES` while in a `with` block; `url` ends with /v1."""

    def __init__(self, mode="good", gap=0.01, broken_share=0.0, port=0):
        self.mode, self.gap, self.broken_share = mode, gap, broken_share
        self.release = threading.Event()
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
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
        if mode == "hangs":
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
        tokens = body.get("max_tokens") or body.get("max_completion_tokens") or 16
        self.stream(handler, tokens, "a")

    def stream(self, handler, tokens, text):
        """Stream tokens, in one piece where a proxy holds them back, or not to their end."""
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        held = b""
        broken = self.broken_share and self.asked % round(1 / self.broken_share) == 0
        for number in range(0 if self.mode == "empty" else tokens):
            time.sleep(self.gap)
            if broken and number > tokens // 2:
                return
            held += event({"index": 0, "delta": {"role": "assistant", "content": text}})
            if self.mode != "buffered":
                handler.wfile.write(held)
                handler.wfile.flush()
                held = b""
        ending = event({"index": 0, "delta": {}, "finish_reason": "length"})
        handler.wfile.write(held + ending + b"data: [DONE]\n\n")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
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
