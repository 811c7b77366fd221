"""What the page is given: numbers in full, and the lines of the tables."""

import json

import numpy as np
import pytest
from inference_energy.explorer import content
from inference_energy.explorer.configurations import configurations
from inference_energy.laws.base import Share, everywhere
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.distributions import LogNormal
from repository import METHODS, PAPER_TABLE, ROOT, read, read_yaml

METHOD = METHODS["oviedo2026"]
TABLES = {
    name: read(f"results/oviedo2026/{name}.csv", name)
    for name in ("energy_per_query", "output_tokens", "fleet", "footprint", "claims")
}


@pytest.fixture(scope="module")
def known():
    statements = {("median-traditional", "v2"): "The median"}
    return content.method_content(METHOD, TABLES, statements, LogNormal(-0.3, 0.1))


def line(table, number):
    path = ROOT / "results" / "oviedo2026" / f"{table}.csv"
    return path.read_text(encoding="utf-8").splitlines()[number - 1]


def test_everything_can_be_written_as_json(known):
    assert json.loads(json.dumps(known, allow_nan=False)) == known


def test_numbers_stand_in_the_lines_that_are_named(known):
    of = known["own"]["traditional"]["frontier blend"]["exact"]
    first, last = of["lines"]
    assert line("energy_per_query", first).startswith("exact,traditional,frontier blend,baseline")
    assert line("energy_per_query", last).startswith("exact,traditional,frontier blend,baseline")
    cell = known["fleet"]["mixed"]["improved"]
    assert line("fleet", cell["line"]) == f"exact,mixed,improved,p50,{cell['value']:g},GWh/day"
    day = known["footprint"]["on-site water"]["range"]["long"]
    assert line("footprint", day["line"]).startswith("on-site water,range,day,long")
    claim = next(each for each in known["claims"] if each["claim"] == "median-traditional")
    assert claim["statement"] == "The median"
    assert line("claims", claim["line"]).startswith("median-traditional,v2,")


def test_a_reader_starts_from_the_model_nearest_to_the_blend(known):
    assert known["first"] == "Llama 3.1 405B"
    assert known["regimes"]["traditional"] == {"input": 500, "output": 300.0}


def test_a_law_is_given_in_full(paper):
    for model in paper.models:
        given = content.law_content(model.law)
        assert given["kind"] == model.law.name
        assert given["peak"] == model.law.peak
        assert given["domain"]["output"] == list(model.law.domain["output_tokens"])


def test_ends_that_a_law_does_not_have_are_none():
    assert content.law_content(Peak(1.0, 2))["domain"]["input"] == [0.0, None]


def test_a_law_that_the_page_cannot_compute_is_none():
    pool = Pooled.of([Share(1.0, 1.0, Peak(100.0, 2, everywhere(), 0.1))])
    assert content.law_content(pool) is None


def test_rows_behind_a_law_are_ranges_of_lines(paper):
    table = read(PAPER_TABLE, "throughput")
    for each in configurations(
        METHOD, table, {}, read("data/node_power.csv", "node_power"), table[:0]
    ):
        ranges = content.rows_behind(each.rows, {PAPER_TABLE: table})
        lines = np.concatenate([np.arange(low, high + 1) for _, low, high in ranges])
        assert sorted(lines - 2) == sorted(each.rows.index)


@pytest.mark.parametrize(
    ("section", "given"),
    [
        ({"distribution": "fixed", "value": 2}, {"p5": 2, "p95": 2}),
        ({"distribution": "log-normal", "p5": 1, "p95": 2}, {"p5": 1, "p95": 2}),
        ({"distribution": "coupled", "intercept": 1, "slope": 2}, {"intercept": 1, "slope": 2}),
    ],
)
def test_a_factor_is_its_range_or_its_terms(section, given):
    assert content.factor_content(section) == given


def test_intensities_are_the_facts_that_the_configuration_names():
    facility = read("data/facility.csv", "facility")
    known = content.intensity_content(read_yaml("config/footprint.yaml"), facility)
    carbon = known["operational_carbon"]
    assert carbon["range"] == sorted(carbon["range"])
    values = facility.set_index("fact")["value"]
    for fact, place in carbon["settings"].items():
        assert place["value"] == values[fact]
        line = (ROOT / "data/facility.csv").read_text(encoding="utf-8").splitlines()
        assert line[place["line"] - 1].startswith(f"{fact},")


def test_a_utilisation_measured_at_the_load_is_that_of_the_built_method():
    built = LogNormal(-0.3, 0.1)
    found = content.utilisation_content({"distribution": "by-load"}, built)
    assert found == {"p5": float(built.quantile(0.05)), "p95": float(built.quantile(0.95))}
    stated = {"distribution": "fixed", "value": 0.7}
    assert content.utilisation_content(stated, built) == {"p5": 0.7, "p95": 0.7}
