"""A day in production beside the law."""

import pytest
from inference_energy.evidence import production
from repository import read


@pytest.fixture(scope="module")
def day():
    return read("data/production_load.csv", "production_load")


def test_all_nodes_are_measured_as_the_table_derives_it(day, laws, settings):
    table = production.compare(day, laws, settings["production"])
    of_all = table[table["part"] == "all nodes"]
    derived = day.set_index("quantity")["value"]["throughput_per_node"]
    assert of_all["measured"].to_numpy() == pytest.approx(derived, rel=1e-4)
    assert (table["p5"] < table["predicted"]).all() and (table["predicted"] < table["p95"]).all()


def test_more_cached_input_makes_a_node_faster(day, laws, settings):
    more = day.copy()
    more.loc[more["quantity"] == "cached_input_tokens", "value"] *= 1.5
    base, cached = (
        production.compare(table, laws, settings["production"]).set_index(["layout", "part"])
        for table in (day, more)
    )
    assert (cached["predicted"] > base["predicted"]).xs("all nodes", level="part").all()
