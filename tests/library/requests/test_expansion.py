"""Logs of blank lines by the gigabyte, and what unpacks to them, are refused within seconds."""

import gzip

import pyarrow as pa
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import expansion
from inference_energy.requests.expansion import BLANK_SHARE, refuse_expansion
from inference_energy.requests.log import open_log
from repository import read_yaml

ROWS = b"input_tokens,output_tokens\n100,10\n"
FORMATS = read_yaml("config/requests.yaml")["formats"]
PLAIN = FORMATS["plain"]


@pytest.fixture
def small(monkeypatch):
    """Bounds of a thousandth, and chunks and samples that are small beside them."""
    for name in ("MOST_BLANKS", "LARGE", "CHUNK", "SAMPLE", "STEP"):
        monkeypatch.setattr(expansion, name, getattr(expansion, name) // 1024)


def written(path, text):
    """Write a text, packed if its name says so."""
    with pa.output_stream(path, "detect") as stream:
        stream.write(text)
    return path.as_posix()


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"  \n", b"\0"])
def test_blank_lines_without_end_are_refused(tmp_path, small, ending, blank):
    text = ROWS + blank * (2 * expansion.MOST_BLANKS)
    path = written(tmp_path / f"log.csv{ending}", text)
    with pytest.raises(InputError, match=rf"^{path}: about [\d,]+ of [\d,]+ bytes .* empty lines;"):
        refuse_expansion(path)


def test_blanks_are_told_before_a_log_of_any_size_is_read(tmp_path, count):
    """A gigabyte in a file of a megabyte: the reader of tables would take half a minute for it."""
    path = tmp_path / "log.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as text:
        text.write(ROWS)
        for _ in range(64):
            text.write(b"\n" * 2**24)
    with pytest.raises(InputError, match=r"empty lines; allowed is .*; take the empty lines out$"):
        open_log(path, FORMATS)
    with pytest.raises(InputError, match="empty lines"):
        open_log(path, FORMATS, PLAIN)


def test_the_last_file_of_a_log_is_held_to_it_too(tmp_path, small, count):
    written(tmp_path / "1.csv", ROWS)
    written(tmp_path / "2.csv.gz", ROWS + b"\n" * 2**20)
    with pytest.raises(InputError, match=r"2\.csv\.gz: about .* empty lines"):
        count(tmp_path)


def test_what_unpacks_to_far_more_than_logs_do_is_refused(tmp_path, small):
    path = written(tmp_path / "log.csv.gz", ROWS + b"100,10\n" * 2**17)
    with pytest.raises(InputError, match=rf"^{path}: its first [\d,]+ bytes unpack to [\d,]+;"):
        refuse_expansion(path)
    # plain, it is of the size that it has
    refuse_expansion(written(tmp_path / "log.csv", ROWS + b"100,10\n" * 2**17))


def test_logs_of_few_blanks_and_indented_ones_are_read(tmp_path, small):
    rows = b"".join(b"%d,%d\n\n" % (number * 7919 % 9973, number) for number in range(2**15))
    for ending in ("", ".gz"):
        refuse_expansion(written(tmp_path / f"log.csv{ending}", ROWS + rows))
    indented = b"".join(b'\n        {"a": %d}' % (number**3) for number in range(2**14))
    assert expansion._blanks(indented) < BLANK_SHARE * len(indented)
    refuse_expansion(written(tmp_path / "log.json", indented))


def test_damage_is_told_where_the_log_is_read(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(b"no archive")
    refuse_expansion(path.as_posix())
