"""Pages of the claims and of the findings say what the tables hold, and no more."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from inference_energy.claims.findings import Effect
from inference_energy.claims.page import (
    claims_page,
    console_summary,
    findings_page,
    method_claims_page,
)
from inference_energy.tables import read_table
from inference_energy.text import grouped

ROOT = Path(__file__).resolve().parents[3]
CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
METHODS = {
    name: yaml.safe_load((ROOT / f"results/{name}/method.yaml").read_text(encoding="utf-8"))
    for name in CONFIG["methods"]
}
PAPER_FIRST = sorted(METHODS, key=lambda name: (METHODS[name]["kind"] != "paper", name))


def claims(**changes):
    """Return the claims table of one claim that fails by a factor of two."""
    line = {
        "claim": "median",
        "source": "v2",
        "published": "0.15",
        "computed": 0.3,
        "unit": "Wh",
        "engine": "published",
        "verdict": "not reproduced",
        "note": None,
    }
    published = line | changes
    return pd.DataFrame([published, published | {"engine": "exact", "computed": 0.32}])


def test_the_committed_page_is_that_of_the_tables():
    tables = {name: read_table(ROOT / f"results/{name}/claims.csv", "claims") for name in METHODS}
    page = claims_page(
        {name: tables[name] for name in PAPER_FIRST},
        {name: METHODS[name]["title"] for name in METHODS},
    )
    assert page == (ROOT / "results" / "claims.md").read_text(encoding="utf-8")
    for name, table in tables.items():
        own = method_claims_page(name, table, METHODS[name]["title"])
        assert own == (ROOT / "results" / name / "claims.md").read_text(encoding="utf-8")


def test_a_claim_that_fails_is_named_first_with_its_distance():
    page = claims_page({"mine": claims()}, {"mine": "My method"})
    assert "## My method (`mine`)\n\n[Every claim](mine/claims.md). Not reproduced:\n\n" in page
    told = (
        "- **Median energy**: published 0.15 Wh, computed 0.3 Wh, 2.00 times the nearest published"
    )
    assert page.endswith(f"{told} figure\n\n")
    assert "| `mine` | v2 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 0 |" in page
    own = method_claims_page("mine", claims(), "My method")
    assert own.endswith(
        "| Median energy | 0.15 | 0.3 | 0.32 | Wh | not reproduced |  | `median` |\n"
    )


def test_a_claim_that_holds_is_in_the_table_only():
    page = claims_page({"mine": claims(verdict="reproduced")}, {"mine": "My method"})
    assert "Not reproduced" not in page
    assert "| `mine` | v2 | 1 | 1 | 0 | 0 | 0 | 0 | 0 |" in page


def test_a_method_that_is_not_scored_shows_what_a_claim_would_read():
    table = claims(verdict="not scored")
    page = claims_page({"mine": table}, {"mine": "My method"})
    assert "(mine/claims.md)" in page
    assert "| `mine` |" not in page
    assert "| not scored |" not in page
    own = method_claims_page("mine", table, "My method")
    assert "| Median energy | 0.15 | 0.3 | 0.32 | Wh |  | `median` |\n" in own
    given = method_claims_page("mine", claims(verdict="not scored", note="by construction"), "")
    assert "| Wh | by construction | `median` |\n" in given
    assert "mine" not in console_summary({"mine": claims(verdict="not scored")}, {"mine": "user"})


def test_notes_and_titles_cannot_break_the_page():
    table = claims(claim="a|b", note="<script>x</script> | `y`", unit="1")
    page = claims_page({"mine": table}, {"mine": "<h1>"})
    assert "## \\<h1\\> (`mine`)" in page
    assert method_claims_page("mine", table, "<h1>").endswith(
        "| a\\|b | 0.15 | 0.3 | 0.32 |  | not reproduced |"
        " \\<script\\>x\\</script\\> \\| \\`y\\` | `a\\|b` |\n"
    )


@pytest.mark.parametrize(("kind", "named"), [("paper", True), ("revised", False)])
def test_the_screen_names_what_fails_of_a_papers_own_method(kind, named):
    screen = console_summary({"mine": claims()}, {"mine": kind})
    assert screen.startswith("mine: 1 claims: 1 not reproduced\n")
    line = "  not reproduced: median: published 0.15 Wh, computed 0.3 Wh\n"
    assert (line in screen) == named


@pytest.mark.parametrize("note", [float("nan"), None, "as 0.3 is above 0.15"])
def test_the_screen_shows_the_number_that_decides_where_the_other_rounds_to_the_claim(note):
    decided = "decided without sampling: 20.58; the seeded draw gives 20.49; so"
    line = "published 8-20, computed 20.49"
    for told, ending in (
        (decided, f"{line}, decided without sampling: 20.58\n"),
        (note, f"{line}\n"),
    ):
        table = claims(published="8-20", computed=20.4881, unit="1", note=told)
        assert ending in console_summary({"mine": table}, {"mine": "paper"})


def finding(name, **more):
    """Return an entry of config/findings.yaml."""
    return {"id": name, "method": "mine", "claimed": "So it is.", "alternative": "or so"} | more


def test_findings_are_listed_by_effect_and_then_told():
    computed = {
        "elsewhere": {"q": Effect("fleet", "GWh/day", 1, 9)},
        "up": {"traditional": Effect("traditional median", "Wh", 1, 1.1)},
        "down": {"traditional": Effect("traditional median", "Wh", 1, 0.5)},
    }
    entries = [finding("up"), finding("elsewhere", engine="published"), finding("down")]
    page, each = findings_page(entries, computed, dict.fromkeys(computed, "Why."), {})
    assert each.count("\n## ") == 3
    assert [each.index(f"\n## {name}\n\nWhy.\n") for name in ("down", "up", "elsewhere")] == sorted(
        each.index(f"\n## {name}\n") for name in computed
    )
    assert "| [down](findings_each.md#down) | `mine` | So it is. | or so | -50.0 % |" in page
    assert "| [elsewhere](findings_each.md#elsewhere) | `mine` | So it is. | or so |  |" in page
    assert "| traditional median [Wh] | 1 | 0.5 | -50.0 % |" in each
    assert each.endswith("| fleet [GWh/day], as drawn | 1 | 9 | +800.0 % |\n")


def test_the_committed_findings_have_the_numbers_of_the_table():
    page = (ROOT / "results" / "audit" / "findings_each.md").read_text(encoding="utf-8")
    table = read_table(ROOT / "results" / "audit" / "findings.csv", "findings")
    assert len(table)
    for line in table.to_dict("records"):
        section = page.split(f"\n## {line['finding']}\n")[1].split("\n## ")[0]
        drawn = "" if line["engine"] == "exact" else ", as drawn"
        unit = "" if line["unit"] == "1" else f" [{line['unit']}]"
        numbers = " | ".join(grouped(line[at], 4) for at in ("before", "after"))
        moves = f"{line['change_percent']:.1f}" not in ("0.0", "-0.0")
        assert (f"| {line['quantity']}{unit}{drawn} | {numbers} |" in section) == moves
