"""The README says what the result tables say."""

from pathlib import Path

import pytest
import yaml
from inference_energy.errors import InputError
from inference_energy.readme import headline, paper_table, splice
from inference_energy.tables import read_table

METHODS = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))["methods"]
KINDS = {
    name: yaml.safe_load(Path(f"results/{name}/method.yaml").read_text(encoding="utf-8"))["kind"]
    for name in METHODS
}
README = Path("README.md").read_text(encoding="utf-8")


def test_the_numbers_of_the_readme_are_those_of_the_tables():
    tables = {
        method: {
            name: read_table(f"results/{method}/{name}.csv", name)
            for name in ("energy_per_query", "fleet", "claims")
        }
        for method in sorted(METHODS, key=lambda name: (KINDS[name] != "paper", name))
    }
    blocks = {
        "headline": headline(tables),
        "paper": paper_table(tables["oviedo2026"]["claims"], "oviedo2026"),
    }
    assert splice(README, blocks) == README, "renew them with `make readme`"


def test_every_file_that_the_readme_links_to_is_there():
    links = [part.split(")")[0] for part in README.split("](")[1:]]
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert [link for link in local if not Path(link).exists()] == []


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= 120


def test_a_block_without_markers_is_an_error():
    with pytest.raises(InputError, match="no markers of the block headline"):
        splice("text", {"headline": "x"})
