"""Pages lead to places that are there, name files that are there, and are short enough to read."""

import re
from html import unescape

import pytest
from repository import ROOT, files_of

FILES = files_of(ROOT)
PAGES = [
    name for name in FILES if name.endswith(".md") and not name.startswith(("tests/", ".github/"))
]
REFERENCES = {"results/README.md", "config/README.md"}
"""Pages in which a reader looks something up, from a table of contents."""

TABLES = {"results/validation/peers_each.md"}
"""Pages most of which are the same table for other parts of the runs."""

EXAMPLES = {"config/methods/mine.yaml", "config/deployments/mine.yaml", "results/run.json"}
"""Names of files that a reader would have."""

GENERATED = [
    name
    for name in PAGES
    if name.startswith("results/") or "ritten by the workflow" in (ROOT / name).read_text()[:400]
]
LONGEST = 1800
"""Words of a page that is read as a whole, those of its tables included."""

NAMED = re.compile(
    r"(?<![\w/.<>*-])((?:benchmarks|config|data|docs|envs|figures|results|tests|workflow)/[\w./-]+\w)"
    r"(?![\w/<>*{(-])"
)


def text_of(name):
    """A page without its code blocks."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(name):
    """Anchors of a page's headings, as forges make them."""
    found = {}
    for heading in re.findall(r"^#+ (.*)$", text_of(name), re.MULTILINE):
        anchor = slug(heading)
        found[anchor if anchor not in found else f"{anchor}-1"] = heading
    return found


def slug(heading):
    """Anchor of a heading."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", unescape(heading)).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def broken(name):
    """Links of a page that lead nowhere."""
    folder, found = (ROOT / name).parent, []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (folder / path).resolve() if path else ROOT / name
        if not target.exists():
            found.append(link)
        elif anchor and target.suffix == ".md":
            found += [link] if anchor not in anchors(target.relative_to(ROOT).as_posix()) else []
    return found


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_places_that_are_there(name):
    assert broken(name) == []


def test_a_link_that_leads_nowhere_is_found(monkeypatch):
    text = "# One two\n\n[a](no.md) [b](#one-two) [c](#three) [d](README.md#none) [e](https://x.y)"
    monkeypatch.setitem(globals(), "text_of", lambda name: text)
    assert broken("README.md") == ["no.md", "#three", "README.md#none"]


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"CHANGELOG.md"}))
def test_files_that_a_page_names_are_there(name):
    known = set(FILES) | {folder for file in FILES for folder in parents(file)}
    named = {path.rstrip("/") for path in NAMED.findall(text_of(name))}
    assert sorted(path for path in named - EXAMPLES if path not in known) == []


def parents(file):
    """Folders that a file is in."""
    parts = file.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def words(name):
    """Number of words of a page; the alternative text of its figures is not read."""
    text = re.sub(r"!\[.*?\]\([^)]*\)", "", (ROOT / name).read_text(encoding="utf-8"))
    return len(re.findall(r"[A-Za-z0-9][^\s|]*", re.sub(r"\]\([^)]*\)", "]", text)))


@pytest.mark.parametrize("name", sorted(set(GENERATED) - REFERENCES - TABLES))
def test_a_generated_page_is_short_enough_to_read(name):
    assert words(name) <= LONGEST


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_reference_begins_with_a_table_of_contents(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    linked = re.findall(r"\]\(#([^)]+)\)", text.partition("\n## ")[0])
    sections = [slug(heading) for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)]
    assert linked == sections
