"""Claims are told in words, as the paper makes them."""

import pytest
from inference_energy.claims.wording import parts, place, words
from repository import read


def test_every_claim_is_in_words_and_stands_where_the_paper_makes_it():
    claims = read("data/published/claims.csv", "claims_published")["claim"].unique()
    assert all(words(claim)[0].isupper() for claim in claims)
    assert len({words(claim) for claim in claims}) == len(claims)
    order = sorted(claims, key=place)
    first = ["median-traditional", "p25-traditional", "p75-traditional", "median-long"]
    assert order[:4] == first
    assert order.index("p75-long") < order.index("lever-model-long") < order.index("fleet-mixed")


def test_a_claim_without_words_is_named_and_comes_last():
    assert words("something-new") == "something new"
    assert place("something-new") > place("web-search")


@pytest.mark.parametrize(
    ("claim", "quantity", "subject", "told"),
    [
        ("web-search", "web-search", "", "That fleet over web search"),
        ("median-long", "median", "long", "Median energy; long"),
        (
            "median-llama-3.1-405b-traditional",
            "median",
            "llama-3.1-405b-traditional",
            "Median energy; Llama 3.1 405B, traditional",
        ),
        # what goes on in another way is another quantity
        ("fleet-mixed-improved", "fleet-mixed-improved", "", "Fleet, some long, improved"),
        ("tokens-p25-long", "tokens-p25", "long", "Output tokens, first quartile; long"),
        # a subject, a quantity or a join that is not known leaves the whole without words
        ("median-short", "median-short", "", "median short"),
        ("new-fleet-mixed", "new-fleet-mixed", "", "new fleet mixed"),
        ("median_long", "median_long", "", "median_long"),
        ("long", "long", "", "long"),
    ],
)
def test_a_claims_name_is_a_quantity_and_what_of(claim, quantity, subject, told):
    assert parts(claim) == (quantity, subject)
    assert words(claim) == told


def test_claims_of_one_block_stand_together():
    """Energies subject by subject, all else quantity by quantity; the name decides at last."""
    names = [
        "something-new",
        "overestimate-iea-mixtral",
        "p75-traditional",
        "lever-model-long",
        "p25-long",
        "lever-serving-traditional",
        "median-traditional",
        "median",
        "lever-model-traditional",
        "water-per-query",
        "fleet-mixed",
        "ratio-energy",
        "lever-combined-traditional",
        "web-search",
    ]
    assert sorted(names, key=place) == [
        "median",
        "median-traditional",
        "p75-traditional",
        "p25-long",
        "overestimate-iea-mixtral",
        "ratio-energy",
        "lever-model-traditional",
        "lever-model-long",
        "lever-serving-traditional",
        "lever-combined-traditional",
        "fleet-mixed",
        "web-search",
        "something-new",
        "water-per-query",
    ]
