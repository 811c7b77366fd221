"""Settings for all tests, and the copies of the repository that the workflow is run in."""

import os
from pathlib import Path

# As in the workflow: threads of the numeric libraries would only compete on a busy machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from processes import snakemake  # noqa: E402
from repository import copy_to  # noqa: E402

# The same examples in every run, and no verdict on a busy machine's speed.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

FIRST = ("done", "fresh", "workflow", "library")
"""What the groups of tests begin with, those first that take longest."""


def group_of(path, fixtures):
    """Tests that one process runs where several do, so that no two make or edit the same.

    They are those of a shared copy of the repository, of a room of the library, or of a file.

    Parameters
    ----------
    path : Path
        The test's file, from the folder of the tests.
    fixtures : collection of str
        Names of the fixtures that the test uses.
    """
    shared = [name for name in ("done", "fresh") if name in fixtures]
    return shared[0] if shared else "/".join(path.parts[:2])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Give the tests the groups that pytest-xdist keeps together, in the order it begins them."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    place = {name: number for number, name in enumerate(FIRST)}
    for item in items:
        group = group_of(item.path.relative_to(Path(__file__).parent), item.fixturenames)
        item.add_marker(pytest.mark.xdist_group(group))
    # in one process too, so that the order of the tests is one
    items.sort(key=lambda item: place.get(_group(item).partition("/")[0], len(FIRST)))


def _group(item):
    return item.get_closest_marker("xdist_group").args[0]


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
    run = snakemake(folder, "--forceall")
    assert run.returncode == 0, run.stdout
    return folder, run.stdout
