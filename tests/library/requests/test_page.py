"""The page of a log says what its tables hold."""

import pandas as pd
import pytest
from inference_energy.requests import answers
from inference_energy.requests.counts import FASTER, OVER_SERVED, RUNNING_TOTAL
from inference_energy.requests.energies import steps
from inference_energy.requests.formats import HIDDEN
from inference_energy.requests.page import doubted_times, page
from inference_energy.text import compact, percent

LOAD = {"load": None, "copies": 1}


@pytest.fixture
def tables(answered, paper, settings):
    """Tables of a log without times and tenants."""
    serving, counts, table = answered
    lengths = counts["lengths"]
    return {
        "by_model": answers.by_model(serving, lengths, table),
        "percentiles": answers.percentiles(serving, steps(serving, lengths)),
        "parts": answers.parts(serving, lengths, table),
        "long_requests": answers.long_against_rest(
            serving, lengths, table, settings["long_from"]["value"]
        ),
        "medians": answers.medians(serving, paper, "the | paper", lengths, steps(serving, lengths)),
        "largest": pd.DataFrame(),
        "kinds": answers.kinds(counts["kinds"]),
    }


def test_the_page_says_the_total_and_every_table_that_is_there(answered, tables, settings):
    text = page("A <log>", tables, answered[2], settings, LOAD)
    whole = tables["by_model"].iloc[0]
    assert text.startswith("# A \\<log\\>\n")
    assert f"The {whole['requests']:,} requests need **" in text
    assert f" need **{compact(whole['energy_wh_p50'] / 1000)} kWh** (P5" in text
    assert "the \\| paper" in text
    assert "| rows | 30,000 |" in text
    assert "## By hour" not in text and "## Load" not in text


def test_the_total_of_a_small_log_is_told_in_its_size(answered, tables, settings):
    energies = {f"energy_wh_{name}": 0.0123 for name in ("p5", "p50", "p95", "mean")}
    small = tables | {"by_model": tables["by_model"].assign(**energies)}
    text = page("A log", small, answered[2], settings, LOAD)
    assert "**0.0123 Wh** (P5 to P95: 0.0123 Wh to 0.0123 Wh; mean 0.0123 Wh)" in text


def test_the_page_says_that_pages_of_the_log_are_missing(answered, tables, settings):
    said = "none that it is the last"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    kinds = tables["kinds"]
    tables["kinds"] = kinds.assign(rows=kinds["rows"].mask(kinds["kind"] == "no last page", 3))
    text = page("A log", tables, answered[2], settings, LOAD)
    assert text.index(said) < text.index("## By model") and "| no last page | 3 |" in text


def test_the_page_counts_the_names_that_look_like_keys(answered, tables, settings):
    said = "looks like a key of a service"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    tenants = pd.concat([tables["by_model"].head(1).assign(tenant="one")] * 2, ignore_index=True)
    tenants.loc[1, "tenant"] = HIDDEN
    text = page("A log", tables | {"by_tenant": tenants}, answered[2], settings, LOAD)
    assert f"1 name of a model or tenant {said}" in text
    models = tables["by_model"].copy()
    models.loc[models.index[1], "model"] = f"{HIDDEN} (1 of 2)"
    both = tables | {"by_tenant": tenants, "by_model": models}
    text = page("A log", both, answered[2], settings, LOAD)
    assert "2 names of models or tenants look like keys of a service" in text


def test_the_page_says_which_hour_a_row_of_many_requests_is_in(answered, tables, settings):
    said = "the hour in which the row begins"
    hours = tables | {"by_hour": tables["by_model"].assign(hour="2025-01-01T00:00Z")}
    assert said in page("A log", hours, answered[2], settings, LOAD, rows_of_many=True)
    assert said not in page("A log", hours, answered[2], settings, LOAD)
    assert said not in page("A log", tables, answered[2], settings, LOAD, rows_of_many=True)


