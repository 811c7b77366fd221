"""No source is shown as if it stated a value that it did not state."""

import re

import pytest
from inference_energy import documents
from inference_energy.method.differences import differing, quantities
from inference_energy.method.files import lineage, merge, resolve
from inference_energy.method.provenance import (
    as_stated,
    on_one_line,
    stated_alone,
    with_copied_sources,
    with_marks_of,
    with_true_sources,
)
from inference_energy.method.wording import quantity_text
from repository import METHOD_FILES, METHODS

PAPER = METHODS["oviedo2026"]
BY_PAPER = PAPER["node_power"]["default"]["source"]
BLEND = PAPER["blend"]["source"]


def power(value, source=BY_PAPER, states=None):
    """The paper's method with another node power."""
    quantity = {"value": value, "unit": "kW", "source": source}
    quantity |= {"source_states": states} if states else {}
    return merge(PAPER, {"node_power": {"default": quantity}})


HERE = {"here": {}}
"""A file that states nothing."""


def sources_after(method, before):
    """Source of the node power, what it states if that is said, and the warnings."""
    marked, told = with_true_sources(method, before, {"config/methods/oviedo2026.yaml": PAPER})
    power = marked["node_power"]["default"]
    return power["source"], power.get("source_states"), [text for _, text in told]


def test_nothing_is_said_of_what_was_not_changed():
    for method in METHODS.values():
        assert with_true_sources(method, method, HERE) == (method, [])


def test_a_source_that_was_left_beside_another_value_says_which_it_states():
    *source, (warning,) = sources_after(power(10.14), PAPER)
    assert source == [BY_PAPER, "10.2 kW"]
    assert warning == (
        "config/methods/oviedo2026.yaml: key node_power.default: value 10.14 kW: its source states"
        " 10.2 kW; say who states the new value, or source: assumption"
    )


@pytest.mark.parametrize(("now", "said"), [(10.14, "10.2 kW"), (9.0, "10.2 kW"), (10.2, None)])
def test_it_is_said_until_the_value_is_the_stated_one_again(now, said):
    """The method as committed says it of 10.14 kW."""
    before = power(10.14, states="10.2 kW")
    assert sources_after(power(now), before)[:2] == (BY_PAPER, said)
    assert not differing(before, power(10.14))


@pytest.mark.parametrize("source", ["assumption", "a datasheet"])
def test_a_source_of_its_own_is_shown_as_it_is(source):
    for before in (PAPER, power(10.14, states="10.2 kW")):
        assert sources_after(power(10.14, source), before) == (source, None, [])


def test_a_change_of_one_key_of_a_section_marks_its_source():
    method = merge(PAPER, {"blend": {"models": 2}})
    marked, ((file, warning),) = with_true_sources(method, PAPER, HERE)
    assert file == "here"
    assert marked["blend"]["source_states"] == "models 3"
    assert "key blend: value models 2: its source states models 3; say" in warning
    again, ((_, warning),) = with_true_sources(method, marked, HERE)
    assert again == marked
    assert "key blend: value as committed: its source states models 3; say" in warning
    assert with_true_sources(PAPER, marked, HERE) == (PAPER, [])


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"node_power": {"models": {}}}, "parent"),
        ({"node_power": {"default": {"value": 10.14}}}, "child"),
        ({"node_power": None}, "parent"),
        ({}, "parent"),
    ],
)
def test_the_file_is_named_that_states_the_value(own, named):
    files = {"child": own, "parent": power(10.14)}
    _, ((file, text),) = with_true_sources(power(10.14), PAPER, files)
    assert file == named
    assert text.startswith(f"{named}: key node_power.default: value 10.14 kW")


