"""Files of a folder and of a git revision."""

import pytest
from inference_energy.comparison.changes import compare_snapshots
from inference_energy.comparison.snapshots import (
    changed_files,
    committed_file,
    committed_files,
    deleted_files,
    snapshot_of_folder,
    snapshot_of_revision,
)
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


def refusal(folder, revision):
    with pytest.raises(InputError) as error:
        snapshot_of_revision(folder, revision)
    return str(error.value)


def test_a_folder_has_what_is_no_longer_committed_and_not_what_git_ignores(checkout):
    path = "results/new, with a blank.csv"
    (checkout / path).write_text("a")
    (checkout / "results/large.parquet").write_text("ignored")
    (checkout / "elsewhere.csv").write_text("no result")
    gone = sorted(FILES)[0]
    (checkout / gone).unlink()
    found = snapshot_of_folder(checkout)
    assert list(found) == sorted({*FILES, path} - {gone})
    assert found[path] == b"a"


def test_the_last_commit_is_read_whatever_is_in_the_folder(checkout):
    for path in FILES:
        (checkout / path).write_text("changed")
    name = "results/mine/energy_per_query.csv"
    assert committed_file(checkout, name) == ENERGY
    assert committed_file(checkout / "results", "mine/energy_per_query.csv") == ENERGY
    assert committed_file(checkout, "results/none.csv") is None
    files, commit = committed_files(checkout, ("results",))
    assert files == {p: t.encode() for p, t in FILES.items() if p.startswith("results/")}
    assert git(checkout, "rev-parse", "HEAD").startswith(commit) and len(commit) >= 7
    assert snapshot_of_revision(checkout, "HEAD")[1] == commit


def test_what_git_has_and_the_folder_lacks_is_found_from_any_folder_of_it(checkout):
    assert deleted_files(checkout) == []
    (checkout / "results/claims.md").unlink()
    assert deleted_files(checkout) == ["results/claims.md"]
    assert deleted_files(checkout / "results") == ["claims.md"]


def test_letters_that_are_not_utf_8_are_replaced(checkout):
    (checkout / "results/claims.md").write_bytes(b"caf\xe9")
    git(checkout, "commit", "-qam", "latin")
    assert committed_file(checkout, "results/claims.md") == "caf\ufffd"


def test_a_revision_that_is_missing_or_has_no_results_is_named(checkout):
    unknown = (
        "unknown revision; allowed are commits, branches and tags of this checkout such as HEAD~1;"
        " correct it, or fetch it if the clone is shallow"
    )
    assert refusal(checkout, "v9") == f"key since: value 'v9': {unknown}"
    assert refusal(checkout, "--help") == f"key since: value '--help': {unknown}"
    first = git(checkout, "rev-parse", "--short", "HEAD~1").strip()
    assert refusal(checkout, "HEAD~1") == (
        f"key since: value 'HEAD~1': commit {first} has no results folder; allowed is a revision"
        " with committed results; choose a later one"
    )


def test_a_folder_that_is_no_checkout_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert refusal(tmp_path, "HEAD") == (
        f"{tmp_path}: is not a git checkout; changes are told against a git revision; clone the"
        " repository or run git init and commit"
    )
    assert committed_files(tmp_path, ("results",)) == ({}, "")
    assert deleted_files(tmp_path) == []
    assert committed_file(tmp_path, "results/claims.md") is None


def test_a_commit_that_git_cannot_read_is_told_with_what_git_says(checkout):
    blob = git(checkout, "rev-parse", "HEAD:results/claims.md").strip()
    (checkout / ".git/objects" / blob[:2] / blob[2:]).unlink()
    told = refusal(checkout, "HEAD")
    assert told.startswith("key since: value 'HEAD': git cannot read it (")
    assert blob in told


def test_git_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert refusal(tmp_path, "HEAD") == "git is not installed; changes need it; install git"
    assert committed_file(tmp_path, "results/claims.md") is None
    assert deleted_files(tmp_path) == []


def test_files_that_read_otherwise_than_the_commit_are_those_that_it_has(checkout, tmp_path):
    assert changed_files(checkout, "results") == []
    path = "results/mine/energy_per_query.csv"
    # written again as it was, new, gone, of another folder
    (checkout / path).write_text(FILES[path])
    (checkout / "results/new.csv").write_text("a")
    (checkout / "data/new.csv").write_text(DATA)
    (checkout / "results/claims.md").unlink()
    assert changed_files(checkout, "results") == []
    (checkout / path).write_text(ENERGY.replace(",4,", ",5,"))
    assert changed_files(checkout, "results") == [path]
    assert changed_files(checkout, "data") == []
    # a folder in a checkout counts from itself
    assert changed_files(checkout / "results", "mine") == ["mine/energy_per_query.csv"]
    (checkout / ".git").rename(checkout / "gone")
    assert changed_files(checkout, "results") == []
