"""Change a module in one place at a time, and say of every change whether its tests notice.

``python envs/trials.py MODULE RESULTS TEST ...`` in a clone of the repository, whose MODULE (below
workflow/inference_energy) is changed in place: mutmut writes every change beside the function it
changes, and an environment variable says which of them runs. Tests are collected once, and each
change is tried in a fork of that process. RESULTS gains a line of each, those it has are left out.
"""

import ast
import contextlib
import gc
import json
import os
import resource
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from _pytest.warnings import catch_warnings_for_item
from hypothesis import Phase, settings

CHANGE = "MUTANT_UNDER_TEST"
"""Environment variable with the name of the change that runs, as mutmut has it."""
RECORDING = "stats"
"""Its value when no change runs, and functions say that they were reached."""
SLACK_SECONDS, SLACK_FACTOR = 2, 5
"""Processor time of a change that is not taken for one without an end: over that of its tests."""
WAITING_SECONDS = 900
"""Time after which a change that takes no processor time is taken for one that waits for ever."""
MEMORY_BYTES = 8 << 30
LATER = ("cache", "lru_cache", "property", "cached_property", "contextmanager", "_remembers")
"""Decorators, each on one line, that a function can be given when it has been changed; the last is
one of laws/hardware.py."""


class Trials:
    """Plugin of pytest that tries the changes in place of running the tests once.

    ``names`` are the changes, ``reached`` is the set to which functions of the module add their
    names when they are called under ``RECORDING``.
    """

    def __init__(self, names, reached, results):
        self.names, self.reached, self.results = names, reached, Path(results)
        self.seconds, self.noticed = {}, Counter()

    def pytest_runtestloop(self, session):
        """Try every change that has no line in the results."""
        tests, record = session.items, self.results.with_suffix(".json")
        gc.freeze()  # else a collection in a fork copies all pages
        if forked(lambda: self.measure(tests, record), RECORDING):
            raise session.Failed("a test fails without a change")
        reaching, self.seconds = json.loads(record.read_text(encoding="utf-8"))
        known = self.results.read_text(encoding="utf-8") if self.results.exists() else ""
        for name in self.names:
            if f" {name}: " not in known:
                function = name.rpartition("__mutmut_")[0]
                near = [test for test in tests if function in reaching[test.nodeid]]
                others = [test for test in tests if function not in reaching[test.nodeid]]
                outcome = self.outcome(name, near, others)
                with self.results.open("a", encoding="utf-8") as lines:
                    lines.write(f"    {name}: {outcome}\n")
        return True

    def measure(self, tests, record):
        """Note which functions each test reaches and the processor time it takes; 0 if all pass."""
        reaching, seconds = {}, {}
        for test, after in followed(tests):
            self.reached.clear()
            start = os.times()
            if not passes(test, after):
                print(f"{test.nodeid} fails without a change")
                return 1
            seconds[test.nodeid] = sum(os.times()[:4]) - sum(start[:4])
            reaching[test.nodeid] = sorted(self.reached)
        record.write_text(json.dumps([reaching, seconds]), encoding="utf-8")
        return 0

    def outcome(self, name, near, others):
        """Of one change: killed, timeout, survived or no tests.

        The tests that reach the function come first, of them those that noticed most and are
        quick, and then the others: what a fixture called, only the first of its tests reaches.
        """
        if not near:
            return "no tests"
        near.sort(key=lambda test: (-self.noticed[test.nodeid], self.seconds[test.nodeid]))
        for tests in filter(None, (near, others)):
            limit = SLACK_SECONDS + SLACK_FACTOR * sum(self.seconds[t.nodeid] for t in tests)
            status = forked(lambda tests=tests: first_failure(tests), name, limit)
            if os.WIFSIGNALED(status):
                return "timeout"
            if status:
                self.noticed[tests[os.WEXITSTATUS(status) - 1].nodeid] += 1
                return "killed"
        return "survived"


def followed(tests):
    """Each test and the one after it, for which pytest keeps fixtures."""
    return zip(tests, [*tests[1:], None], strict=True)


def first_failure(tests):
    """Number of the first test that fails, from 1; 0 if all pass."""
    numbered = enumerate(followed(tests), 1)
    return next((number for number, (test, after) in numbered if not passes(test, after)), 0)


def passes(test, after):
    """Whether a test passes, its set-up and its end included, under its filters of warnings."""
    with catch_warnings_for_item(test.config, test.ihook, when="runtest", item=test):
        return not any(report.failed for report in runtestprotocol(test, log=False, nextitem=after))


def forked(function, change, seconds=None):
    """Status of a fork that runs a function under a change; its exit code is what that returns.

    ``seconds`` is the processor time that it may take, silently and in bounded memory.
    """
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setpgid(0, 0)
            signal.alarm(WAITING_SECONDS)
            if seconds:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
                signal.setitimer(signal.ITIMER_PROF, seconds)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 1)
                os.dup2(nowhere, 2)
            os.environ[CHANGE] = change
            code = min(function(), 255)
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):  # what a fork started and left behind
        os.killpg(child, signal.SIGKILL)
    return status


def tried(names, reached, results, tests):
    """Exit code of pytest that tried the changes."""
    # the tests of a fork are neither spread over processes nor noted for the next run, and one that
    # fails needs neither a readable traceback nor a least example
    quick = ["-p", "no:xdist", "-p", "no:cacheprovider", "--capture=no", "--tb=native"]
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("trials", derandomize=True, deadline=None, phases=phases)
    quick.append("--hypothesis-profile=trials")
    os.environ[CHANGE] = ""
    return pytest.main([*quick, *tests], plugins=[Trials(names, reached, results)])


def decorated_last(code):
    """Code whose functions under one of LATER are plain, as mutmut changes no decorated one.

    And lines that decorate them again, for the end of the changed code.
    """
    lines, module, again = code.splitlines(), ast.parse(code), []
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    for owner, prefix in [(module, ""), *((each, f"{each.name}.") for each in classes)]:
        for node in owner.body:
            words = getattr(node, "decorator_list", [])
            if len(words) == 1 and ast.unparse(words[0]).partition("(")[0] in LATER:
                name = prefix + node.name
                again.append(f"{name} = {ast.unparse(words[0])}({name})")
                if ast.unparse(words[0]) == "cached_property":
                    again.append(f"{name}.__set_name__({owner.name}, {node.name!r})")
                lines[words[0].lineno - 1] = ""
    return "\n".join([*lines, ""]), "\n".join([*again, ""])


def main(module, results, *tests):
    """Change a module and try its changes."""
    from mutmut.mutation import trampoline
    from mutmut.mutation.file_mutation import mutate_file_contents

    path = Path("workflow", "inference_energy", module)
    plain, again = decorated_last(path.read_text(encoding="utf-8"))
    changed = mutate_file_contents(str(path), plain)
    path.write_text(f"{changed.code}\n{again}", encoding="utf-8")
    dotted = "inference_energy." + module.removesuffix(".py").replace("/", ".")
    names = [f"{dotted}.{name.rpartition('.')[2]}" for name in changed.mutant_names]
    reached = set()
    trampoline.record_trampoline_hit = lambda name, caller=None: reached.add(name)
    return tried(names, reached, results, tests)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
