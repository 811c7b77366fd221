"""Note how many changes of a module its tests noticed, in the table of benchmarks/mutants.md.

``python envs/mutants.py MODULE STATISTICS PAGE``; STATISTICS is what mutmut exports.
"""

import json
import sys
from pathlib import Path

FORM = "| `{module}` | {total} | {noticed} | {survived} | {untested} | {score:.1f} % |"
START = "| `"


def row(module, statistics):
    """Line of a module in the table; a change that ends in no time is noticed."""
    noticed = statistics["killed"] + statistics["timeout"] + statistics["segfault"]
    total = statistics["total"] - statistics["skipped"]
    return FORM.format(
        module=module,
        total=total,
        noticed=noticed,
        survived=statistics["survived"],
        untested=statistics["no_tests"],
        score=100 * noticed / total,
    )


def noted(page, line):
    """Page with a module's line in its table, in place of the one it had."""
    lines = page.splitlines()
    module = line.split("|")[1]
    rows = [old for old in lines if old.startswith(START) and old.split("|")[1] != module]
    first = next(number for number, old in enumerate(lines) if old.startswith("| ---")) + 1
    others = [old for old in lines if not old.startswith(START)]
    return "\n".join([*others[:first], *sorted([*rows, line]), *others[first:]]) + "\n"


def main(module, statistics, page):
    """Note one module."""
    page = Path(page)
    line = row(module, json.loads(Path(statistics).read_text(encoding="utf-8")))
    page.write_text(noted(page.read_text(encoding="utf-8"), line), encoding="utf-8")
    print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