def test_hours_are_shown_where_the_log_has_them_and_the_rest_pointed_at(answered, tables, settings):
    hours = pd.concat([tables["by_model"].assign(hour="2025-01-01T00:00Z")] * 20)
    text = page("A log", tables | {"by_hour": hours}, answered[2], settings, LOAD)
    assert "## By hour" in text
    assert f"The other {len(hours) - 24} are in `by_hour.csv`." in text


@pytest.mark.parametrize("name", ["by_model", "parts", "load"])
def test_rows_that_are_not_shown_are_pointed_at(answered, tables, settings, name):
    serving, counts, table = answered
    tables["load"] = answers.load_table(serving, counts["lengths"], table)
    text = page("A log", tables, answered[2], settings, LOAD)
    assert "The other" not in text
    more = [tables[name].assign(model=f"model {number}") for number in range(30)]
    many = pd.concat([tables[name], *more], ignore_index=True)
    text = page("A log", tables | {name: many}, answered[2], settings, LOAD)
    assert f"|\n\nThe other {len(many) - 24} are in `{name}.csv`.\n\n" in text


def test_a_page_without_an_hour_has_no_table_of_hours(answered, tables, settings):
    hours = tables["by_model"].assign(hour="").iloc[:0]
    text = page("A log", tables | {"by_hour": hours}, answered[2], settings, LOAD)
    assert "## By hour" not in text and "hours.png" not in text


def test_the_page_says_where_the_law_takes_cached_input_for_free(answered, tables, settings):
    whole = tables["by_model"].assign(cached_tokens=0)
    text = page("A log", tables | {"by_model": whole}, answered[2], settings, LOAD)
    assert "takes it for free" not in text
    whole = whole.assign(cached_tokens=7000)
    text = page("A log", tables | {"by_model": whole}, answered[2], settings, LOAD)
    assert "takes it for free** (7,000 tokens" in text
    told = tables["parts"].assign(energy_wh_p50=1.0)
    text = page("A log", tables | {"by_model": whole, "parts": told}, answered[2], settings, LOAD)
    assert "takes it for free" not in text


def test_the_page_says_whether_the_law_knows_the_load(answered, tables, settings):
    serving, counts, table = answered
    measured = pd.DataFrame(
        {"model": ["ours"], "mean": 2.0, "seen_by_request": 3.0, "largest": 9.0}
    )
    load = answers.load_table(serving.at({"ours": 3.0}), counts["lengths"], table, measured)
    asked = {"load": "measured", "copies": 1}
    text = page("A log", tables | {"load": load}, table, settings, asked)
    assert "**The throughput law does not know the load**" in text
    assert "| ours | 2 | 3 | 9 |  |  |  |  |" in text
    known = load.assign(on_a_copy=3.0, energy_wh_p50=5.0, energy_wh_at_best=4.0, load_share=0.2)
    text = page("A log", tables | {"load": load}, table, settings, asked, knows_load=True)
    assert "does not know the load" not in text
    assert "**No request has a start and an end by which its load could be measured**" in text
    text = page("A log", tables | {"load": known}, table, settings, asked | {"copies": 2})
    assert "does not know the load" not in text
    assert "shared by 2 copies of a model" in text
    assert "| ours | 2 | 3 | 9 | 3 | 5 | 4 | 20.0 % |" in text
    same = "power of the node stays that of the benchmarks"
    assert same not in text
    text = page("A log", tables | {"load": known}, table, settings, asked, power_measured=True)
    assert same in text


def test_the_page_says_where_a_row_is_many_requests(answered, tables, settings):
    told = "each of them is counted with the row's mean lengths"
    assert told not in page("A log", tables, answered[2], settings, LOAD)
    assert told in page("A log", tables, answered[2], settings, LOAD, rows_of_many=True)


def test_the_page_says_which_files_were_left_out(answered, tables, settings):
    assert "left out" not in page("A log", tables, answered[2], settings, LOAD)
    names = [f"_{number}.csv" for number in range(13)]
    text = page("A log", tables, answered[2], settings, LOAD, names)
    assert "13 files were left out" in text and "`_9.csv` and 3 more" in text


