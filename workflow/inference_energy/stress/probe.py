"""One question to the server before the load generator starts: does it answer, and how.

An answer that AIPerf would only report after it has started (20 to 80 s) is told within seconds,
each case with its own remedy. The key is sent, never shown.
"""

import http.client
import json
import re
import ssl
import time
import urllib.error
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from inference_energy.errors import InputError
from inference_energy.stress.client import without
from inference_energy.stress.plan import Finding, extra_fields
from inference_energy.units import MILLI
from inference_energy.web import MOST_SAID, Answer, asked, encoded, on_one_line

TOKENS = 24
"""Output tokens asked for: enough to tell a stream from an answer in one piece."""


PATIENCE = 120.0
"""Longest wait for an answer [s]: a server's first request may load or compile its kernels."""


COMMENT, PAGE = b":", re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
"""How a line of a stream begins that keeps it alive, and how a page does."""


ENOUGH = 200
"""Pieces after which a server that ignores the limit is not listened to any longer."""


MOST_BYTES = 2**22
"""A longer answer is none to a short question. [bytes]"""


LOST = (OSError, http.client.HTTPException)
TEXTS = ("content", "reasoning_content", "reasoning")


CHAT = "/chat/completions"
UNKNOWN = re.compile(
    r"model.{0,80}(not (found|exist|available|served)|does not exist|unknown|invalid)"
    r"|(invalid|unknown|unsupported|no such) model",
    re.IGNORECASE,
)
"""How servers say that they do not know a model; a context that is too short is no such case."""


USER = re.compile(r"//[^/@]*@")
"""Name and password before the host of an address."""


BEHIND = re.compile(r"[?;#]")
"""What ends the path of an address."""


CODE = re.compile(r"[45][0-9]{2}")
"""A code of HTTP that an error states in its text."""


CONTEXT = re.compile(
    r"context (length|window|size)|max_model_len|(input|prompt|sequence).{0,30}too long",
    re.IGNORECASE,
)
"""How servers say that a request has more tokens than they take."""


CONTEXT_REMEDY = "raise its context (vLLM: --max-model-len), or lower output_tokens or input_tokens"


REMEDIES = {
    400: "it refuses the request: see its message; extra_inputs and legacy_max_tokens change it",
    401: "it wants another key: set OPENAI_API_KEY to the server's key",
    402: "the account behind the key has no credit left: add some, or set another OPENAI_API_KEY",
    403: "the key is not allowed to use it: set OPENAI_API_KEY to one that is",
    405: "this path takes no questions: correct endpoint (it ends with /v1), or its proxy",
    408: "it gave up waiting for the request: look whether it, or the network, is overloaded",
    413: "it, or a proxy before it, limits the size of a request: raise that (nginx: "
    "client_max_body_size), or lower input_tokens",
    422: "it refuses a field of the request: see its message; extra_inputs changes it",
    429: "it limits the rate already for one request: raise its limit",
    504: "a proxy before the server gave up waiting for it: raise that limit (nginx: "
    "proxy_read_timeout), or look whether the server hangs",
}


UNAVAILABLE = 503
"""What llama.cpp's server answers while it loads a model."""


class Answered(NamedTuple):
    """What an answer tells.

    Parameters
    ----------
    remarks : list of Finding
        On the stream.
    token_seconds : float or None
        Time that the answer took for each of its pieces, of a token or more [s]; it holds the wait
        for the first one, so that a token takes less. None where the answer came in one piece: it
        may come from a cache.
    """

    remarks: list[Finding]
    token_seconds: float | None


def chat_address(endpoint: str) -> str:
    """Address of the chat completions, as AIPerf builds it from an endpoint."""
    base = endpoint.rstrip("/")
    if base.endswith(CHAT):
        return base
    return f"{base}{CHAT}" if base.endswith("/v1") else f"{base}/v1{CHAT}"


