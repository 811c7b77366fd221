"""Boundaries of water and carbon stay apart, and their parts add where they may."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.method.setup import TRIMMED, UNTRIMMED
from inference_energy.scaling import footprint
from library.scaling.made_up import make_setup

FACILITY = pd.DataFrame(
    [
        ("dry", "on-site water", "A", 0.1, "L/kWh"),
        ("wet", "on-site water", "B", 1.0, "L/kWh"),
        ("wind", "generation water", "C", 1.0, "L/kWh"),
        ("dam", "generation water", "D", 9.0, "L/kWh"),
        ("clean", "grid carbon", "E", 30.0, "g/kWh"),
        ("coal", "grid carbon", "F", 700.0, "g/kWh"),
    ],
    columns=["fact", "quantity", "subject", "value", "unit"],
)
CONFIG = {
    "on_site_water": {"range": ["dry", "wet"], "settings": ["wet"], "unit": "L/kWh"},
    "generation_water": {"range": ["wind", "dam"], "settings": ["dam"], "unit": "L/kWh"},
    "operational_carbon": {"range": ["clean", "coal"], "settings": ["coal"], "unit": "g/kWh"},
}
GOOGLE = {
    "energy": {"value": 0.24, "half_step": 0.005},
    "overhead": {"value": 0.02, "half_step": 0.005},
    "wue": {"fact": "google", "half_step": 0.005},
    "water": {"value": 0.26, "half_step": 0.005},
}
KEYS = ["boundary", "setting", "per", "regime", "subject", "statistic"]


@pytest.fixture(scope="module")
def values():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 4000.0, 4), Peak(900.0, 2))
    return footprint.footprint(setup, CONFIG, FACILITY).set_index(KEYS)["value"]


def query(values, boundary, setting, statistic, subject=TRIMMED):
    return values[boundary, setting, "query", "traditional", subject, statistic]


def test_pue_lies_between_it_and_facility_energy(values):
    setup = make_setup(Peak(900.0, 2))
    ratio = query(values, "facility energy", "range", "mean", UNTRIMMED) / query(
        values, "IT energy", "range", "mean", UNTRIMMED
    )
    assert ratio == pytest.approx(setup.pue.moment(1), rel=1e-9)


@pytest.mark.parametrize("statistic", ["mean", "p5", "p50", "p95"])
def test_a_fixed_intensity_multiplies_the_energy_of_its_own_boundary(values, statistic):
    on_site = query(values, "on-site water", "wet", statistic)
    assert on_site == pytest.approx(1.0 * query(values, "IT energy", "range", statistic))
    generation = query(values, "generation water", "dam", statistic)
    assert generation == pytest.approx(9.0 * query(values, "facility energy", "range", statistic))
    carbon = query(values, "operational carbon", "coal", statistic)
    facility = query(values, "facility energy", "range", statistic)
    assert carbon == pytest.approx(700 * facility / 1000)


def test_only_the_means_of_the_two_waters_are_added(values):
    total = values.xs("total water")
    assert set(total.index.get_level_values("statistic")) == {"mean"}
    for regime in ("traditional", "long"):
        parts = [
            values[boundary, "range", "query", regime, UNTRIMMED, "mean"]
            for boundary in ("on-site water", "generation water")
        ]
        whole = values["total water", "range", "query", regime, UNTRIMMED, "mean"]
        assert whole == pytest.approx(sum(parts), rel=1e-12)


def test_a_day_is_the_mean_query_times_the_queries_and_their_overhead(values):
    day = values["on-site water", "range", "day", "long", UNTRIMMED, "mean"]
    mean = values["on-site water", "range", "query", "long", UNTRIMMED, "mean"]
    # a thousand million mL are a thousand m3
    assert day == pytest.approx(1.2 * mean * 1e9 / 1e6)
    parts = [
        values["on-site water", "range", "day", r, UNTRIMMED, "mean"]
        for r in ("traditional", "long")
    ]
    mixed = values["on-site water", "range", "day", "mixed", UNTRIMMED, "mean"]
    assert mixed == pytest.approx(np.dot([0.9, 0.1], parts))


def test_a_range_gives_wider_percentiles_than_one_value(values):
    def width(setting):
        ends = [query(values, "on-site water", setting, p, UNTRIMMED) for p in ("p5", "p95")]
        return ends[1] / ends[0]

    assert width("range") > width("wet")


def test_unknown_facts_and_wrong_units_are_all_named():
    with pytest.raises(InputError) as caught:
        footprint.facts_by_name(FACILITY, ["wet", "clean", "missing"], "L/kWh")
    assert len(caught.value.problems) == 2


def test_the_published_water_of_a_median_prompt_follows_within_rounding():
    value = {line[2]: line[3] for line in footprint.google_check(GOOGLE, 1.15)}
    assert value["from the rounded figures"] == pytest.approx((0.24 - 0.02) * 1.15)
    assert value["least that rounding allows"] < 0.26 < value["most that rounding allows"]


def test_the_implied_intensity_gives_back_the_published_water(values):
    table = values.reset_index()
    lines = footprint.blog_check({"test": table}, {"upper": 0.067}, FACILITY)
    value = {line[2]: line[3] for line in lines}
    implied = value["WUE that gives the upper end"] * value["IT energy, median"]
    assert implied == pytest.approx(0.067)


@pytest.mark.parametrize(("fact", "value"), [("dry", 0.0), ("dry", 1.0)])
def test_a_range_that_no_log_normal_has_is_refused(fact, value):
    facts = FACILITY.copy()
    facts.loc[facts["fact"] == fact, "value"] = value
    with pytest.raises(InputError, match=r"key on_site_water.range: values .*; allowed are two"):
        footprint.footprint(make_setup(Peak(900.0, 2)), CONFIG, facts)


def test_a_setting_without_water_takes_none():
    none = pd.DataFrame([("none", "on-site water", "G", 0.0, "L/kWh")], columns=FACILITY.columns)
    config = CONFIG | {
        "on_site_water": {"range": ["dry", "wet"], "settings": ["none"], "unit": "L/kWh"}
    }
    made = footprint.footprint(make_setup(Peak(900.0, 2)), config, pd.concat([FACILITY, none]))
    assert (made.loc[made["setting"] == "none", "value"] == 0).all()
