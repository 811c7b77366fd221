"""Read the published numbers that claims and findings are held against."""

from inference_energy.tables import read_table


def published_numbers(inputs):
    """Return published numbers by kind, each a dict of id to value.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``claims``, ``estimates`` and ``references``.

    Returns
    -------
    dict of str to dict
        estimate [Wh], reference, and published (id ``version/claim``); published_upper holds the
        upper end of a published range.
    """
    claims = read_table(inputs.claims, "claims_published")
    estimates = read_table(inputs.estimates, "estimates")
    references = read_table(inputs.references, "references")
    names = claims["version"] + "/" + claims["claim"]
    return {
        "estimate": dict(zip(estimates["id"], estimates["value_wh"], strict=True)),
        "reference": dict(zip(references["quantity"], references["value"], strict=True)),
        "published": dict(zip(names, claims["value"], strict=True)),
        "published_upper": dict(zip(names, claims["upper"].fillna(claims["value"]), strict=True)),
    }
