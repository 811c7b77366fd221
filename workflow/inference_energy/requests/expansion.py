"""Logs that are blank lines by the gigabyte, or that unpack to what no log is."""

import os
from pathlib import Path

import pyarrow as pa

from inference_energy.errors import InputError
from inference_energy.requests.formats import COMPRESSIONS

CHUNK = 2**24
"""Bytes of text that are unpacked at once."""

SAMPLE, STEP = 2**16, 2**22
"""Bytes of a plain text that are looked at, of each so many."""

BLANKS = b" \t\r\n\0"
"""What lines of nothing are made of, and a file that was never written to its end."""

MOST_BLANKS, BLANK_SHARE = 2**26, 0.9
"""Blanks from which on a text of which they are such a share is no log: the reader of tables takes
three seconds for each hundred million. The most indented JSON has 0.7."""

LARGE, MOST_TIMES = 2**28, 200
"""Bytes to which a packed log may unpack, whatever its own size, and beyond that for each byte of
its own. Deflate packs one byte again and again by 1032, and logs of a day's requests by 4 to 40."""


def refuse_expansion(file: str, most: float = float("inf")) -> None:
    """Refuse a text file that is nearly all blanks, or unpacks to far more than a log does.

    Parameters
    ----------
    file : str
        Plain, of which samples are looked at, or packed.
    most : float
        Bytes of text after which it is not looked at any further.

    Raises
    ------
    InputError
        With the sizes. What cannot be read is told where it is read.
    """
    packed = COMPRESSIONS.get(Path(file).suffix.lower())
    if packed is None:
        _refuse_plain(file)
        return
    blanks = size = 0
    try:
        with pa.OSFile(file) as raw, pa.CompressedInputStream(raw, packed) as text:
            while size < most and (some := text.read(CHUNK)):
                blanks, size = blanks + _blanks(some), size + len(some)
                _refuse_blanks(file, blanks, size)
                if size > max(LARGE, MOST_TIMES * raw.tell()):
                    raise InputError(
                        f"{file}: its first {raw.tell():,} bytes unpack to {size:,}; allowed are"
                        f" {MOST_TIMES} times as much, or {LARGE:,}, as logs unpack to a tenth of"
                        " that; write the log anew, or give it unpacked if it is one"
                    )
    except OSError:
        return


def _refuse_plain(file: str) -> None:
    size = os.path.getsize(file)
    if size <= MOST_BLANKS:
        return
    blanks = looked = 0
    with open(file, "rb") as text:
        for place in range(0, size, STEP):
            text.seek(place)
            some = text.read(SAMPLE)
            blanks, looked = blanks + _blanks(some), looked + len(some)
    _refuse_blanks(file, round(blanks / max(looked, 1) * size), size)


def _blanks(text: bytes) -> int:
    return len(text) - len(text.translate(None, BLANKS))


def _refuse_blanks(file: str, blanks: int, size: int) -> None:
    if blanks > max(MOST_BLANKS, BLANK_SHARE * size):
        raise InputError(
            f"{file}: about {blanks:,} of {size:,} bytes of its text are blanks or empty lines;"
            f" allowed is a share of {BLANK_SHARE:g}, or {MOST_BLANKS:,}; take the empty lines out"
        )
