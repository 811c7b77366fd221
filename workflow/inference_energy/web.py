"""One request over HTTP, bounded in time and in size, and addresses that hold no secret.

A request goes straight to its address, as the load generator's do: a proxy that the environment
names for the world outside does not know the hosts of a cluster.
"""

import http.client
import io
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from inference_energy.errors import InputError
from inference_energy.secrecy import IN_PATH, STATED, looks_secret

PIECE = 65_536
LONGEST_ADDRESS = 2_000
REACHED = 10.0
"""Longest time that a host takes to take a connection, whatever it then does with it. [s]"""
LOOK_UP = 0.05
"""How often a look-up of a name is asked whether it is known. [s]"""
MOST_SAID = 20_000
"""Longest text of an error that is received. [bytes]"""
ALLOWED = "allowed is http://HOST:PORT/PATH"
SHOWN = 200
"""Letters of an answer that a message shows."""
UNDER_WAY: set[Callable[[], None]] = set()
"""What ends each request that is under way."""
STEERING = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""What sets colours on a terminal."""


def address_problem(address: str) -> str | None:
    """Say what is wrong with an address, without repeating it: it may hold a secret.

    Parameters
    ----------
    address : str
        As a user wrote it.

    Returns
    -------
    str or None
        What is wrong, what is allowed, and the remedy; None for a good address.
    """
    if len(address) > LONGEST_ADDRESS or not address.isprintable() or re.search(r"\s", address):
        return f"holds blanks or control characters, or is endless; {ALLOWED}; correct it"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except (ValueError, UnicodeError):
        return f"has no valid host or port; {ALLOWED}, a port from 1 to 65535; correct it"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return f"has no http or https, host or port; {ALLOWED}, a port from 1 to 65535; correct it"
    if "@" in parts.netloc:
        return (
            f"holds a user name or password, which results would repeat; {ALLOWED}; remove it, and "
            "set OPENAI_API_KEY where a key is needed"
        )
    if parts.query or parts.fragment or "?" in address or "#" in address:
        return (
            f"holds a query or fragment, which may be a key and results would repeat; {ALLOWED}; "
            "remove it, and set OPENAI_API_KEY where a key is needed"
        )
    if STATED.search(address) or IN_PATH.search(parts.path) or looks_secret(address):
        return (
            f"holds what looks like a key, which results would repeat; {ALLOWED}; remove it, and "
            "set OPENAI_API_KEY where a key is needed"
        )
    # what follows %25 is a zone of IPv6
    host = parts.netloc.replace("%25", "")
    if unquote(host) != host:
        return f"holds '%' in its host; {ALLOWED}; write the host's name as it is"
    return _beyond_ascii(address, parts.netloc)


def _beyond_ascii(address: str, host: str) -> str | None:
    """Say which letter of an address no request carries, and nothing else of it."""
    letter = next((letter for letter in address if not letter.isascii()), None)
    if letter is None:
        return None
    where, remedy = (
        ("host", "the host's name in punycode (xn--...)")
        if letter in host
        else ("path", f"it percent-encoded ({quote(letter)})")
    )
    return f"holds {letter!r} in its {where}; {ALLOWED}, in ASCII; write {remedy}"


def encoded(text: str) -> bytes:
    """UTF-8 of a text that JSON told, which may hold half a character: a question mark then."""
    return text.encode(errors="replace")


def on_one_line(said: bytes | str) -> str:
    """Start of what was said as one line of a message, without what steers a terminal."""
    said = encoded(said) if isinstance(said, str) else said
    text = STEERING.sub("", said.decode(errors="replace"))
    words = "".join(letter for letter in text if letter.isprintable() or letter.isspace()).split()
    return " ".join(words)[:SHOWN] or "nothing"


class Answer:
    """An answer that is being received.

    Parameters
    ----------
    response : http.client.HTTPResponse
        Of the server.
    most : int
        Bytes of its body that are received at most.
    expired : threading.Event
        Set when its time is over.
    """

    def __init__(
        self, response: http.client.HTTPResponse, most: int, expired: threading.Event
    ) -> None:
        self.response, self.headers, self.expired = response, response.headers, expired
        self.left = self.most = most

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the body, as they come.

        Raises
        ------
        InputError
            A body that is longer than allowed.
        TimeoutError
            A body that is not whole in time.
        http.client.IncompleteRead
            A body that breaks off.
        """
        held = bytearray()
        # readline of HTTPResponse takes an answer that ends between two chunks for a whole one
        while piece := self._counted(self.response.read1):
            for part in io.BytesIO(piece):
                held += part
                if part.endswith(b"\n") or len(held) >= PIECE:
                    yield bytes(held)
                    held.clear()
        if held:
            yield bytes(held)

    def body(self) -> bytes:
        """Return the whole body; raises as :meth:`lines`."""
        pieces = []
        while piece := self._counted(self.response.read):
            pieces.append(piece)
        return b"".join(pieces)

    def _counted(self, read: Callable[[int], bytes]) -> bytes:
        try:
            piece = read(PIECE)
        except (ConnectionError, ValueError, OverflowError):
            # a server that ends so has answered; whoever is not there never did; a chunk may say
            # that it is shorter than nothing, or longer than any
            raise http.client.IncompleteRead(b"", self.response.length) from None
        if self.expired.is_set():
            raise TimeoutError
        if not piece and self.response.length:
            raise http.client.IncompleteRead(piece, self.response.length)
        self.left -= len(piece)
        if self.left < 0:
            raise InputError(
                f"{self.response.url}: sends more than the {self.most} bytes that are allowed: "
                "correct the address, or look what the server sends"
            )
        return piece


