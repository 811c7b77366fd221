"""Every table in data/ obeys its schema and names a source that data/sources.csv describes."""

import re

import pytest
from inference_energy.tables import load_schema, read_table
from repository import ROOT, read

THROUGHPUT = sorted((ROOT / "data" / "throughput").glob("*.csv"))
RESULTS = {
    "energy_per_query": "energy_per_query",
    "output_tokens": "output_tokens",
    "fleet": "fleet",
    "sensitivity": "sensitivity",
    "throughput": "throughput_results",
}


@pytest.fixture(scope="module")
def sources():
    return read("data/sources.csv", "sources")


@pytest.fixture(scope="module")
def claims():
    return read("data/published/claims.csv", "claims_published")


@pytest.fixture(scope="module")
def references():
    return read("data/published/references.csv", "references")


@pytest.mark.parametrize("path", THROUGHPUT, ids=lambda path: path.stem)
def test_every_throughput_row_names_a_known_source_and_where_in_it(path, sources):
    table = read_table(path, "throughput")
    assert set(table.source_id) <= set(sources.source_id)
    assert table[["locator", "confidence"]].notna().all(axis=None)


def test_every_reference_value_names_a_known_source(references, sources):
    assert set(references.source_id) <= set(sources.source_id)


def test_a_source_without_address_says_so(sources):
    assert sources[sources.url.isna()].note.notna().all()


def test_the_papers_table_has_its_rows_in_order():
    table = read("data/throughput/oviedo.csv", "throughput")
    assert list(table.row) == list(range(1, 26))


def test_vendor_rows_of_the_paper_are_in_the_vendors_table():
    key = ["source_id", "model", "gpu", "tensor_parallel", "precision"]
    key += ["input_tokens", "output_tokens"]
    paper = read("data/throughput/oviedo.csv", "throughput")
    vendor = read("data/throughput/trtllm.csv", "throughput")
    paper = paper[paper.source_id.isin(["trtllm-0.17", "trtllm-0.19"])]
    both = paper.merge(vendor, on=key, suffixes=("", "_vendor"))
    assert len(both) == len(paper) > 0
    assert (both.throughput_tps == both.throughput_tps_vendor).all()


def test_a_range_has_an_upper_end_and_only_a_range(claims):
    within = claims.relation == "within"
    assert (claims.upper.notna() == within).all()
    assert (claims.upper > claims.value)[within].all()


def test_a_claim_is_printed_with_the_decimals_it_states(claims):
    for column in ("value", "upper"):
        printed = claims[claims[column].notna()]
        rounded = [round(x, n) for x, n in zip(printed[column], printed.decimals, strict=True)]
        assert rounded == list(printed[column])


def test_quartiles_enclose_the_median(claims):
    values = claims.set_index(["claim", "version"]).value
    medians = [key for key in values.index if key[0].startswith("median-")]
    assert medians
    for claim, version in medians:
        of = claim.removeprefix("median-")
        assert values[f"p25-{of}", version] < values[claim, version] < values[f"p75-{of}", version]


def test_both_versions_publish_the_headline(claims):
    published = set(zip(claims.claim, claims.version, strict=True))
    for regime in ("traditional", "long"):
        assert {(f"median-{regime}", "v1"), (f"median-{regime}", "v2")} <= published


def test_selectors_name_columns_and_values_that_the_result_tables_allow(claims, references):
    paper = read("data/throughput/oviedo.csv", "throughput")
    subjects = {*paper.model, "frontier blend"}
    for quantity in claims.quantity.dropna():
        for table, keys in re.findall(r"(\w+)\[([^\]]+)\]", quantity):
            if table == "setting":
                continue
            chosen = dict(pair.split("=") for pair in keys.split("; "))
            if table == "reference":
                assert chosen["quantity"] in set(references.quantity)
            elif table == "estimate":
                assert set(chosen) == {"id"}
            else:
                columns = load_schema(RESULTS[table])["properties"]
                assert set(chosen) == set(columns) - {"engine", "value", "unit"}
                for name, value in chosen.items():
                    assert value in columns[name].get("enum", subjects)


def test_the_load_of_an_operator_follows_from_its_own_figures():
    table = read("data/production_load.csv", "production_load")
    value = table[table["derived"] == "no"].set_index("quantity")["value"]
    derived = table[table["derived"] == "yes"].set_index("quantity")["value"]
    per_node = value["output_tokens"] / (value["duration"] * 3600) / value["nodes_mean"]
    speed = (value["output_speed_low"] + value["output_speed_high"]) / 2
    assert derived["throughput_per_node"] == round(per_node, 1)
    assert derived["requests_in_flight_per_node"] == round(per_node / speed, 1)
