"""Damage to files that knows their structure: values, keys, cells and lines, or plain bytes.

Every function takes a ``random.Random`` (or Hypothesis's, which shrinks what it draws) and gives
the bytes of a file that its seed would be after an accident or in bad faith.
"""

import csv
import io
import json
import re
from copy import deepcopy

DEEP = 100_000
NUMBERS = [0, -1, 1e-300, 1e-9, 0.5, 1.5, 612, 1e9, 2**53, 2**53 + 1, 1e300, 10**399]
JUNK = [
    None,
    True,
    "",
    " ",
    "x",
    "nan",
    "1e3",
    "2026-01-31",
    "=1+1",
    "a|b",
    "\ud800",
    "\u200b",
    "\n",
    "x" * 1000,
    [],
    [[]],
    {},
    {"a": 1},
    ["a", None],
    float("nan"),
    float("inf"),
    *NUMBERS,
]
TOKENS = [
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"\r",
    b"\n\r",
    b"\n\n",
    b",",
    b";",
    b'"',
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b": ",
    b"- ",
    b"#",
    b"&a ",
    b"*a",
    b"!!set {a}",
    b"!!binary aGVsbG8=",
    b"!!bool ",
    b"!!int ",
    b"!!float ",
    b"!!timestamp ",
    b"!!map ",
    b"2026-01-31",
    b"010",
    b"10:12",
    b"on",
    b".inf",
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"1e300",
    b"9" * 400,
    b"9" * 5000,
    b'"\\ud800"',
    b"\xc2\xa0",
    b"\xe2\x80\x8b",
    b"\t",
    b"=1+1",
    b"<<: *a",
]
KEY = re.compile(rb'"\w+": ')
"""A key and what follows it, as :func:`as_json` writes them."""
RARE = [b"[" * DEEP, b'{"a":' * DEEP, b"x" * 131_073, b"- " * DEEP]


def damaged(random, data):
    """Bytes after one to three cuts, insertions or moves; rarely something endless."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice((0, 1, 1, 4, 40, 400)))
        what = random.randrange(60)
        if what == 0:
            piece = random.choice(RARE)
        elif what < 20:
            piece = b""
        elif what < 45:
            piece = random.choice(TOKENS)
        elif what < 50:
            piece = data[start:end] * 2
        elif what < 55:
            other = random.randint(0, len(data))
            piece = data[other : other + 40]
        else:
            data, piece = data[:end], b""
        data = data[:start] + piece + data[end:]
    return data


def junk(random):
    """A value of its own that belongs nowhere: what is changed later must not be drawn again."""
    return deepcopy(random.choice(JUNK))


def changed_value(random, value):
    """A value like another one, or nothing like it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and abs(value) < 1e200 and random.randrange(2):
        return value * random.choice((-1, 0, 0.5, 0.98, 1.01, 2, 10, 1e-3, 1e3, 1e6, 1e12))
    if isinstance(value, list) and value and random.randrange(2):
        return random.choice((value * 2, value[:-1], [value]))
    return junk(random)


def changed_document(random, document):
    """A JSON-like document with up to three places changed, as fresh objects."""
    document = json.loads(json.dumps(document))
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 3))):
        place, key = _place(random, document)
        if place is None:
            return junk(random)
        what = random.randrange(10)
        if what < 6:
            place[key] = changed_value(random, place[key])
        elif what < 8:
            del place[key]
        elif isinstance(place, dict):
            name = random.choice((f"{key}x", key.upper(), f"{key} ", "\ud800", "extra"))
            place[name] = place.pop(key) if what == 8 else place[key]
        else:
            place.insert(random.randint(0, len(place)), place[key])
    return document


def _place(random, document):
    """A container inside a document and a key in it; None where there is none."""
    place, key, value = None, None, document
    while isinstance(value, dict | list) and value:
        place = value
        key = (
            random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        )
        value = place[key]
        if random.randrange(4) == 0:
            break
    return place, key


def as_json(document):
    """Bytes of a document, lone surrogates as they stand in JSON."""
    return json.dumps(document).encode()


def with_a_key_twice(random, data):
    """JSON in which a key of an object stands twice, with two values; None where it has none."""
    keys = list(KEY.finditer(data))
    if not keys:
        return None
    found = random.choice(keys)
    return data[: found.start()] + found[0] + b"0, " + data[found.start() :]


def changed_table(random, text):
    """CSV with cells, rows or columns changed."""
    rows = list(csv.reader(io.StringIO(text)))
    rows = [rows[0], *(random.choice(rows[1:]) for _ in range(random.randint(0, 8)))]
    rows = [list(row) for row in rows]
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        row = random.choice(rows)
        if not row:
            continue
        place = random.randrange(len(row))
        what = random.randrange(12)
        if what < 7:
            cell = junk(random)
            row[place] = cell if isinstance(cell, str) else str(cell)
        elif what == 7:
            del row[place]
        elif what == 8:
            row.insert(place, row[place])
        elif what == 9:
            other = random.randrange(len(row))
            for each in rows:
                if len(each) > max(place, other):
                    each[place], each[other] = each[other], each[place]
        elif what == 10:
            rows.append([])
        else:
            row[place] = random.choice(("'", "'", "'=", "''@", "'-a", "- ", "+ ")) + row[place]
    end = random.choice(("\n", "\n", "\n", "\r\n", "\r", "\n\r"))
    written = io.StringIO()
    csv.writer(written, lineterminator=end).writerows(rows)
    return written.getvalue().encode("utf-8", errors="surrogatepass")
