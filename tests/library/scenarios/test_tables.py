"""Energies follow Eq. 1 along every input."""

from dataclasses import replace

import pytest
from inference_energy.documents import read as read_document
from inference_energy.documents import schema_problems
from inference_energy.errors import InputError
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.setup import Coupling
from inference_energy.scenarios import tables
from inference_energy.tables import read_table, write_table
from repository import ROOT, read, read_schema


class Shared(Peak):
    """A node that gives every one of its requests as much as one alone."""

    knows_load = True

    def at(self, concurrency, requests=None):
        return self.scaled(concurrency)


def value(table, **where):
    """The one value of a table's rows that are named."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    (found,) = table["value"]
    return found


def test_twice_the_output_takes_twice_the_energy_and_carbon(flat, settings, facility):
    table = tables.tasks({"flat": flat}, settings, facility)
    for statistic in ("p5", "p50", "p95", "mean", "Germany"):
        short, long = (value(table, task=task, statistic=statistic) for task in ("short", "long"))
        assert long == pytest.approx(2 * short)
    grams = value(table, task="short", statistic="Germany")
    intensity = facility.set_index("fact")["value"]["ember-germany-2023"]
    wh = value(table, task="short", statistic="p50")
    assert grams == pytest.approx(wh * intensity / 1000)


def test_energy_is_proportional_to_every_factor_of_a_map(flat, settings):
    table = tables.maps({"flat": flat}, settings)
    medians = table[table["statistic"] == "p50"].set_index(["map", "x"])
    field = medians.loc["field"].reset_index().pivot_table("value", "y", "x")
    assert field.loc[300, 2.0] == pytest.approx(2 * field.loc[300, 1.0])
    assert field.loc[600, 1.0] == pytest.approx(2 * field.loc[300, 1.0])
    line = medians.loc["line", "value"]
    assert line[20.0] == pytest.approx(2 * line[10.0])


def test_a_known_factor_leaves_the_spread_of_the_others(flat):
    energy = {
        name: tables.statistics(
            setup, tables.members(flat), {"input_tokens": 9, "output_tokens": 9}
        )
        for name, setup in {"all": flat, "known": tables.changed(flat, {"pue": 1.2})}.items()
    }
    spread = {name: of["p95"] / of["p5"] for name, of in energy.items()}
    assert 1 < spread["known"] < spread["all"]


def test_a_utilisation_that_the_throughput_gives_cannot_be_stated(flat):
    coupled = replace(flat, power_utilisation=Coupling(0.24, 0.56))
    with pytest.raises(InputError, match="allowed are the other inputs"):
        tables.changed(coupled, {"power_utilisation": 0.5})


def test_an_unknown_grid_is_told(flat, settings, facility):
    with pytest.raises(InputError, match="atlantis"):
        tables.tasks({"flat": flat}, settings | {"grids": ["atlantis"]}, facility)


def test_a_grid_of_ones_own_is_a_line_of_configuration(flat, settings, facility):
    own = {"name": "Spain 2024", "value": 120.0, "unit": "g/kWh", "source": "assumption"}
    table = tables.tasks({"flat": flat}, settings | {"own_grids": [own]}, facility)
    wh = value(table, task="short", statistic="p50")
    assert value(table, task="short", statistic="Spain 2024") == pytest.approx(0.12 * wh)
    for name in ("Germany", "p50"):
        with pytest.raises(InputError, match=f"value {name}: .* rename it"):
            tables.grids(settings | {"own_grids": [own | {"name": name}]}, facility)
    alone = {key: of for key, of in settings.items() if key != "grids"} | {"own_grids": [own]}
    assert tables.grids(alone, facility) == {"Spain 2024": 120.0}


@pytest.mark.parametrize(("value", "is_wrong"), [(0.367, True), (0, False), (367, False)])
def test_kilograms_of_a_grid_that_are_typed_for_grams_are_refused(value, is_wrong):
    own = {"name": "Spain 2024", "value": value, "unit": "g/kWh", "source": "assumption"}
    content = read_document(ROOT / "config/scenarios.yaml") | {"own_grids": [own]}
    told = schema_problems(content, read_schema("scenarios"), "scenarios")
    assert [problem for problem in told if "value 0.367: allowed" not in problem] == []
    assert bool(told) is is_wrong


def test_load_is_an_input_where_the_law_knows_it(flat, settings):
    by_load = {"name": "load", "input_tokens": 500, "output_tokens": 300}
    by_load["x"] = {"input": "load", "values": [1.0, 4.0]}
    of = settings | {"maps": [by_load]}
    loaded = replace(flat, models=tuple(replace(m, law=Shared(100.0, 1)) for m in flat.models))
    table = tables.maps({"flat": flat, "loaded": loaded}, of)
    assert set(table["method"]) == {"loaded"}
    alone, four = (value(table, x=x, statistic="p50") for x in (1.0, 4.0))
    assert alone == pytest.approx(4 * four)
    with pytest.raises(InputError, match="value load: no method has a law that knows load"):
        tables.maps({"flat": flat}, of)


def test_cells_beyond_the_lengths_that_a_law_has_seen_are_told(flat, settings):
    field = settings["maps"][0] | {"y": {"input": "output_tokens", "values": [300, 2000, 2001]}}
    table = tables.maps({"flat": flat}, settings | {"maps": [field]})
    assert set(table.loc[table["extrapolated"] == "yes", "y"]) == {2001}
    assert set(table.loc[table["extrapolated"] == "no", "y"]) == {300, 2000}


def test_loads_beyond_those_that_the_power_of_a_node_is_known_at_are_told(flat, settings):
    """Between 8 and 64 requests; a law that no loads are stated of is asked for any."""
    by_load = {"name": "load", "input_tokens": 500, "output_tokens": 300}
    by_load["x"] = {"input": "load", "values": [4.0, 8.0, 64.0, 65.0]}
    law = Shared(100.0, 1, flat.models[0].law.domain)
    pooled = Pooled.of([Share(1.0, 1.0, law, "node", "engine", load) for load in (8.0, 64.0)])
    methods = {
        name: replace(flat, models=tuple(replace(m, law=of) for m in flat.models))
        for name, of in {"pooled": pooled, "alone": law}.items()
    }
    table = tables.maps(methods, settings | {"maps": [by_load]})
    beyond = table[table["extrapolated"] == "yes"]
    assert set(beyond["method"]) == {"pooled"} and set(beyond["x"]) == {4.0, 65.0}


def test_tables_fit_their_schemas(flat, settings, facility, tmp_path):
    made = {
        "tasks": tables.tasks({"flat": flat}, settings, facility),
        "maps": tables.maps({"flat": flat}, settings),
    }
    for name, table in made.items():
        write_table(table, tmp_path / f"{name}.csv", f"scenarios_{name}")
        assert len(read_table(tmp_path / f"{name}.csv", f"scenarios_{name}")) == len(table)


def test_the_settings_that_come_with_the_project_fit_their_schema():
    content = read_document(ROOT / "config" / "scenarios.yaml")
    assert schema_problems(content, read_schema("scenarios"), "config/scenarios.yaml") == []
    broken = content | {"maps": [content["maps"][0] | {"x": {"input": "pues", "values": [1, 2]}}]}
    assert schema_problems(broken, read_schema("scenarios"), "config/scenarios.yaml")


@pytest.mark.parametrize(("value", "bound"), [(1e-300, "at least 1"), (100001, "at most 100000")])
def test_loads_that_no_node_serves_at_are_refused(value, bound):
    content = read_document(ROOT / "config" / "scenarios.yaml")
    of_load = content["maps"][0] | {"x": {"input": "load", "values": [value, 8]}}
    (problem,) = schema_problems(
        content | {"maps": [of_load]}, read_schema("scenarios"), "config/scenarios.yaml"
    )
    assert f"x.values.0: value {value}" in problem and bound in problem
    assert "the cache of a node holds some thousands of requests at once" in problem


def test_a_query_that_no_model_can_hold_is_told_or_refused(flat, settings):
    models = read("data/models.csv", "models")
    model = replace(flat.models[0], name="Llama 2 7B")
    setups = {"flat": replace(flat, models=(model,))}
    assert tables.over_context(setups, settings, models) == []
    settings["tasks"][1]["input_tokens"] = 4000
    (told,) = tables.over_context(setups, settings, models)
    assert "key tasks: name long: value 4600: unusual; " in told and "4096 tokens" in told
    settings["tasks"][1]["input_tokens"] = 40000
    settings["maps"][0]["y"]["values"] = [300, 60000]
    with pytest.raises(InputError) as error:
        tables.over_context(setups, settings, models)
    task, field = error.value.problems
    assert "key tasks: name long: value 40600: input and output are 9.91 times" in task
    assert "key maps: name field: value 60500" in field and "allowed is at most 4 times" in field