def test_the_page_says_by_which_format_the_log_was_read(answered, tables, settings):
    told = "The log was read by the format"
    assert told not in page("A log", tables, answered[2], settings, LOAD)
    read_by = "azure", {"output", "finish", "input"}
    text = page("A log", tables, answered[2], settings, LOAD, read_by=read_by)
    assert f"{told} `azure`: end, input, output." in text


def test_the_page_says_what_the_format_did_not_find(answered, tables, settings):
    told = "Not found by its names:"
    assert told not in page("A log", tables, answered[2], settings, LOAD)
    read_by = "litellm", {"output", "model", "input"}
    text = page("A log", tables, answered[2], settings, LOAD, read_by=read_by)
    assert f"{told} start, end, tenant, cached; where the log has such a column, " in text
    everything = {"start", "finish", "model", "tenant", "input", "cached", "output"}
    text = page("A log", tables, answered[2], settings, LOAD, read_by=("plain", everything))
    assert told not in text
    text = page(
        "A log", tables, answered[2], settings, LOAD, read_by=("x", everything - {"tenant"})
    )
    assert f"{told} tenant; where" in text


def test_the_total_says_how_much_of_it_is_of_models_that_the_method_does_not_know(
    answered, tables, settings
):
    of_models = tables["by_model"].set_index("model")["energy_share"]
    text = page("A log", tables, answered[2], settings, LOAD)
    first = text.split("\n\n")[1]
    assert f"**{percent(of_models['ours'])} of the energy" in first
    assert "of the energy is of models that the method does not know (`ours`)" in first
    assert first.endswith("or extend the method by them (docs/requests.md).")
    many = [tables["by_model"].query("model == 'ours'").assign(model=f"own {n}") for n in range(8)]
    more = pd.concat([tables["by_model"], *many], ignore_index=True)
    first = page("A log", tables | {"by_model": more}, answered[2], settings, LOAD).split("\n\n")[1]
    assert "`own 3` and 4 more)" in first
    known = tables["by_model"].query("model != 'ours'")
    text = page("A log", tables | {"by_model": known}, answered[2], settings, LOAD)
    assert "does not know" not in text.split("\n\n")[1]


def test_the_page_begins_with_requests_over_their_context(answered, tables, settings):
    said = "more tokens than the context of their model**"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    kinds = tables["kinds"]
    tables["kinds"] = kinds.assign(rows=kinds["rows"].mask(kinds["kind"] == "over context", 3))
    text = page("A log", tables, answered[2], settings, LOAD)
    assert f"**3 rows have {said}" in text.split("\n\n")[1]


def test_the_page_begins_with_requests_over_the_deployments_context(answered, tables, settings):
    said = "more tokens than the context of the deployment's**"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    kinds = tables["kinds"]
    tables["kinds"] = kinds.assign(rows=kinds["rows"].mask(kinds["kind"] == OVER_SERVED, 1))
    text = page("A log", tables, answered[2], settings, LOAD)
    assert f"**1 request of no known model has {said}" in text.split("\n\n")[1]


def test_the_page_tells_what_is_unusual_of_a_deployment(answered, tables, settings):
    said = "What is unusual of the deployment:"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    text = page("A log", tables, answered[2], settings, LOAD, unusual=["a < b", "c"])
    assert f"{said}\n\n- a \\< b\n- c\n" in text
    assert text.index(said) < text.index("## By model")


@pytest.mark.parametrize(
    ("kind", "of", "share", "said"),
    [
        ("too fast", "no end", 0.5, "more than 5,000 output tokens a second"),
        ("faster than measured", "no end", 0.5, "more than 400 output tokens a second"),
        ("too slow", "no end", 0.5, "fewer than 1 token of input and output a second"),
        ("no time", None, 0.5, "have no time between 1970 and 9999"),
        ("early 1970", "no time", 1, "All times are between 12 January and 17 February 1970"),
    ],
)
def test_the_page_begins_with_times_in_another_unit(
    answered, tables, settings, kind, of, share, said
):
    def begins(count):
        rows = {kind: count, of: 10_000}
        kinds = tables["kinds"]
        changed = kinds.assign(rows=kinds["kind"].map(rows).fillna(kinds["rows"]).astype(int))
        text = page("A log", tables | {"kinds": changed}, answered[2], settings, LOAD)
        return said in text.split("\n\n")[1]

    timed = 20_000 if of else 30_000
    least = round(share * timed)
    assert begins(least + (share < 1)) and not begins(least - (share == 1)) and not begins(0)