def test_what_a_method_inherits_is_held_against_the_parent_it_did_not_exist_beside():
    child = {"pue": {"value": 1.2, "unit": "1", "source": PAPER["pue"]["source"]}}
    files = {"child": child, "parent": power(10.14)}
    marked, ((file, _),) = with_true_sources(merge(power(10.14), child), PAPER, files, new=1)
    assert file == "parent"
    assert marked["node_power"]["default"]["source_states"] == "10.2 kW"
    # its own words are nobody's change: whose source they have, with_copied_sources says
    assert marked["pue"] == merge(PAPER, child)["pue"]


def copying(*drafts):
    """Marked method and warnings of drafts of the paper's method, each of the one before."""
    names = ["oviedo2026", *(f"draft{i}" for i in range(len(drafts)))]
    files = METHOD_FILES | {
        name: {"extends": parent} | draft
        for parent, name, draft in zip(names, names[1:], drafts, strict=False)
    }
    above, marked, told = {}, {}, []
    for i, name in enumerate(names):
        own = {each: files[each] for each in reversed(names[: i + 1])}
        marked, told = with_copied_sources(resolve(name, files), above, own)
        above = {name: marked} | above
    return marked, told


def node(value, source=BY_PAPER):
    """A draft of another node power."""
    return {"node_power": {"default": {"value": value, "unit": "kW", "source": source}}}


def test_a_source_that_a_draft_copied_beside_another_value_says_which_it_states():
    marked, ((file, warning),) = copying(node(9))
    assert marked["node_power"]["default"]["source_states"] == "10.2 kW"
    assert file == "draft0"
    assert warning == (
        "draft0: key node_power.default: value 9 kW: its source states 10.2 kW; say who states the"
        " new value, or source: assumption"
    )
    marked, ((_, warning),) = copying({"blend": {"models": 4, "source": PAPER["blend"]["source"]}})
    assert marked["blend"]["source_states"] == "models 3"
    assert "key blend: value models 4: its source states models 3; say" in warning


DRAWN = [path for path, quantity in quantities(PAPER) if "value" in quantity or "p5" in quantity]


@pytest.mark.parametrize("path", DRAWN, ids=".".join)
def test_a_copied_source_is_told_wherever_a_source_can_stand(path):
    draft = dict(quantities(PAPER))[path]
    key = "value" if "value" in draft else "p95"
    draft = draft | {key: 30 if draft[key] is None else draft[key] * 1.01}
    for name in reversed(path):
        draft = {name: draft}
    marked, told = copying(draft)
    assert "source_states" in dict(quantities(marked))[path]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("drafts", "said"),
    [
        # two spellings of one source
        ([node(9, f" {BY_PAPER.replace(' ', '  ').upper()}")], "10.2 kW"),
        # the draft's own source, of a draft of it
        ([node(9, "a datasheet"), node(9.5, "a datasheet")], "9 kW"),
        # what a parent has copied is nobody's value
        ([node(9), node(9.5)], "10.2 kW"),
        ([node(9), node(10.2)], None),
        # inherited as it is
        ([node(9), {}], "10.2 kW"),
        # the source of a value further up, which it states again
        ([node(9, "a datasheet"), node(10.2)], None),
        ([node(9, "a datasheet"), node(9.5)], "10.2 kW"),
        ([node(9, "assumption"), node(9.5, "assumption")], None),
        ([node(9, "assumption"), node(9.5, "Assumption")], None),
        ([node(9, "unchanged")], None),
        ([node(10.2)], None),
    ],
)
def test_a_source_that_states_the_value_or_is_another_is_left_alone(drafts, said):
    marked, told = copying(*drafts)
    assert marked["node_power"]["default"].get("source_states") == said
    assert len(told) == (said is not None)


def blended(source="assumption", **keys):
    """A draft of another blend."""
    return {"blend": keys | {"source": source}}


