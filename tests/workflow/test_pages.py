"""The templates of the pages are inputs of the rules that render them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "results/claims.md": ("summarise_claims", "claims/claims.md.jinja"),
    "results/audit/findings.md": ("compute_findings", "claims/findings.md.jinja"),
    "build/README.md": ("renew_readme", "claims/headline.md.jinja"),
    "results/comparison/oviedo2026..revised.md": (
        "compare_methods",
        "comparison/comparison.md.jinja",
    ),
    "results/validation/throughput_laws.md": ("evaluate_laws", "laws.md.jinja"),
    "results/audit/multiverse.md": ("summarise_audit", "robustness.md.jinja"),
    "results/README.md": ("document_results", "tables.md.jinja"),
    "changes": ("changes", "comparison/changes.md.jinja"),
}


@pytest.fixture(scope="module")
def templates():
    """Templates among the inputs of every rule that makes the pages."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--filegraph", "--nolock", *PAGES],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    _, *parts = re.split(r'<font point-size="18">(\w+)</font>', run.stdout)
    return {
        rule: set(re.findall(r">workflow/templates/([^<]+)<", part))
        for rule, part in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_made_again_when_its_template_is_edited(templates, page):
    rule, template = PAGES[page]
    assert template in templates[rule]


def test_a_rule_without_page_has_no_template(templates):
    assert templates["estimate_energy"] == set()