def test_requests_that_are_too_fast_are_faster_than_measured_too():
    assert doubted_times({"rows": 10, "too fast": 3, FASTER: 3})["faster_than_measured"] == 6
    assert doubted_times({"rows": 10, "too fast": 3, FASTER: 2})["faster_than_measured"] == 0


def test_the_page_begins_with_requests_that_the_deployment_cannot_serve(answered, tables, settings):
    said = "requests have more than 383 output tokens a second from start to end, which the"

    def first(fastest=383.4, **rows):
        told = counted(tables, no_end=10_000, **rows)
        text = page("A log", told, answered[2], settings, LOAD, fastest=fastest)
        return text.split("\n\n")[1]

    text = first(faster_than_the_deployment=10_001, faster_than_measured=10_001)
    assert f"**10,001 {said} deployment's GPUs cannot give one request**: that is 8 tokens" in text
    # one reason is enough
    assert "more than 400 output tokens" not in text
    assert said not in first(faster_than_the_deployment=10_000)
    assert said not in first(faster_than_the_deployment=10_001, too_fast=10_001)


def test_the_page_begins_with_outputs_that_hold_the_input(answered, tables, settings):
    said = "The output of 4 requests is above their input and rises with it, as where output tokens"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    text = page("A log", counted(tables, output_holds_input=4), answered[2], settings, LOAD)
    assert f"**{said}" in text.split("\n\n")[1]


def test_the_page_begins_with_rows_of_a_counter(answered, tables, settings):
    said = "3 rows are above those of the row before, as the running total of a counter is**"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    kinds = tables["kinds"]
    tables["kinds"] = kinds.assign(rows=kinds["rows"].mask(kinds["kind"] == RUNNING_TOTAL, 3))
    text = page("A log", tables, answered[2], settings, LOAD)
    assert f"**The output tokens of {said}" in text.split("\n\n")[1]


def counted(tables, **rows):
    """The tables with so many rows of some kinds, whose names have _ for a blank."""
    more = {kind.replace("_", " "): n for kind, n in rows.items()}
    kinds = tables["kinds"]
    changed = kinds["kind"].map(more).fillna(kinds["rows"]).astype(int)
    return tables | {"kinds": kinds.assign(rows=changed)}


def test_the_page_begins_with_rows_that_do_not_count(answered, tables, settings):
    said = "rows do not count** ("
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    many = counted(tables, no_tokens=290, duplicate=9, several=1, unreadable=2)
    first = page("A log", many, answered[2], settings, LOAD).split("\n\n")[1]
    assert f"**300 of the log's 30,002 {said}no tokens 290, duplicate 9, unreadable 2)" in first
    assert first.index(said) < first.index("of the energy is of models")


