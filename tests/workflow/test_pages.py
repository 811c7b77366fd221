"""The templates of the pages are inputs of the rules that render them."""

import re
from pathlib import Path

import pytest
from processes import snakemake

ROOT = Path(__file__).resolve().parents[2]
TARGETS = [
    "all",
    "audit",
    "build/report.html",
    "changes",
    "requests",
    "scenarios",
    "stress",
    "whatif",
]
LOG = "log=generate:oviedo2026:1000"
PAGES = {
    "changes": "comparison/changes.md.jinja",
    "compare_methods": "comparison/comparison.md.jinja",
    "compute_findings": "claims/findings_each.md.jinja",
    "document_results": "tables/tables.md.jinja",
    "evaluate_laws": "laws/laws.md.jinja",
    "evaluate_power": "power/power.md.jinja",
    "renew_readme": "claims/headline.md.jinja",
    "score_load": "laws/load.md.jinja",
    "judge_claims": "claims/method_claims.md.jinja",
    "summarise_claims": "claims/claims.md.jinja",
    "summarise_robustness": "robustness/multiverse.md.jinja",
    "tabulate_coefficients": "coefficients/coefficients.md.jinja",
    "write_report": "pages/report.html.jinja",
    "whatif": "comparison/whatif.md.jinja",
}


@pytest.fixture(scope="module")
def templates():
    """Templates among the inputs of every rule."""
    run = snakemake(ROOT, "--filegraph", "--nolock", *TARGETS, "--config", LOG)
    assert run.returncode == 0, run.stdout
    _, *parts = re.split(r'<font point-size="18">(\w+)</font>', run.stdout)
    return {
        rule: set(re.findall(r">workflow/templates/([^<]+)<", part))
        for rule, part in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize(("rule", "template"), PAGES.items())
def test_a_page_is_made_again_when_its_template_is_edited(templates, rule, template):
    assert template in templates[rule]


def test_every_template_is_an_input(templates):
    folder = ROOT / "workflow" / "templates"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set().union(*templates.values()) == files


def test_a_rule_without_page_has_no_template(templates):
    assert templates["draw_method"] == set()
