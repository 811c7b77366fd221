"""What the server delivered: lengths, failures, streams, caches."""

import pytest
from inference_energy.stress import checks
from inference_energy.stress import plan as stress_plan
from library.stress.made_up import closed_loop, kinds, record


def test_delivered_lengths_that_are_exact_pass():
    assert checks.check_lengths(closed_loop(2, 3), 101, 0.02) == []


def test_server_that_stops_early_is_refused():
    findings = checks.check_lengths(closed_loop(2, 3), 4500, 0.02)
    assert kinds(findings) == [("length", "all")]
    assert "delivered 101 to 101" in findings[0].message
    assert "make the server ignore the end of sequence" in findings[0].message
    assert "legacy_max_tokens" not in findings[0].message


def test_server_that_ignores_the_limit_is_told_of_its_older_name():
    (finding,) = checks.check_lengths(closed_loop(2, 3), 50, 0.02)
    assert (finding.kind, finding.refuses) == ("length", "all")
    assert "--config stress='{legacy_max_tokens: true}'" in finding.message
    assert "end of sequence" not in finding.message


def test_empty_answers_are_refused():
    lines = [record(n, 0.5, 0.01, 101) for n in range(9)]
    lines.append(record(9, 0.5, 0.0, 1, output_sequence_length=0))
    findings = checks.check_lengths(stress_plan.requests_of(lines), 101, 0.02)
    assert ("zero-length output", "all") in kinds(findings)


def test_reasoning_that_is_not_shown_is_counted_by_the_server():
    requests = closed_loop(1, 3, tokens=101, usage_completion_tokens=401)
    findings = checks.check_lengths(requests, 401, 0.02)
    assert kinds(findings) == [("hidden tokens", "")]
    assert (requests["output_tokens"] == 401).all()
    # nobody saw when they came: the first token that is shown waits for them, in no chunk
    assert "the time to the first token is that to the first one shown" in findings[0].message
    assert checks.check_stream(requests) == []


def test_a_tokenizer_that_counts_more_than_the_server_is_remarked_and_not_used():
    requests = closed_loop(1, 3, tokens=201, usage_completion_tokens=101)
    (finding,) = checks.check_lengths(requests, 101, 0.02)
    assert (finding.kind, finding.refuses) == ("tokenizer", "")
    assert "201 tokens an answer where the server counts 101" in finding.message
    # the time between tokens, the throughput and the length are of one count
    assert requests["itl_s"].to_numpy() == pytest.approx(0.02)
    assert checks.check_lengths(closed_loop(1, 3, usage_completion_tokens=100), 100, 0.02) == []


def test_several_tokens_a_chunk_are_reported():
    chunky = closed_loop(1, 3, inter_chunk_latency=[40.0] * 24)
    assert kinds(checks.check_stream(chunky)) == [("chunks", "")]
    assert checks.check_stream(closed_loop(1, 3)) == []


@pytest.mark.parametrize(("failures", "refuses"), [(1, ""), (5, "all")])
def test_failed_requests_are_named_and_refused_above_the_limit(failures, refuses):
    lines = [record(n, 0.5, 0.01, 101) for n in range(100 - failures)]
    lines += [record(100, 0.1, 0.0, 1, error={"code": 429, "type": "TooMany"})] * failures
    findings = checks.check_errors(stress_plan.requests_of(lines), 0.02)
    assert kinds(findings) == [("errors", refuses)]
    assert f"{failures} x HTTP 429" in findings[0].message
    assert "rate limit" in findings[0].message


def test_server_errors_and_broken_streams_are_told_apart():
    lines = [record(0, 0.1, 0.0, 1, error={"code": 503, "type": "x"})]
    lines += [record(0, 0.1, 0.0, 1, error={"code": None, "type": "ClientPayloadError"})] * 2
    message = checks.check_errors(stress_plan.requests_of(lines), 0.5)[0].message
    assert "(2 x ClientPayloadError, 1 x HTTP 503)" in message


def test_what_a_server_said_may_be_no_text():
    for said in ("\ud800", ["a"], {"b": 1}, 7):
        error = {"code": 502, "type": "x", "message": said}
        lines = [record(0, 0.2, 0.01, 30, error=error)]
        (finding,) = checks.check_errors(stress_plan.requests_of(lines), 0.1)
        assert "(1 x HTTP 502): look into the server's log. It said: " in finding.message


def test_no_answer_at_all_is_refused():
    assert kinds(checks.check_errors(stress_plan.requests_of([]), 0.5)) == [("errors", "all")]


