"""Validate datapackage.json, and every table that it describes, with Frictionless.

Run by ``make check-package`` in .venv-crate.
"""

import sys

from frictionless import Package


def problems(path):
    """What is wrong with a package and with the rows of its tables."""
    report = Package(path).validate()
    found = [f"{path}: {error.message}" for error in report.errors]
    return found + [
        f"{task.place}: {error.message}" for task in report.tasks for error in task.errors
    ]


if __name__ == "__main__":
    sys.exit("\n".join(problems(sys.argv[1])) or 0)
