"""Note how many changes of each module its tests noticed, in the table of benchmarks/mutants.md.

``python envs/mutants.py RESULTS PAGE MODULE FILE``; RESULTS has a line of every change, and FILE is
the name that Git gives to the content of the module.
"""

import re
import sys
from collections import Counter
from pathlib import Path

FORM = "| `{module}` | {total} | {noticed} | {survived} | {untested} | {score:.1f} % | {file} |"
START = "| `"
NOTICED = ("killed", "timeout")
"""What becomes of a change that a test fails with, or does not end with."""


def row(module, file, results):
    """Line of a module in the table, from the lines that say what became of each change."""
    name = "inference_energy." + module.removesuffix(".py").replace("/", ".")
    found = re.findall(rf"^ *{re.escape(name)}\.\S+: (.+)$", results, re.MULTILINE)
    counts = Counter(found)
    noticed = sum(counts[status] for status in NOTICED)
    return FORM.format(
        module=module,
        file=file,
        total=counts.total(),
        noticed=noticed,
        survived=counts.total() - noticed - counts["no tests"],
        untested=counts["no tests"],
        score=100 * noticed / counts.total(),
    )


def noted(page, line):
    """Page with a module's line in its table, in place of the one it had."""
    lines = page.splitlines()
    module = line.split("|")[1]
    rows = [old for old in lines if old.startswith(START) and old.split("|")[1] != module]
    first = next(number for number, old in enumerate(lines) if old.startswith("| ---")) + 1
    others = [old for old in lines if not old.startswith(START)]
    return "\n".join([*others[:first], *sorted([*rows, line]), *others[first:]]) + "\n"


def main(results, page, module, file):
    """Note a module."""
    results, page = Path(results).read_text(encoding="utf-8"), Path(page)
    line = row(module, file, results)
    page.write_text(noted(page.read_text(encoding="utf-8"), line), encoding="utf-8")
    print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
