"""Settings for all tests, and the copies of the repository that the workflow is run in."""

import os
import sys

# As in the workflow: threads of the numeric libraries would only compete on a busy machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Compiled modules are kept: else every process of the hundreds here compiles the library again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import pytest  # noqa: E402
from groups import group_of, place_of  # noqa: E402
from hypothesis import settings  # noqa: E402
from processes import snakemake  # noqa: E402
from repository import copy_to  # noqa: E402

# The same examples in every run, and no verdict on a busy machine's speed.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Begin with the tests that take longest, those that share something together."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the groups of tests together where several processes run them.

    The option ``--dist loadgroup`` of pytest-xdist 3.8.0 would, but has no effect with pytest 9.2,
    whose tests have no ``_nodeid`` to write a group into.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """Copy of the repository in which nothing has run; a test leaves it as it found it."""
    return copy_to(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def forced_plan(fresh):
    """What a dry run of everything says, and counts."""
    run = snakemake(fresh, "--dry-run", "--forceall", "--quiet", "host")
    assert run.returncode == 0, run.stdout
    return run.stdout


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """Copy of the repository after one forced run, and what that printed.

    A test leaves it as it found it, or runs again what it has changed.
    """
    folder = copy_to(tmp_path_factory.mktemp("done"))
    run = snakemake(folder, "--forceall", JOB_TIMES=f"{folder}.times")
    assert run.returncode == 0, run.stdout
    return folder, run.stdout