def test_requests_that_time_out_have_a_remedy_of_their_own():
    def message(error):
        lines = [record(0, 0.2, 0.01, 30), record(1, 0.2, 0.01, 30, error=error)]
        return checks.check_errors(stress_plan.requests_of(lines), 0.1)[0].message

    assert "50.0 % of the requests failed (1 x TimeoutError): look whether the server hangs" in (
        message({"type": "TimeoutError"})
    )
    assert "hangs" not in message({"type": "HTTPError", "code": 503})


def test_a_request_that_hangs_for_much_of_a_cell_refuses_it():
    """One of four slots that hang for a minute leaves three at work, in one failed request."""
    hung = record(0, 60.0, 0.0, 1, error={"type": "TimeoutError"})
    lines = [record(n, 0.5, 0.01, 101) for n in range(149)]
    (finding,) = checks.check_errors(stress_plan.requests_of([*lines, hung]), 0.01)
    assert finding.refuses == "all"
    assert "they took 21.2 % of the requests' time" in finding.message
    (finding,) = checks.check_errors(stress_plan.requests_of([*lines, *lines, hung]), 0.01)
    assert finding.refuses == ""
    assert "11.8 % of the requests' time, whose energy is charged" in finding.message
    (finding,) = checks.check_errors(stress_plan.requests_of([*lines, hung]), 0.5)
    assert finding.refuses == ""


@pytest.mark.parametrize("error", ["ClientConnectorError", "ServerDisconnectedError"])
def test_a_server_that_went_away_is_told_from_one_that_fails(error):
    lines = [record(0, 0.2, 0.01, 30), record(1, 0.2, 0.01, 30, error={"type": error})]
    (finding,) = checks.check_errors(stress_plan.requests_of(lines), 0.1)
    assert "the server went away: look into its log, and start it" in finding.message


@pytest.mark.parametrize(
    ("code", "said", "remedy"),
    [
        (400, "This model's maximum context length is 4096 tokens", "raise its context"),
        (400, "min_tokens is no field", "extra_inputs and"),
        (401, "expired", "set OPENAI_API_KEY"),
        (404, "no such path", "look into the server's log"),
        (503, "input too long for what is left", "raise its context"),
    ],
)
def test_what_the_server_said_is_told_with_its_remedy(code, said, remedy):
    error = {"code": code, "type": "Bad", "message": f'{{"error": {{"message":\n"{said}"}}}}'}
    lines = [record(0, 0.2, 0.01, 30, error=error)] * 2
    lines.append(record(0, 0.2, 0.01, 30, error={"code": 500, "type": "x", "message": "boom"}))
    (finding,) = checks.check_errors(stress_plan.requests_of(lines), 0.1)
    assert remedy in finding.message
    assert f"(2 x HTTP {code}, 1 x HTTP 500)" in finding.message
    assert finding.message.endswith(f'. It said: {{"error": {{"message": "{said}"}}}}')


def test_inputs_from_a_cache_are_reported():
    cached = closed_loop(1, 6, usage_prompt_cache_read_tokens=400)
    assert kinds(checks.check_cache(cached, 10)) == [("prefix cache", "")]
    again = [record(2 * n, 0.5 if n < 3 else 0.05, 0.01, 101) for n in range(9)]
    assert kinds(checks.check_cache(stress_plan.requests_of(again), 3)) == [
        ("repeated prompts", ""),
        ("prefix cache", ""),
    ]
    assert checks.check_cache(closed_loop(1, 6), 6) == []


@pytest.mark.parametrize(("broken", "failed"), [(1, 1), (5, 0)])
def test_few_answers_that_break_off_are_failures_and_many_a_server_that_stops(broken, failed):
    # a stream that breaks ends like a whole one, only sooner
    lines = [record(2.0 * n, 0.5, 0.01, 50 if n < broken else 101) for n in range(100)]
    requests = stress_plan.requests_of(lines)
    marked = checks.mark_broken(requests, 101, 0.02, 0.01)
    assert marked["failed"].sum() == failed
    assert kinds(checks.check_lengths(marked, 101, 0.02)) == ([] if failed else [("length", "all")])
    messages = [finding.message for finding in checks.check_errors(marked, 0.01)]
    if failed:
        assert "1 x answer broken off" in messages[0]
        assert "energy is charged to the answers that were delivered" in messages[0]
    assert checks.mark_broken(stress_plan.requests_of([]), 101, 0.02, 0.01).empty
