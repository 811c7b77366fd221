"""CPU time is noted where it is measured, and nowhere else."""

from inference_energy.job_times import PLACE, note_time


def test_a_process_notes_what_it_has_taken(tmp_path, monkeypatch):
    path = tmp_path / "times.txt"
    monkeypatch.setenv(PLACE, str(path))
    note_time("first")
    sum(range(10**6))
    note_time("second")
    (first, before), (second, after) = map(str.split, path.read_text().splitlines())
    assert (first, second) == ("first", "second")
    assert 0 < float(before) < float(after)


def test_nothing_is_noted_where_nobody_measures(tmp_path, monkeypatch):
    monkeypatch.delenv(PLACE, raising=False)
    monkeypatch.chdir(tmp_path)
    note_time("job")
    assert not list(tmp_path.iterdir())
