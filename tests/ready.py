"""A process with Snakemake and its packages loaded, of which each run that tests ask for is a copy.

To load them takes longer than most of these runs. A run is asked for on the standard input by one
line of JSON: its folder, its arguments, its environment, and the file that takes what it prints.
The answer on the standard output is its exit code.
"""

import importlib
import json
import os
import runpy
import sys

# what the workflow imports where it is read
import duckdb  # noqa: F401
import jsonschema_rs  # noqa: F401
import pandas  # noqa: F401
import scipy.special  # noqa: F401
import snakemake.cli


def become(folder, arguments, environment, printed):
    """Make of this process one that ``python -m snakemake`` has just started in a folder."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    sys.path[0] = folder
    for stream, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, printed, os.O_WRONLY | os.O_APPEND),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, stream)
        os.close(opened)
    os.dup2(1, 2)


# what Snakemake itself imports late
for late in ("nbformat", "smart_open"):
    importlib.import_module(late)
# the plugins, which it looks for but once
snakemake.cli.get_argument_parser()
for line in sys.stdin:
    copy = os.fork()
    if copy == 0:
        become(*json.loads(line))
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
        sys.exit()
    _, status = os.waitpid(copy, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