def end_requests() -> None:
    """End every request that is under way as if its time were over, as a signal's handler may."""
    for end in tuple(UNDER_WAY):
        end()


@contextmanager
def asked(
    address: str,
    seconds: float,
    most: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Answer]:
    """Send one request and give its answer; all of it takes at most so long.

    A time-out of the socket alone would start anew with every byte that drips in.

    Parameters
    ----------
    address : str
        http or https.
    seconds : float
        Longest time until the answer is whole. [s]
    most : int
        Longest body of the answer. [bytes]
    body : bytes, optional
        Makes it a POST.
    headers : dict, optional
        Of the request.

    Yields
    ------
    Answer

    Raises
    ------
    TimeoutError
        The answer is not whole in time.
    OSError, http.client.HTTPException
        What urllib.request raises; urllib.error.HTTPError for errors that the server tells, with
        the start of what it says, as far as that came in time, and for redirections, which would
        take the headers and a key in them to another server.
    """
    sockets: list[socket.socket] = []
    expired = threading.Event()

    def end() -> None:
        expired.set()
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(seconds, end)
    clock.daemon = True
    clock.start()
    UNDER_WAY.add(end)
    request = urllib.request.Request(address, body, headers or {})
    opener = urllib.request.build_opener(*_handlers(sockets, expired))
    try:
        with opener.open(request, timeout=seconds) as response:
            yield Answer(response, most, expired)
    except urllib.error.HTTPError as error:
        with error:
            said = io.BytesIO(_said(error.fp))
        raise urllib.error.HTTPError(
            error.url, error.code, error.msg, error.headers, said
        ) from None
    except (OSError, http.client.HTTPException):
        if expired.is_set():
            raise TimeoutError from None
        raise
    finally:
        UNDER_WAY.discard(end)
        clock.cancel()


def _said(response: Any) -> bytes:
    """What an error says, or as much of it as comes."""
    said = b""
    with suppress(OSError, http.client.HTTPException):
        while len(said) < MOST_SAID and (piece := response.read1(MOST_SAID - len(said))):
            said += piece
    return said


def _addresses(host: str, port: int, expired: threading.Event) -> list[str]:
    """Numeric addresses of a host; the system's own look-up may take for ever.

    A thread that hangs in it is left behind, and ends with the program at the latest.
    """
    found: list[Any] = []
    known = threading.Event()

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)
        known.set()

    threading.Thread(target=look_up, daemon=True).start()
    while not known.wait(LOOK_UP):
        if expired.is_set():
            raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return [place[4][0] for place in found]


def _handlers(
    sockets: list[socket.socket], expired: threading.Event
) -> tuple[urllib.request.BaseHandler, ...]:
    """Handlers of both schemes that note every socket they open."""

    def noting(kind: Any) -> Any:
        class Connection(kind):
            _create_connection: Any

            def connect(self) -> None:
                create = self._create_connection

                def created(
                    address: tuple[str, int], timeout: float, *arguments: Any
                ) -> socket.socket:
                    failed: OSError = ConnectionError(f"{address[0]} has no address")
                    soon = min(timeout, REACHED)
                    for place in _addresses(*address[:2], expired):
                        if expired.is_set():
                            raise TimeoutError
                        try:
                            sockets.append(create((place, address[1]), soon, *arguments))
                        except TimeoutError:
                            failed = ConnectionError(f"no connection within {soon:g} s")
                        except OSError as error:
                            failed = error
                        else:
                            sockets[-1].settimeout(timeout)
                            return sockets[-1]
                    raise failed

                self._create_connection = created
                super().connect()
                sockets.append(self.sock)
                if expired.is_set():
                    # what was connected since is not in the list that was gone through
                    raise TimeoutError

        return Connection

    plain, secure = noting(http.client.HTTPConnection), noting(http.client.HTTPSConnection)

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(plain, request)

    class Secure(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(secure, request)

    return Plain(), Secure(), _Stay(), urllib.request.ProxyHandler({})


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None