def probe(settings: Mapping[str, Any], key: str | None, patience: float = PATIENCE) -> Answered:
    """Send one short request.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml.
    key : str or None
        The endpoint's key.
    patience : float
        Longest wait for an answer [s].

    Returns
    -------
    Answered
        Remarks on the stream, and how long a token takes.

    Raises
    ------
    InputError
        If the server does not answer as it should: what happened, and the remedy.
    """
    address = chat_address(settings["endpoint"])
    patience = min(patience, float(settings["request_timeout"]))
    body = {
        "model": settings["model"],
        "messages": [{"role": "user", "content": "Count from one to one hundred."}],
        "max_tokens" if settings["legacy_max_tokens"] else "max_completion_tokens": TOKENS,
        "stream": True,
    } | extra_fields(settings, TOKENS)
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    began = time.monotonic()
    try:
        with asked(address, patience, MOST_BYTES, json.dumps(body).encode(), headers) as answer:
            times = _check_answer(address, answer, settings, key)
    except urllib.error.HTTPError as error:
        with error:
            raise InputError(_http_problem(address, error, settings, key)) from None
    except TimeoutError:
        raise InputError(_silent(address, patience)) from None
    except http.client.IncompleteRead:
        raise InputError(
            f"{address}: its answer broke off: look into its log, and whether a proxy before it "
            "ends streams, then start again"
        ) from None
    except LOST as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise InputError(_silent(address, patience)) from None
        why = _shown(str(reason), key)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise InputError(
                f"{address}: its certificate is not trusted ({why}): set SSL_CERT_FILE to the "
                "certificate of the authority that signed it"
            ) from None
        raise InputError(
            f"{address}: no server answers, or not in HTTP ({why}): start it, or correct endpoint "
            "(host, port, http or https)"
        ) from None
    remarks = check_pieces(times)
    token_seconds = None if remarks else (times[-1] - began) / len(times)
    return Answered(remarks + check_model(settings, key), token_seconds)


def _silent(address: str, patience: float) -> str:
    return (
        f"{address}: took the request and sent nothing for {patience:.0f} s, or no whole answer: "
        "look whether the server hangs or still loads the model, then start again"
    )


def _http_problem(
    address: str, error: urllib.error.HTTPError, settings: Mapping[str, Any], key: str | None
) -> str:
    said = _shown(error.read(), key)
    code = error.code
    if 300 <= code < 400:
        # what follows the path may be a secret, and what stands before the host
        place = USER.sub("//", BEHIND.split(error.headers.get("Location") or "")[0])
        return (
            f"{address}: HTTP {code}: it sends on to another address, where no key is sent: give "
            f"that one as endpoint. It said: {_shown(place, key)}"
        )
    remedy = _remedy(code, said, settings, key)
    if "html" in (error.headers.get("Content-Type") or "").lower():
        remedy = f"a web page answers ({remedy or 'no API'}): correct endpoint, or its proxy"
    return f"{address}: HTTP {code}: {remedy or 'look into its log'}. It said: {said}"


def _remedy(code: int, said: str, settings: Mapping[str, Any], key: str | None) -> str | None:
    """What to do about an error by its code and its words; None where neither says."""
    if code == 404 or (code in REMEDIES and UNKNOWN.search(said)):
        return (
            f"it does not know this path or the model {settings['model']}: endpoint ends with /v1, "
            f"and model is one of {_models(settings, key)}"
        )
    if code == UNAVAILABLE:
        return (
            "it is overloaded, or still loads its model: wait until it is ready, or look into its "
            "log, then start again"
        )
    failed = "the server failed: look into its log, then start again" if code >= 500 else None
    return REMEDIES.get(code, failed)


