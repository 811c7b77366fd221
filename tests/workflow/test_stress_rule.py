"""`snakemake stress`, without a server."""

from processes import one_message, snakemake


def test_stress_test_is_no_part_of_the_reproduction(forced_plan):
    assert "stress" not in forced_plan


def test_missing_endpoint_is_answered_with_the_command(fresh):
    run = snakemake(fresh, "stress")
    one_message(run, "give at least --config stress='{endpoint: http://HOST:PORT/v1, model: NAME}'")
