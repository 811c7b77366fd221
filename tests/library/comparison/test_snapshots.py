"""Files of a folder and of a git revision."""

import pytest
from inference_energy.comparison.changes import compare_snapshots
from inference_energy.comparison.snapshots import snapshot_of_folder, snapshot_of_revision
from inference_energy.errors import InputError
from library.comparison.snapshot import DATA, ENERGY, FILES
from processes import git


@pytest.fixture
def checkout(tmp_path):
    """Return a repository with one empty commit and one with results, and git in its folder."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "nothing")
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / ".gitignore").write_text("*.parquet\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "results")
    return tmp_path


def test_an_uncommitted_tree_is_compared_with_the_revision(checkout):
    before, commit = snapshot_of_revision(checkout, "HEAD")
    assert (set(before), len(commit) >= 7) == (set(FILES), True)
    assert not compare_snapshots(before, snapshot_of_folder(checkout)).any
    (checkout / "results/mine/energy_per_query.csv").write_text(ENERGY.replace(",4,", ",5,"))
    (checkout / "results/claims.md").unlink()
    (checkout / "data/new.csv").write_text(DATA)
    (checkout / "results/large.parquet").write_text("ignored")
    changes = compare_snapshots(before, snapshot_of_folder(checkout))
    assert [t.path for t in changes.tables if t.any] == [
        "data/new.csv",
        "results/mine/energy_per_query.csv",
    ]
    assert changes.texts == ["results/claims.md"]


def test_a_revision_that_is_missing_or_has_no_results_is_named(checkout):
    with pytest.raises(InputError, match="'v9': unknown revision; allowed are commits"):
        snapshot_of_revision(checkout, "v9")
    with pytest.raises(InputError, match=r"has no results folder; .* choose a later one"):
        snapshot_of_revision(checkout, "HEAD~1")
    with pytest.raises(InputError, match="unknown revision"):
        snapshot_of_revision(checkout, "--help")


def test_a_folder_that_is_no_checkout_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="is not a git checkout"):
        snapshot_of_revision(tmp_path, "HEAD")


def test_git_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="git is not installed"):
        snapshot_of_revision(tmp_path, "HEAD")
