"""Page of the coefficients."""

import csv
import re

import pytest
from inference_energy.coefficients.agents import mean_call
from inference_energy.coefficients.page import pages
from inference_energy.reports import told
from repository import ROOT, read

TEXT = (ROOT / "docs" / "coefficients.md").read_text(encoding="utf-8")
CHECKED = (ROOT / "docs" / "coefficients_checked.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def others(rows):
    """What the page needs beside the table."""
    tables = [
        read(f"results/validation/coefficients_{name}.csv", f"coefficients_{name}")
        for name in ("disaggregated", "agents")
    ]
    call = mean_call(read("data/agent_tokens.csv", "agent_tokens"))
    metered = [
        *read("data/measured/mlenergy_v3.csv", "mlenergy")["gpu"].unique(),
        *read("data/measured/inferencex_power.csv", "inferencex")["gpu"].unique(),
    ]
    return [*tables, call, rows["input_tokens"].max(), rows["concurrency"].min(), metered]


def test_the_committed_pages_are_those_of_the_committed_tables(table, others):
    use, checked = (told(text, ROOT / "docs") for text in pages(table, *others))
    assert use == TEXT
    assert checked == CHECKED


def test_rows_in_which_a_cached_token_costs_more_than_a_computed_one_are_counted(table, others):
    text, _ = pages(table, *others)
    over = table[table["cached_wh"] > table["input_wh"]]
    models = over["model"].nunique()
    assert f"all but {len(over)} rows, of {models} models at loads of 64, 256, best" in text
    assert set(over["load"]) == {"64", "256", "best"}
    assert f"all but {(table['input_wh'] > table['output_wh']).sum()} rows, a cached" in text
    none, _ = pages(table.assign(cached_wh=0.0, output_wh=1e6), *others)
    assert "all but" not in none


def test_the_error_at_other_lengths_stands_on_the_page_by_use_and_load(table, others):
    text, _ = pages(table, *others)
    best = table.loc[table["load"] == "best", "document_factor"].dropna()
    cell = f"{best.median():.2g} ({best.min():.2g}-{best.max():.2g})"
    (line,) = [line for line in text.splitlines() if line.startswith("| `document` | 10,000")]
    assert line.endswith(f"{cell} |")
    near = best.between(1 / 1.25, 1.25).mean()
    (line,) = [
        line for line in text.splitlines() if line.startswith("| `document` |") and "%" in line
    ]
    assert line.endswith(f"{100 * near:.0f} % |")


def test_the_page_says_that_one_request_alone_is_extrapolated(table, others, rows):
    """Of tier A too: what is measured is measured at any load."""
    fewest = rows["concurrency"].min()
    assert fewest > 1
    assert f"at any load from {fewest:g} requests at once (load 1 is extrapolated)" in TEXT
    *some, metered = others
    assert "is extrapolated)" not in pages(table, *some[:-1], 1.0, metered)[0]


def test_the_page_says_how_many_models_were_measured():
    with open(ROOT / "results" / "coefficients.csv", encoding="utf-8", newline="") as file:
        tiers = {(row["model"], row["tier"]) for row in csv.DictReader(file)}
    measured = {model for model, tier in tiers if tier != "C"}
    assert f"Of the {len({m for m, _ in tiers})} models {len(measured)} were measured" in TEXT
    assert not {(model, "C") for model in measured} & tiers


def test_the_page_names_the_gpus_whose_power_was_not_metered(table, others):
    start = "Power with load was metered"
    text, _ = pages(table, *others)
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    metered, _, rest = line.partition(" alone")
    assert "B200 and H100-SXM-80GB" in metered
    for gpu in set(table["gpu"]) - set(others[-1]):
        assert gpu in rest and gpu not in metered
    every, _ = pages(table, *others[:-1], list(table["gpu"].unique()))
    assert start not in every


def test_a_role_within_the_factor_is_said_to_be(table, others):
    compared, *rest = others
    measured = compared.assign(measured_j=compared["predicted_j"], factor=1.0, within="yes")
    use, text = pages(table, measured, *rest)
    assert "10 of 10 prefill predictions are within" in use
    assert "**Prefill: reached.** 10 of 10" in text
    assert "**Decode: reached.** 10 of 10" in text


def test_the_example_follows_from_the_table_as_a_reader_would_compute_it():
    with open(ROOT / "results" / "coefficients.csv", encoding="utf-8", newline="") as file:
        (row,) = [
            row
            for row in csv.DictReader(file)
            if (row["model"], row["gpu"], row["format"], row["load"])
            == ("Llama 3.1 70B", "H100-SXM-80GB", "FP8", "64")
        ]
    energy = sum(
        float(row[f"{kind}_wh"]) * tokens
        for kind, tokens in {"input": 1200, "cached": 800, "output": 400}.items()
    )
    assert f"**{1.2 * energy / 1e6:.3f} Wh**" in TEXT
    assert f"tier {row['tier']}, {row['n_rows']} rows" in TEXT


def test_the_program_on_the_page_gives_the_example(monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(ROOT)
    names = {}
    exec(program, names)
    wh, low, high = re.search(r"\*\*(\S+) Wh\*\*.*, (\S+)-(\S+) Wh, which is wider", TEXT).groups()
    assert capsys.readouterr().out.startswith(f"{wh} Wh ({low}-{high}), tier ")
    ask = names["request_wh"]
    kind = ("Llama 3.1 70B", "H100-SXM-80GB", "FP8")
    few, between, many = (ask(*kind, load, {"output": 1}, 1)[0] for load in (8, 20, 64))
    assert few > between > many
    best = next(
        r
        for r in names["table"]["coefficients"]
        if (*kind, "best") == tuple(r[key] for key in ("model", "gpu", "format", "load"))
    )
    assert ask(*kind, "best", {"output": 1e6}, 1)[:3] == pytest.approx(
        [best["output"][end] for end in ("median", "p5", "p95")]
    )
    # a load above the last number is between that row and the best, which says its number
    most, beyond, full = (ask(*kind, load, {"output": 1}, 1)[0] for load in (256, 300, "best"))
    assert best["requests"] > 300
    assert most > beyond > full
    for load in (best["requests"], 10 * best["requests"]):
        assert ask(*kind, load, {"output": 1}, 1)[0] == pytest.approx(full)
    # a row of more requests than fit holds at those that do: so few are never between it and less
    tight = ("DeepSeek-R1", "B200", "BF16")
    near, above, full_of_tight = (ask(*tight, n, {"output": 1}, 1)[0] for n in (35, 64, "best"))
    assert near == pytest.approx(above, rel=0.02) == pytest.approx(full_of_tight, rel=0.02)
    # at other lengths the row's factor counts
    long = ask(*kind, "best", {"output": 1}, 1, use="long")
    assert long[0] == pytest.approx(full * best["factor"]["long"])
    with pytest.raises(LookupError, match="takes no request of the lengths of agent"):
        ask("GPT-J 6B", *kind[1:], 8, {"output": 1}, 1, use="agent")
    for wrong in ((*kind, 0.5), ("Llama 9", *kind[1:], 8), ("Llama 9", *kind[1:], "best")):
        with pytest.raises(LookupError, match="no coefficient"):
            ask(*wrong, {"output": 1}, 1)


def test_what_is_unusual_of_the_agents_calls_stands_last(table, others):
    _, checked = pages(table, *others, ["a call is long"])
    assert checked.endswith("\n## What is unusual\n\n- a call is long\n")
    assert "unusual" not in CHECKED
