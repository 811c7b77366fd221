"""Licence of every package of requirements.lock, from what is installed; an error for others.

What each distribution says of itself counts: its licence expression, else its classifiers, else the
short text of its licence field, else the licence file it brings.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
ALLOWED = re.compile(
    r"\b(MIT|MIT-CMU|BSD(-[23]-Clause)?|0BSD|Apache|ISC|ISCL|MPL|Mozilla|PSF|Python Software"
    r" Foundation|Zlib|CC0|Public Domain)\b"
)
REFUSED = re.compile(r"\b([AL]?GPL|General Public|SSPL|BUSL|Commons Clause|Proprietary)\b")
"""Licences that a package of a run, or of its checks, must not have alone."""
CHOSEN = {"docutils": "each file has one of these; those under the GPL are an editor's, not used"}
"""Packages that name such a licence beside others, and why they may."""
TEXTS = {
    "MIT": "Permission is hereby granted, free of charge",
    "Apache-2.0": "Apache License",
    "BSD": "Redistribution and use in source and binary forms",
}


def licence_of(package):
    """Licence that an installed distribution states; nothing if it states none."""
    metadata = package.metadata
    classifiers = metadata.get_all("Classifier") or []
    named = [c.split(" :: ")[-1] for c in classifiers if c.startswith("License")]
    short = (metadata.get("License") or "").strip().splitlines()
    stated = metadata.get("License-Expression") or "; ".join(named)
    return stated or "".join(short[:1]) or _from_file(package)


def _from_file(package):
    """Licence whose text a distribution brings as a file."""
    for path in package.files or []:
        if re.match(r"licen[cs]e|copying", path.name, re.IGNORECASE):
            text = Path(package.locate_file(path)).read_text(encoding="utf-8", errors="replace")
            return next((name for name, words in TEXTS.items() if words in text), "")
    return ""


def problem_of(name, licence):
    """What is wrong with a package's licence, or nothing."""
    if not licence:
        return "states no licence; read its source and add it here, or replace it"
    if REFUSED.search(licence) and name not in CHOSEN:
        return f"{licence}: not allowed; replace it"
    # joined by AND, all of them hold
    if not all(map(ALLOWED.search, re.split(r"\bAND\b", licence))):
        return f"{licence}: not known here; add it if it may be used"
    return ""


def main():
    """Print name, version and licence of all that is installed, and end with what is wrong."""
    problems = []
    for name, version in sorted(set(PINNED.findall(LOCK.read_text(encoding="utf-8")))):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            # of another platform
            continue
        if package.version != version:
            # the lock may hold another version for another Python
            continue
        licence = licence_of(package)
        print(f"{name} {version}: {licence or 'none stated'}")
        problem = problem_of(name, licence)
        problems += [f"{name} {version}: {problem}"] if problem else []
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
