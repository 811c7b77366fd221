"""Programs of others are as their makers published them."""

import hashlib

from repository import ROOT, files_of

VENDOR = ROOT / "workflow" / "vendor"
OWN = {"README.md", "SHA256SUMS"}


def test_every_file_has_its_checksum():
    sums = (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split("  ") for line in sums)}
    files = {path.removeprefix("workflow/vendor/") for path in files_of(ROOT) if "/vendor/" in path}
    assert set(expected) == files - OWN
    for name, digest in expected.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
