"""Settings of a stress test: the file's, those of the run, and what is missing."""

from inference_energy.stress.settings import form, merge, setting_problems


def test_what_is_stated_goes_before_the_file_and_gets_its_type():
    settings = merge({"window": "30", "endpoint": "http://h/v1"})
    assert settings["window"] == 30
    assert settings["endpoint"] == "http://h/v1"
    assert merge(None)["repetitions"] == settings["repetitions"]


def test_a_missing_endpoint_and_model_are_asked_for_in_the_one_form():
    least = form("endpoint: http://HOST:PORT/v1, model: NAME")
    problems = setting_problems(merge(None))
    assert [problem for problem in problems if problem.endswith(f"give at least {least}")]
    assert len(problems) == 2
    assert setting_problems(merge({"endpoint": "http://h/v1", "model": "m"})) == []
