"""The README says what the result tables say."""

from pathlib import Path

import pytest
import yaml
from inference_energy.claims.readme import headline, paper_table, splice
from inference_energy.documents import read_schema
from inference_energy.errors import InputError
from inference_energy.method.files import check, resolve
from inference_energy.robustness.uncertainty import named_to_halve
from inference_energy.tables import read_table
from inference_energy.text import number

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
            for name in (
                "energy_per_query",
                "fleet",
                "test_time",
                "claims",
                "extrapolation",
                "uncertainty",
                "classes",
            )
        }
        for method in sorted(METHODS, key=lambda name: (KINDS[name] != "paper", name))
    }
    parts = {method: of["uncertainty"].groupby("regime") for method, of in tables.items()}
    halving = {method: named_to_halve(of.get_group("traditional")) for method, of in parts.items()}
    blocks = {
        "headline": headline(tables, "15 times", halving),
        "paper": paper_table(tables["oviedo2026"]["claims"], "oviedo2026"),
    }
    assert splice(README, blocks) == README, "renew them with `make readme`"


def test_the_headline_states_the_whole_range_of_a_method_that_knows_load():
    block = README.partition("<!-- begin: headline -->")[2].partition("<!-- end")[0]
    of = read_table("results/revised/uncertainty.csv", "uncertainty").set_index("regime")
    shares = of.loc["traditional"].set_index("source")["share"]
    for source in ("load", "input tokens"):
        assert f"{shares[source]:.0%} {source}".replace("%", " %") in block
    assert block.count("all uncertainty counted") == 1
    sides = read_table("results/revised/classes.csv", "classes").set_index(
        ["regime", "architecture"]
    )
    lines = [
        ("traditional", "dense"),
        ("traditional", "moe"),
        ("traditional", "all"),
        ("long", "all"),
    ]
    for line in lines:
        side = sides.loc[line]
        own = f"{number(side['p5'])}-{number(side['p95'])}"
        assert (own if line[1] == "all" else f"{number(side['p50'])} Wh ({own})") in block


def test_the_published_numbers_of_the_readme_are_the_papers():
    claims = read_table("data/published/claims.csv", "claims_published")
    value = claims.set_index(["claim", "version"])["value"]
    upper = claims.set_index(["claim", "version"])["upper"]
    overstated = ("overestimate-iea-mixtral", "v1")
    for text in (
        f"{value['median-traditional', 'v1']:.2f} Wh for a frontier model",
        f"({value['median-traditional', 'v2']:.2f} Wh in its second version)",
        f"{value['ratio-energy', 'v1']:.0f} times that",
        f"with {value['ratio-tokens', 'v1']:.0f} times the tokens",
        f"overstate by {value[overstated]:.0f}-{upper[overstated]:.0f} times",
    ):
        assert text in README.replace("\n", " ")


def test_the_token_ratio_of_the_readme_is_the_computed_one():
    claims = read_table("results/oviedo2026/claims.csv", "claims").set_index("claim")["computed"]
    ratio = claims["ratio-tokens"].iloc[0]
    assert f"{ratio:.1f} times the tokens of its traditional ones" in README.replace("\n", " ")


def test_the_readme_says_that_the_ranges_of_the_paper_are_trimmed():
    """In one column with those of a method that keeps every query."""
    trims = {
        name: bool(yaml.safe_load(Path(f"results/{name}/method.yaml").read_text())["blend"]["trim"])
        for name in ("oviedo2026", "revised")
    }
    assert trims == {"oviedo2026": True, "revised": False}
    below = README.partition("<!-- end: headline -->")[2].partition("![")[0].replace("\n", " ")
    assert "lowest and highest queries left out; `revised` keeps all" in below


def test_the_method_in_the_readme_is_the_file():
    shown = yaml.safe_load(README.split("```yaml")[1].split("```")[0])
    path = Path("config/methods/oviedo2025.yaml")
    method = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert shown["extends"] == method["extends"]
    power = {"default": method["node_power"]["default"], **method["node_power"]["models"]}
    stated = {"default": shown["node_power"]["default"], **shown["node_power"]["models"]}
    assert {k: v["value"] for k, v in power.items()} == {k: v["value"] for k, v in stated.items()}


def test_the_method_in_the_readme_can_be_asked_about_as_it_stands_there():
    """Without its sources, as it was shown, a draft is refused."""
    files = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in Path("config/methods").glob("*.yaml")
    }
    text = README.split("```yaml")[1].split("```")[0]
    path, stated = text.splitlines()[1].removeprefix("# "), yaml.safe_load(text)
    assert f"METHOD={path} " in README
    method = resolve("mine", files | {"mine": stated})
    check(method, read_schema("method"), "mine", stated=stated)
    assert method["node_power"]["default"]["source"] == "assumption"


def test_every_file_that_the_readme_links_to_is_there():
    links = [part.split(")")[0] for part in README.split("](")[1:]]
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert [link for link in local if not Path(link.split("#")[0]).exists()] == []


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= 120


def test_a_block_without_markers_is_an_error():
    with pytest.raises(InputError, match="no markers of the block headline"):
        splice("text", {"headline": "x"})


def test_the_readme_says_how_to_see_the_tables_whose_lines_git_leaves_out():
    marked = Path(".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "results/** linguist-generated -diff" in marked
    assert "`git diff --text results/`" in README
    assert "`snakemake changes --config since=REVISION`" in README
