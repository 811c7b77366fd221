import numpy as np
import pytest
from inference_energy.laws.shared_fits import FOLDER, shared

GIVEN = np.arange(6.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def counted():
    """A fit that gives how often it was asked, with digits that no text would keep."""
    asked = []

    def fit():
        asked.append(None)
        return np.array([len(asked) + 0.1 + 0.2])

    return fit


def test_same_fit_is_done_once_to_the_last_digit(folder):
    fit = counted()
    first, second = (shared([GIVEN], fit) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert [path.suffix for path in folder.iterdir()] == [".npy"]


@pytest.mark.parametrize(
    "other",
    [
        [GIVEN + 1e-14 * (GIVEN == 5)],
        [GIVEN.reshape(2, 3)],
        [GIVEN.astype(int)],
        [GIVEN, GIVEN],
        [GIVEN[::-1]],
    ],
)
def test_another_fit_is_another_one(folder, other):
    fit = counted()
    assert shared([GIVEN], fit) != shared(other, fit)


@pytest.mark.parametrize("named", [None, "elsewhere"])
def test_without_the_folder_every_fit_is_done(tmp_path, monkeypatch, named):
    monkeypatch.delenv(FOLDER, raising=False)
    if named:
        monkeypatch.setenv(FOLDER, str(tmp_path / named))
    fit = counted()
    assert shared([GIVEN], fit) != shared([GIVEN], fit)
    assert not list(tmp_path.iterdir())


def test_a_fit_that_fails_leaves_nothing(folder):
    def fails():
        raise np.linalg.LinAlgError

    with pytest.raises(np.linalg.LinAlgError):
        shared([GIVEN], fails)
    assert not list(folder.iterdir())