@pytest.mark.parametrize(
    ("drafts", "said"),
    [
        # both drafts say that it is an assumption
        ([blended(models=2), blended(models=4)], None),
        ([blended("Assumption", models=2), blended("Assumption", models=4)], None),
        ([blended(models=2), blended(models=4), blended(models=5)], None),
        # the source of the other keys, copied beside another of them
        ([blended(models=2), blended(BLEND, shares="coverage")], "shares equal"),
        ([blended(models=2), blended("mine", models=4)], None),
        ([blended("mine", models=2), blended("mine", models=4)], "models 2"),
    ],
)
def test_an_assumption_about_a_part_of_a_group_has_no_source_to_leave(drafts, said):
    marked, told = copying(*drafts)
    assert marked["blend"].get("source_states") == said
    assert len(told) == (said is not None)


def test_of_an_edited_group_only_what_an_assumption_does_not_state_is_marked():
    draft = {"extends": "oviedo2026"} | blended(models=2)
    before = resolve("mine", METHOD_FILES | {"mine": draft})
    edited = resolve("mine", METHOD_FILES | {"mine": draft | blended(models=4)})
    assert with_true_sources(edited, before, {"mine": draft}) == (edited, [])
    both = merge(edited, {"blend": {"shares": "coverage"}})
    marked, _ = with_true_sources(both, before, {"mine": draft})
    assert marked["blend"]["source_states"] == "shares equal"
    # what a draft of it inherits of both
    child = {"extends": "mine"} | blended("mine", trim=[])
    stated = METHOD_FILES | {"mine": draft | {"blend": both["blend"]}, "child": child}
    method = resolve("child", stated)
    own = with_marks_of(marked, before, method, child)
    assert own["blend"]["source_states"] == "shares equal"


def test_the_projects_methods_copy_no_source():
    for name in METHODS:
        line = lineage(name, METHOD_FILES)
        above = {each: METHODS[each] for each in line[1:]}
        own = {each: METHOD_FILES[each] for each in line}
        assert with_copied_sources(METHODS[name], above, own) == (METHODS[name], [])


def test_what_the_run_says_of_a_method_is_no_part_of_it():
    marked, _ = copying(node(9))
    plain = resolve("mine", METHOD_FILES | {"mine": {"extends": "oviedo2026"} | node(9)})
    assert as_stated(marked | {"warnings": ["unusual"]}) == plain | {
        "id": "draft0",
        "title": "draft0",
    }


def test_a_quantity_that_the_method_did_not_have_before_has_the_source_that_it_states():
    after = {"pue": {"value": 1.2, "source": "one"}}
    assert with_true_sources(after, {}, HERE) == (after, [])


@pytest.mark.parametrize("name", METHOD_FILES)
def test_no_source_of_a_group_tells_a_value_that_a_draft_may_change_alone(name):
    """Of a group a draft may state one key: the source of the others would tell the old one."""
    numerals = {"one", "two", "three", "four", "five", "once", "twice", "thrice", "none", "every"}
    for path, quantity in quantities(METHOD_FILES[name]):
        if {"value", "distribution", "factors"} & quantity.keys():
            continue
        # a law is replaced whole where its name is
        others = ("source", "unit", "name")
        stated = {key: value for key, value in quantity.items() if key not in others}
        values = set(re.findall(r"[\w./]+", str([*stated.values()]) if len(stated) > 1 else ""))
        told = set(re.findall(r"[\w.]+", quantity.get("source", "")))
        assert not told & (numerals | values), (path, told & (numerals | values))
        assert not any(word.startswith("trim") for word in told)


def test_a_draft_shows_no_text_of_the_value_that_it_changed():
    draft = {"extends": "oviedo2026", "blend": {"models": 4, "source": "assumption"}}
    source = resolve("mine", METHOD_FILES | {"mine": draft})["blend"]["source"]
    assert source == "assumption (models); arXiv:2509.20241v2, released code (trim, shares)"