def test_of_more_than_a_tenth_the_page_says_so_before_all_else(answered, tables, settings):
    """Of 6,000 requests 480 counted, which was said behind their energy and without a remedy."""
    rows = tables["kinds"].set_index("kind")["rows"]["rows"]
    for kind, remedy in {
        "duplicate": "name its column `session` or `tenant` and not `id` under `columns`",
        "earlier_state": "name its column `session` or `tenant` and not `id` under `columns`",
        "no_tokens": "name the columns of their tokens (`input`, `output`)",
        "no_requests": "name the columns of their tokens (`input`, `output`)",
        "answered_elsewhere": "correct `answered_elsewhere` of the format",
    }.items():
        for count, is_first in ((rows // 10, False), (rows // 10 + 1, True)):
            many = counted(tables, **{kind: count})
            first = page("A log", many, answered[2], settings, LOAD).split("\n\n")[1]
            said = f"**{count:,} of the log's {rows:,} rows do not count** ("
            assert first.startswith(said) == is_first
            assert (remedy in first) == is_first and first.count(said) == 1
            assert "requests need **" in first


def test_the_page_begins_with_ids_that_are_rounded(answered, tables, settings):
    said = "rounded (as 1.77236E+18)**, as a spreadsheet"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    text = page("A log", counted(tables, rounded_id=3), answered[2], settings, LOAD)
    assert text.split("\n\n")[1].startswith(f"**The ids of 3 rows are {said}")


def test_of_more_than_a_tenth_without_output_the_page_begins_with_them(answered, tables, settings):
    requests = tables["by_model"]["requests"].iloc[0]

    def first(free):
        text = page("A log", tables, answered[2], settings, LOAD, free=free)
        return text.split("\n\n")[1]

    said = "requests have input and no output, and are charged nothing**"
    assert said not in first(requests // 10)
    many = requests // 10 + 1
    assert first(many).startswith(f"**{many:,} of the {requests:,} {said}")
    assert "`method=revised`" in first(many)


def test_the_page_begins_with_times_that_cannot_be_used(answered, tables, settings):
    said = "have no start and end that can be used** ("
    asked = {"load": "measured", "copies": 1}
    bad = counted(tables, no_end=9, unreadable_time=7, no_duration=2, not_in_the_load=11)

    def first(tables, **known):
        return page("A log", tables, answered[2], settings, asked, **known).split("\n\n")[1]

    told = first(bad, knows_load=True)
    kinds = "unreadable time 7, no duration 2, no end 9"
    assert f"**11 of the log's 30,000 rows {said}{kinds}): no load is measured" in told
    loaded = bad | {"load": pd.DataFrame({"model": ["ours"], "energy_wh_p50": 5.0})}
    for name in ("mean", "seen_by_request", "largest", "on_a_copy"):
        loaded["load"][name] = 1.0
    loaded["load"] = loaded["load"].assign(energy_wh_at_best=4.0, load_share=0.2)
    assert "the load that is measured lacks them" in first(loaded, knows_load=True)
    assert f"**7 of the log's 30,000 rows {said}unreadable time 7, no duration 2);" in first(bad)
    missing = counted(tables, no_end=9, not_in_the_load=9)
    assert said not in first(missing) and said in first(missing, knows_load=True)


def test_the_page_begins_with_ids_that_several_requests_share(answered, tables, settings):
    said = "the id of another row, and other times or tokens**"
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    text = page("A log", counted(tables, shared_id=3), answered[2], settings, LOAD)
    assert f"**3 rows have {said}" in text.split("\n\n")[1]


def test_the_page_begins_with_rows_that_are_the_same(answered, tables, settings):
    said = (
        "the same as another in all cells but an id, times to a fraction of a second among them**"
    )
    for count in (0, 30):
        text = page("A log", counted(tables, same_in_all_cells=count), answered[2], settings, LOAD)
        assert said not in text
    text = page("A log", counted(tables, same_in_all_cells=31), answered[2], settings, LOAD)
    assert f"**31 rows are {said}" in text.split("\n\n")[1]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("perhaps_an_earlier_state", "**3 rows have the start, names and input of another that"),
        ("perhaps_another_hop", "**Of 3 rows another starts and ends some ms apart, with the"),
    ],
)
def test_the_page_begins_with_rows_of_one_request(answered, tables, settings, kind, said):
    assert said not in page("A log", tables, answered[2], settings, LOAD)
    text = page("A log", counted(tables, **{kind: 3}), answered[2], settings, LOAD)
    assert said in text.split("\n\n")[1]


def test_the_page_begins_with_ends_in_another_time_zone(answered, tables, settings):
    for hours, said in ((5.0, "5 hours too late**"), (-5.5, "5.5 hours too early**")):
        text = page("A log", tables, answered[2], settings, LOAD, zone_hours=hours)
        assert f"**Most ends are {said}" in text.split("\n\n")[1]
    assert "Most ends are" not in page("A log", tables, answered[2], settings, LOAD)
