"""Claims are told in words, as the paper makes them."""

from inference_energy.claims.wording import place, words
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