def test_what_a_file_states_is_told_apart_from_what_it_inherits():
    own = METHOD_FILES["oviedo2025"]
    alone = stated_alone(METHODS["oviedo2025"], own)
    assert alone == {key: value for key, value in own.items() if key != "extends"}
    # of a group whose keys two files state, all keys and sources
    draft = {"extends": "oviedo2026", "blend": {"models": 4, "source": "mine"}}
    method = resolve("mine", METHOD_FILES | {"mine": draft})
    assert stated_alone(method, draft) == {"blend": method["blend"]}
    assert stated_alone(PAPER, METHOD_FILES["oviedo2026"]) == PAPER
    draft = {"regimes": {"long": {"input_tokens": PAPER["regimes"]["long"]["input_tokens"]}}}
    assert stated_alone(PAPER, draft) == draft
    # what a file removes is there as null, of a group with a source beside what is left
    gone = {
        "serving": None,
        "node_power": {"models": None},
        "benchmarks": {"models": None, "source": "me"},
    }
    draft = {"extends": "revised"} | gone
    method = resolve("mine", METHOD_FILES | {"mine": draft})
    assert stated_alone(method, draft) == {
        "node_power": {"models": None},
        "benchmarks": method["benchmarks"] | {"models": None},
        "serving": None,
    }


OWN = {"blend": {"models": 5, "source": "mine"}}


@pytest.mark.parametrize(
    ("own", "source", "said"),
    [
        # what is inherited beside keys of an own source has the parent's, as it was left
        (OWN, f"mine (models); {BLEND} (ranked_by, trim, shares)", "ranked by median"),
        # an own source states it
        ({"blend": OWN["blend"] | {"ranked_by": "parameters"}}, "mine (models, ranked_by)", None),
        # the parent's source states what else is inherited
        ({"blend": OWN["blend"] | {"ranked_by": "median"}}, "mine (models, ranked_by)", None),
    ],
)
def test_a_key_that_is_inherited_into_a_group_says_what_the_parents_source_states(
    own, source, said
):
    edited = merge(PAPER, {"blend": {"ranked_by": "parameters"}})
    files = {"parent": edited, "mine": {"extends": "parent"} | own}
    method = resolve("mine", files)
    parent, _ = with_true_sources(edited, PAPER, {"parent": edited})
    marked = with_marks_of(parent, PAPER, method, files["mine"])
    assert marked["blend"]["source"].startswith(source.split(";")[0])
    assert marked["blend"].get("source_states") == said
    again = with_marks_of(parent, parent, marked, files["mine"])
    assert again == marked


@pytest.mark.parametrize(
    ("parent", "before"),
    [
        # the method alone has the quantity
        ({}, {}),
        # the parent had it with another source, or not at all
        ({"value": 1.2, "source": "one", "source_states": "1.1"}, {}),
        ({"value": 1.2, "source": "one", "source_states": "1.1"}, {"value": 1.1, "source": "two"}),
        # nobody left a source beside another value
        ({"value": 1.2, "source": "one"}, {"value": 1.1, "source": "one"}),
    ],
)
def test_nothing_is_said_of_a_source_that_the_parent_did_not_leave(parent, before):
    method = {"pue": {"value": 1.2, "source": "mine"}}
    above, earlier = ({"pue": group} if group else {} for group in (parent, before))
    assert with_marks_of(above, earlier, method, {}) == method


def test_a_range_is_written_in_the_digits_that_tell_it_from_the_other():
    old, new = ({"distribution": "log-normal", "p5": 1.05, "p95": p} for p in (1.6, 1.601))
    assert (quantity_text(old, new), quantity_text(new, old)) == ("1.05-1.600", "1.05-1.601")
    assert quantity_text(old, {}) == "1.05-1.60"


@pytest.mark.parametrize("name", METHODS)
def test_a_quantity_is_a_line_with_its_source_and_is_read_as_it_was(name):
    text = documents.dump(on_one_line(METHODS[name]), sort_keys=False, width=float("inf"))
    assert documents.parse(text, name) == METHODS[name]
    lines = text.splitlines()
    assert [line for line in lines if line.strip().startswith(("source:", "value:", "p5:"))] == []
    (pue,) = (line for line in lines if line.startswith("pue: "))
    assert METHODS[name]["pue"]["source"] in pue