def _refuse_error(
    address: str, said: bytes, settings: Mapping[str, Any], key: str | None, marked: bool = False
) -> None:
    """Refuse what an answer with HTTP 200 says if it is an error, or is ``marked`` as one."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        value = {}
    value = value if isinstance(value, dict) else {}
    is_bare = value.get("object") == "error" or (
        value.keys() & {"detail"} and "choices" not in value
    )
    error = value.get("error") or (value if is_bare else None)
    if not (error or marked):
        return
    stated = CODE.fullmatch(str(error.get("code"))) if isinstance(error, dict) else None
    shown = _shown(said, key)
    # an error without a code of its own is taken for a refusal of the request
    remedy = _remedy(int(stated[0]) if stated else 400, shown, settings, key)
    code = f" ({stated[0]})" if stated else ""
    raise InputError(
        f"{address}: HTTP 200 with an error in the answer{code}: {remedy or 'see its message'}. It"
        f" said: {shown}"
    )


def _models(settings: Mapping[str, Any], key: str | None) -> str:
    """Names of the models that the server lists, for a message."""
    names = _listed(settings, key)
    if names is None:
        return f"those that {chat_address(settings['endpoint'])[: -len(CHAT)]}/models lists"
    return _shown(", ".join(names), key) if names else "none"


def _listed(settings: Mapping[str, Any], key: str | None) -> dict[str, object] | None:
    """Models that the server lists, with the tokens that one request may hold where it says so.

    None where it lists none in the usual form.
    """
    address = chat_address(settings["endpoint"])[: -len(CHAT)] + "/models"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with asked(address, 5.0, MOST_BYTES, headers=headers) as answer:
            models = json.loads(answer.body())["data"]
            return {str(model["id"]): model.get("max_model_len") for model in models}
    except (*LOST, InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def check_model(settings: Mapping[str, Any], key: str | None) -> list[Finding]:
    """Findings on a model that the server does not list: some serve another one without a word.

    Raises
    ------
    InputError
        If it says that it takes fewer tokens in a request than the longest query has.
    """
    names = _listed(settings, key)
    if not names:
        return []
    if settings["model"] in names:
        _check_context(settings, names[settings["model"]])
        return []
    return [
        Finding(
            "model",
            "",
            f"the server answers to {settings['model']} but lists {_models(settings, key)}: it may "
            "serve another model than the one named",
        )
    ]


def _check_context(settings: Mapping[str, Any], most: object) -> None:
    """Refuse a longest query that is longer than the tokens that the server takes in a request."""
    longest = max(settings.get("lengths", [0]))
    stated = isinstance(most, int) and not isinstance(most, bool) and most > 0
    if stated and settings.get("input_tokens", 0) + longest > most:
        raise InputError(
            f"{settings['endpoint']}: the longest query takes {settings['input_tokens']} and "
            f"{longest} tokens, in and out, and the server says that a request has at most {most} "
            f"with {settings['model']}: {CONTEXT_REMEDY}"
        )


def _check_answer(
    address: str, answer: Answer, settings: Mapping[str, Any], key: str | None
) -> list[float]:
    """When each piece with text arrived [s]; InputError for what is no stream of tokens."""
    is_page = "html" in (answer.headers.get("Content-Type") or "").lower()
    times: list[float] = []
    said, plain, event = b"", b"", b""
    for line in () if is_page else answer.lines():
        if len(said) < MOST_SAID and not line.startswith(COMMENT):
            said += line
        if line.startswith(b"event:"):
            event = line[6:].strip()
        elif len(plain) < MOST_SAID and not line.startswith((COMMENT, b"data:")):
            plain += line
        if not line.startswith(b"data:") or line[5:].strip() in (b"", b"[DONE]"):
            continue
        _refuse_error(address, line[5:].strip(), settings, key, event == b"error")
        content = _content(line[5:])
        if content:
            times.append(time.monotonic())
        if len(times) > ENOUGH:
            break
    if is_page or PAGE.match(said):
        raise InputError(
            f"{address}: a web page answers, no API: correct endpoint (it ends with /v1), or the "
            "proxy before the server"
        )
    _refuse_error(address, plain.strip(), settings, key)
    if not times:
        raise InputError(
            f"{address}: answered without a token of text in a stream: check that "
            f"{settings['model']} generates text and the server streams. It said: "
            f"{_shown(said, key)}"
        )
    return times


def check_pieces(times: Sequence[float]) -> list[Finding]:
    """Findings on a stream whose pieces all came at once.

    Parameters
    ----------
    times : list of float
        When each piece with text arrived [s].
    """
    if len(times) > 1 and times[-1] - times[0] > MILLI * len(times):
        return []
    return [
        Finding(
            "buffered",
            "",
            "the answer came in one piece: a proxy before the server, or the server, holds the "
            "stream back; times to first token and between tokens mean nothing then (nginx: "
            "proxy_buffering off)",
        )
    ]


def _content(data: bytes) -> str:
    """Text of one event."""
    try:
        choices = json.loads(data).get("choices") or [{}]
        delta = choices[0].get("delta") or {}
        return next((delta[name] for name in TEXTS if delta.get(name)), "")
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        return ""


def _shown(said: bytes | str, key: str | None) -> str:
    """Start of what was said, on one line, without the key."""
    return on_one_line(without(key, encoded(said) if isinstance(said, str) else said))
