"""Validate ro-crate-metadata.json against the profiles that it claims, without a network.

Run by ``make check-crate`` in .venv-crate. The validator brings the profiles, but asks the web for
the vocabulary of RO-Crate 1.1; here it gets the one that ``rocrate`` brings, whose terms of
workflows have moved since to ``TERMS``.
"""

import sys
from importlib.resources import files
from unittest.mock import patch

import requests
import requests_cache
from rocrate_validator import models, services

VOCABULARY = "https://w3id.org/ro/crate/1.1/context"
TERMS, TERMS_THEN = b"https://bioschemas.org/terms/", b"https://bioschemas.org/"
PROFILES = ("ro-crate-1.1", "process-run-crate-0.5", "workflow-run-crate-0.5")


def answer(_session, _method, url, **_options):
    """Answer from what is installed; nothing else is there."""
    found = requests.Response()
    found.url, found.status_code = url, 404
    if url.startswith(VOCABULARY):
        vocabulary = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        found.status_code, found._content = 200, vocabulary.replace(TERMS, TERMS_THEN)
        found.headers["Content-Type"] = "application/ld+json"
    return found


def problems(root, profile):
    """What a crate lacks that a profile requires."""
    settings = services.ValidationSettings(
        rocrate_uri=models.URI(root),
        profile_identifier=profile,
        requirement_severity=models.Severity.REQUIRED,
    )
    return [f"{profile}: {issue.message}" for issue in services.validate(settings).get_issues()]


if __name__ == "__main__":
    with (
        patch.object(requests.Session, "request", answer),
        patch.object(requests_cache.CachedSession, "request", answer),
    ):
        found = [line for profile in PROFILES for line in problems(sys.argv[1], profile)]
    sys.exit("\n".join(found) or 0)
