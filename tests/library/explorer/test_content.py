"""What the page is given: numbers in full, and the lines of the tables."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.claims.wording import place as place_of
from inference_energy.explorer import content
from inference_energy.explorer.configurations import Configuration, configurations
from inference_energy.laws.at_load import AtLoad
from inference_energy.laws.base import Share, everywhere
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.serving import PARTS, TRAITS
from inference_energy.laws.varied import Varied
from inference_energy.method.build import fit_suitable
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Coupling
from repository import METHODS, PAPER_TABLE, ROOT, hardware_tables, read, read_yaml

METHOD = METHODS["oviedo2026"]
TABLES = {
    name: read(f"results/oviedo2026/{name}.csv", name)
    for name in ("energy_per_query", "output_tokens", "fleet", "footprint", "claims")
}


@pytest.fixture(scope="module")
def known():
    published = read("data/published/claims.csv", "claims_published")
    return content.method_content(METHOD, TABLES, published, LogNormal(-0.3, 0.1))


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
    assert line("claims", claim["line"]).startswith("median-traditional,v2,")
    printed = (ROOT / "data/published/claims.csv").read_text(encoding="utf-8").splitlines()
    for claim in known["claims"]:
        assert printed[claim["printed"] - 1].startswith(f"{claim['claim']},v2,")
        assert claim["statement"] in printed[claim["printed"] - 1]
    search = content.references(read("data/published/references.csv", "references"))["web search"]
    stated = (ROOT / "data/published/references.csv").read_text(encoding="utf-8").splitlines()
    assert stated[search["line"] - 1].startswith(f"web search,{search['value']},")


def test_claims_stand_in_the_order_of_the_paper(known):
    order = [each["claim"] for each in known["claims"]]
    assert order == sorted(order, key=place_of) and order[0] == "median-traditional"


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
    varied = Varied.of(Peak(100.0, 2, everywhere(), 0.1), factor=2.0)
    assert content.law_content(varied) is None
    assert content.law_content(Pooled.of([Share(1.0, 1.0, varied)])) is None


def counted(kind, coded):
    """Numbers that are coded in steps."""
    step, size = content.STEPS[kind]
    coded = base64.b64decode(coded)
    places = range(0, len(coded), size)
    return [step * int.from_bytes(coded[at : at + size], "little", signed=True) for at in places]


def test_numbers_come_back_from_their_steps_and_those_that_do_not_fit_are_refused():
    for kind, (step, size) in content.STEPS.items():
        largest = step * (256**size // 2 - 1)
        values = [-largest, -step, 0.0, 0.1234, largest]
        assert counted(kind, content.stepped(kind, values)) == pytest.approx(values, abs=step / 2)
        with pytest.raises(OverflowError):
            content.stepped(kind, [1.01 * largest])


def pooled(law, model="a"):
    nodes = content.nodes_of(law)
    return Configuration(model, *nodes[0].split(" "), np.nan, law, 10.2, pd.DataFrame())


def test_a_pool_stands_once_and_its_nodes_name_their_ways():
    law, other = Peak(100.0, 2, everywhere(), 0.1), Peak(50.0, 2, everywhere(), 0.1)
    ways = [
        Share(1.0, 0.5, law, "B200 FP4", "vLLM", 8.0, 2.0),
        Share(1.0, 0.7, law, "B200 FP4", "vLLM", 64.0, 2.0),
        Share(2.0, 1.0, other, "H100-SXM-80GB FP8", "vLLM"),
    ]
    pool, pools = Pooled.of(ways), content.Pools()
    of = pools.add([pooled(pool), pooled(pool.on(["B200 FP4"]))])["a"]
    assert [law["peak"] for law in of["laws"]] == [100.0, 50.0]
    assert [way[:2] for way in of["ways"]] == [["B200 FP4", "vLLM"], ["H100-SXM-80GB FP8", "vLLM"]]
    weights, loads, copies = (
        [pools.columns[way[place]] for way in of["ways"]] for place in (2, 3, 4)
    )
    assert weights == [[0.25, 0.25], [0.5]]
    assert loads == [[8.0, 64.0], [None]] and copies == [[2.0, 2.0], [1.0]]
    assert [way[5] for way in of["ways"]] == [[0, 0], [1]]
    powers = [counted("powers", way[6]) for way in of["ways"]]
    assert powers == [pytest.approx([0.5, 0.7]), pytest.approx([1.0])]
    assert content.law_content(pool)["nodes"] == ["B200 FP4", "H100-SXM-80GB FP8"]
    assert content.law_content(pool.on(["B200 FP4"]))["nodes"] == ["B200 FP4"]


def test_what_a_law_with_load_knows_stands_once_for_all_its_layouts():
    """Numbers of a part that no layout has are left out, and the covariance comes back."""
    rng = np.random.default_rng(0)
    size = len(PARTS) + 2
    root = rng.normal(scale=0.1, size=(size, size))
    traits = dict.fromkeys(TRAITS, 0.0) | {"layers": 10.0, "group": 1.0, "cache_tokens": 1e6}
    law = AtLoad(
        traits | {"dense_s": 1e-3, "index_tokens": np.inf},
        rng.normal(size=len(PARTS)),
        rng.normal(size=2),
        root @ root.T,
        0.1,
        3,
        everywhere(),
    )
    wide = replace(law, traits=law.traits | {"several": 1.0, "group": 2.0})
    engines = {"SGLang": 1.0, "vLLM": 0.0}
    ways = [
        Share(1.0, 1.0, replace(each, traits=each.traits | {"overlapped": plans}), "B200 FP4", name)
        for name, plans in engines.items()
        for each in (law, wide)
    ]
    pools = content.Pools()
    of = pools.add([pooled(Pooled.of(ways))])["a"]
    pools.finish()
    hides, known = pools.known
    assert [law[0] for law in of["laws"]] == [0, 0, 1, 1] and len(pools.layouts) == 2
    present, factors, slopes, scatter, covariance, plans = known
    assert (hides[-1], plans) == (1.0, 0.0)
    parts = pools.parts[present]
    names = [list(PARTS)[part] for part in parts]
    assert {"weights", "step", "step_reduction", "token"} <= set(names)
    assert "experts" not in names and "weights_4bit" not in names
    kept = [*parts, size - 2, size - 1]
    upper = (root @ root.T)[np.ix_(kept, kept)][np.triu_indices(len(kept))]
    assert counted("covariance", covariance) == pytest.approx(upper, abs=1e-7)
    assert counted("factors", factors) == pytest.approx(law.log_factors[parts], abs=1e-8)
    assert (slopes, scatter) == (law.slopes.tolist(), law.scatter)
    place = list(TRAITS).index("index_tokens")
    assert pools.trait_values[place][pools.layouts[0][place]] is None


def test_idle_nodes_draw_less_than_serving_ones_and_more_than_their_hosts():
    pools = {"a": {"ways": [["B200 FP4"], ["H200-SXM-141GB FP8"]]}}
    found = content.idle_content(pools, hardware_tables(("gpus", "nodes", "wall_power")))
    power = read("data/node_power.csv", "node_power").set_index("gpu")["power_kw"]
    assert list(found) == ["B200 FP4", "H200-SXM-141GB FP8"]
    of = found["B200 FP4"]
    assert 0 < of["host"] < of["idle"] < power["B200"]
    assert content.idle_content({}, None) == {}


def test_the_page_computes_every_part_of_the_law_with_load():
    script = (ROOT / "workflow/templates/explorer/engine.js").read_text(encoding="utf-8")
    charts = (ROOT / "workflow/templates/explorer/charts.js").read_text(encoding="utf-8")
    causes = script.partition("const CAUSES = {")[2].partition("};")[0]
    named = dict(re.findall(r'(\w+): "([^"]+)"', causes))
    assert list(named) == list(PARTS)
    for trait in TRAITS:
        assert f"t.{trait}" in script
    for cause in set(named.values()):
        assert f'"{cause}": "#' in charts


def test_rows_behind_a_law_are_ranges_of_lines(paper):
    table = read(PAPER_TABLE, "throughput")
    nodes, served = read("data/node_power.csv", "node_power"), fit_suitable(METHOD, table)
    for each in configurations(METHOD, table, {}, nodes, table[:0], served):
        ranges = content.rows_behind(each.rows, {PAPER_TABLE: content.lines_of_rows(table)})
        lines = np.concatenate([np.arange(low, high + 1) for _, low, high in ranges])
        assert sorted(lines - 2) == sorted(each.rows.index)


@pytest.mark.parametrize(
    ("section", "given"),
    [
        ({"distribution": "fixed", "value": 2}, {"p5": 2, "p95": 2}),
        ({"distribution": "log-normal", "p5": 1, "p95": 2}, {"p5": 1, "p95": 2}),
    ],
)
def test_a_factor_is_its_range(section, given):
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
    found = content.utilisation_content({"distribution": "by-load"}, built, 1.645)
    again = LogNormal.from_percentiles(found["p5"], found["p95"], 1.645)
    assert (again.mu, again.sigma) == pytest.approx((built.mu, built.sigma), rel=1e-12)
    stated = {"distribution": "fixed", "value": 0.7}
    assert content.utilisation_content(stated, built, 1.645) == {"p5": 0.7, "p95": 0.7}


def test_a_utilisation_that_follows_the_throughput_is_its_terms():
    terms = {"intercept": 1, "slope": 2}
    section = {"distribution": "coupled"} | terms
    assert content.utilisation_content(section, Coupling(**terms), 1.645) == terms


def test_the_page_names_the_models_of_which_nothing_was_measured():
    table = pd.DataFrame({"model": ["a", "a", "b", "c"], "tier": ["A", "B", "C", "C"]})
    assert content.serving_content(content.Pools(), table)["unmeasured"] == ["b", "c"]


def test_the_page_has_the_context_of_every_model_that_states_one():
    models = read("data/models.csv", "models")
    model = models["model"][models["context_tokens"].notna()].iloc[0]
    law = Peak(100.0, 2, everywhere(), 0.1)
    offered = [
        Configuration(name, "H100", "FP8", np.nan, law, 10.2, pd.DataFrame())
        for name in (model, "nobody's")
    ]
    context = models.set_index("model").loc[model, "context_tokens"]
    known = content.context_content({"mine": offered}, models)
    assert known == {"times": 4.0, "longest": {model: context}}
