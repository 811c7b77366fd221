"""Methods as files: what is inherited, what is refused and how."""

import re
from copy import deepcopy

import pytest
from inference_energy.errors import InputError
from inference_energy.method.files import (
    LACKING,
    RESERVED,
    check,
    find_methods,
    lineage,
    merge,
    read_methods,
    removed,
    resolve,
    resolve_all,
    source_of,
    sources_apart,
    walk_quantities,
    warnings,
)
from repository import METHOD_FILES, ROOT, read_schema

SCHEMA = read_schema("method")
IDENTITY = {"id", "extends", "title", "kind", "claims"}


def problems_of(files, name="mine"):
    """Problems that a method file causes."""
    with pytest.raises(InputError) as caught:
        check(resolve(name, files), SCHEMA, name)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


@pytest.fixture
def mine(files):
    """The paper's files and one that extends the paper and states what is given."""

    def with_statements(**statements):
        return files | {"mine": {"extends": "oviedo2026"} | statements}

    return with_statements


def test_a_child_states_only_what_differs(mine, files):
    power = {"value": 9.0, "unit": "kW", "source": "measured"}
    resolved = resolve("mine", mine(node_power={"default": power}))
    assert resolved["node_power"]["default"] == power
    parent = files["oviedo2026"]
    assert resolved["node_power"]["models"] == parent["node_power"]["models"]
    assert resolved["pue"] == parent["pue"]
    check(resolved, SCHEMA, "mine")


@pytest.mark.parametrize("law", ["additive", "hierarchical"])
def test_a_law_that_charges_input_refuses_a_second_charge(mine, files, law):
    charge = {"value": 30, "unit": "1", "source": "supplement"}
    stated = {
        "throughput_law": files["revised"]["throughput_law"] | {"name": law},
        "input_charge": {"input_tokens_per_output_token": charge},
    }
    if law == "additive":
        stated["throughput_law"] = files["oviedo2026"]["throughput_law"] | {"name": law}
        stated["throughput_law"]["source"] = "results/validation"
    assert problems_of(mine(**stated)) == [
        "config/methods/mine.yaml: key input_charge.input_tokens_per_output_token: value 30: the"
        f" input would be charged twice, as throughput_law {law} holds its node time; allowed is"
        " null with this law; leave the charge to the law (value: null) or name one of log-linear,"
        " peak"
    ]
    charge["value"] = None
    check(resolve("mine", mine(**stated)), SCHEMA, "mine")


def test_a_fallback_that_charges_input_refuses_a_second_charge(mine, files):
    charge = {"value": 30, "unit": "1", "source": "supplement"}
    law = files["oviedo2026"]["throughput_law"] | {"fallback": "additive", "source": "a test"}
    law |= {"minimum_rows": 4, "fallback_minimum_rows": 3}
    stated = {
        "throughput_law": law,
        "input_charge": {"input_tokens_per_output_token": charge},
    }
    (problem,) = problems_of(mine(**stated))
    assert "value 30: the input would be charged twice" in problem
    assert "throughput_law.fallback additive" in problem and "log-linear, peak" in problem
    charge["value"] = None
    check(resolve("mine", mine(**stated)), SCHEMA, "mine")


def test_a_quantity_is_replaced_whole(mine):
    stated = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "meter"}
    assert resolve("mine", mine(pue=stated))["pue"] == stated


def test_half_a_quantity_does_not_take_its_other_half_from_the_parent(mine):
    files = mine(pue={"distribution": "log-normal", "p5": 1.1, "unit": "1", "source": "meter"})
    (problem,) = problems_of(files)
    assert "key pue" in problem
    assert "p95" in problem


@pytest.mark.parametrize(
    "changed",
    [
        {"node_power": {"default": {"value": 9.0, "unit": "kW"}}},
        {"pue": {"p5": 1.1}},
        {"benchmarks": {"exclude_sources": ["llama-nemotron-fig4"]}},
        {"monte_carlo": {"seed": 7}},
        {"throughput_law": {"error": "included"}},
    ],
)
def test_a_change_without_a_source_does_not_take_the_parents(mine, changed):
    (problem,) = [p for p in problems_of(mine(**changed)) if "missing key" in p]
    assert problem.startswith(f"config/methods/mine.yaml: key {next(iter(changed))}")
    assert "source" in problem.partition("; allowed")[0]


def test_a_draft_may_assume_and_a_source_may_hold_for_the_new_value_too(mine, files):
    parent = files["oviedo2026"]["monte_carlo"]
    power = {"value": 9.0, "unit": "kW", "source": "assumption"}
    assert resolve("mine", mine(node_power={"default": power}))["node_power"]["default"] == power
    seed = resolve("mine", mine(monte_carlo={"seed": 7, "source": "assumption"}))["monte_carlo"]
    others = ", ".join(key for key in parent if key not in ("seed", "source"))
    source = f"assumption (seed); {parent['source']} ({others})"
    assert seed == parent | {"seed": 7, "source": source}
    same = resolve("mine", mine(monte_carlo={"seed": 7, "source": "unchanged"}))["monte_carlo"]
    unchanged = f"stated to be unchanged: {parent['source']}"
    assert same == parent | {"seed": 7, "source": unchanged}
    # of a draft of a draft once
    above = mine(monte_carlo={"seed": 7, "source": "unchanged"})
    power = {"default": {"value": 9.0, "unit": "kW", "source": "unchanged"}}
    above["mine"]["node_power"] = power
    further = {"seed": 8, "source": "unchanged"}
    own = {"extends": "mine", "monte_carlo": further, "node_power": power}
    again = resolve("again", above | {"again": own})
    assert again["monte_carlo"] == parent | {"seed": 8, "source": unchanged}
    by_paper = files["oviedo2026"]["node_power"]["default"]["source"]
    assert again["node_power"]["default"]["source"] == f"stated to be unchanged: {by_paper}"


def test_what_is_new_has_no_source_to_leave_unchanged(mine):
    new = {"value": 14.1, "unit": "kW", "source": "unchanged"}
    files = mine(node_power={"models": {"Nemotron-Ultra-253B": new}})
    (problem,) = problems_of(files)
    assert problem.startswith(
        "config/methods/mine.yaml: key node_power.models.Nemotron-Ultra-253B: missing key source"
    )


@pytest.mark.parametrize("source", ["Unchanged", "UNCHANGED", " unchanged "])
def test_unchanged_is_meant_in_any_case(mine, files, source):
    same = {"seed": 7, "source": "unchanged"}
    expected = resolve("mine", mine(monte_carlo=same))["monte_carlo"]
    found = resolve("mine", mine(monte_carlo=same | {"source": source}))["monte_carlo"]
    assert found == expected
    blend = {"models": 2, "source": source}
    chain = mine(blend=blend) | {"own": {"extends": "mine", "blend": {"models": 4, "source": "b"}}}
    told = resolve("own", chain)["blend"]["source"]
    assert told.startswith("b (models); stated to be unchanged: ")


@pytest.mark.parametrize("source", ["-", "?", "...", "1", "2024"])
def test_a_source_has_a_letter(mine, source):
    power = {"value": 9.0, "unit": "kW", "source": source}
    (problem,) = problems_of(mine(node_power={"default": power}))
    assert problem.startswith("config/methods/mine.yaml: key node_power.default.source: value ")
    assert "allowed is text with a letter" in problem


def test_restating_the_parents_value_needs_no_source(mine):
    check(resolve("mine", mine(monte_carlo={"seed": 42})), SCHEMA, "mine")


def test_a_blend_that_is_trimmed_otherwise_is_of_the_same_models(mine, files):
    parent = files["oviedo2026"]["blend"]
    blend = resolve("mine", mine(blend={"trim": [], "source": "own"}))["blend"]
    source = f"{parent['source']} (models, shares); own (trim)"
    assert blend == parent | {"trim": [], "source": source}


def test_each_source_of_a_group_is_told_with_the_keys_that_it_states(mine, files):
    by_paper = files["oviedo2026"]["blend"]["source"]

    def told(child):
        parent = mine(blend={"models": 4, "trim": [], "source": "mine"})
        return resolve("child", parent | {"child": {"extends": "mine"} | child})["blend"]["source"]

    assert told({}) == f"mine (models, trim); {by_paper} (shares)"
    assert told({"blend": {"models": 4}}) == told({})
    own = {"models": 5, "source": "own"}
    assert told({"blend": own}) == f"own (models); mine (trim); {by_paper} (shares)"
    same = {"models": 5, "source": "unchanged"}
    assert told({"blend": same}) == (
        f"stated to be unchanged: mine (models, trim); stated to be unchanged: {by_paper} (shares)"
    )
    new = mine(benchmarks={"exclude_sources": ["trtllm-0.17"], "source": "unchanged"})
    by_paper = files["oviedo2026"]["benchmarks"]["source"]
    assert resolve("mine", new)["benchmarks"]["source"] == f"stated to be unchanged: {by_paper}"
    # one that states the whole group, or nothing but who states it, is the only source
    whole = own | {"trim": [], "shares": "equal"}
    assert told({"blend": whole}) == told({"blend": {"source": "own"}}) == "own"


@pytest.mark.parametrize(
    ("models", "shares"),
    [
        ("assumption", "a paper"),
        # words that look like what is told beside a source
        ("a talk (shares) and its slides; 2026", "arXiv:1; code (trim)"),
        ("b; c", "d (models, trim"),
    ],
)
def test_sources_that_were_told_apart_are_found_again_by_their_keys(mine, files, models, shares):
    drafts = mine(blend={"models": 4, "source": models}) | {
        "child": {"extends": "mine", "blend": {"shares": "coverage", "source": shares}}
    }
    blend = resolve("child", drafts)["blend"]
    by_paper = files["oviedo2026"]["blend"]["source"]
    assert sources_apart(blend) == {"models": models, "trim": by_paper, "shares": shares}
    assert sources_apart(blend | {"source_states": "models 2"}) == sources_apart(blend)
    assert [source_of(blend, [key]) for key in ("models", "shares")] == [models, shares]
    # of several keys none of them alone, nor of one that the group lacks
    assert source_of(blend, ["models", "trim"]) == blend["source"]
    assert source_of(blend, ["models", "ranked_by"]) == source_of(blend, []) == blend["source"]


@pytest.mark.parametrize("source", ["a", "a (models)", "a (models); b (trim, models)", "a (b)"])
def test_the_one_source_of_a_group_is_not_taken_apart(source):
    group = {"models": 4, "trim": [], "source": source}
    assert sources_apart(group) == {}
    assert source_of(group, ["models"]) == source
    assert source_of({}, ["models"]) is None


@pytest.mark.parametrize(
    ("table", "left"),
    [
        ("data/throughput/trtllm.csv", set()),
        (["data/throughput/oviedo.csv", "data/throughput/trtllm.csv"], {"exclude_confidence"}),
        ("data/throughput/oviedo.csv", {"exclude_confidence"}),
    ],
)
def test_a_choice_among_rows_goes_with_their_table(mine, files, table, left):
    chosen = {"exclude_confidence": ["medium"], "source": "of the parent's rows"}
    files = mine(benchmarks=chosen) | {
        "own": {"extends": "mine", "benchmarks": {"table": table, "source": "own rows"}}
    }
    resolved = resolve("own", files)["benchmarks"]
    assert resolved.keys() - {"table", "precision", "source"} == left
    assert ("of the parent's rows" in resolved["source"]) == bool(left)
    assert resolved["precision"] == files["oviedo2026"]["benchmarks"]["precision"]


def test_what_is_replaced_whole_has_one_source(mine, files):
    law = {"name": "peak", "minimum_rows": 1, "fallback": "peak", "fallback_minimum_rows": 1}
    stated = mine(throughput_law=law | {"source": "own"})
    assert resolve("mine", stated)["throughput_law"] == law | {"source": "own"}
    partly = {"extends": "mine", "throughput_law": {"minimum_rows": 2, "source": "child"}}
    source = resolve("child", stated | {"child": partly})["throughput_law"]["source"]
    assert source == "own (name, fallback, fallback_minimum_rows); child (minimum_rows)"


def test_a_source_that_is_no_text_is_left_to_the_check(mine):
    assert resolve("mine", mine(blend={"trim": [], "source": 5}))["blend"]["source"] == 5


def test_merging_leaves_both_files_as_they_were(mine):
    files = mine(blend={"models": 2})
    before = deepcopy(files)
    merged = merge(files["oviedo2026"], files["mine"])
    merged["blend"]["trim"].append("changed")
    merged["sensitivities"]["input_tokens"]["lengths"].append("changed")
    assert files == before


@pytest.mark.parametrize("parent", [{}, {"pue": None}, {"pue": 1.2}, {"pue": {"value": 1.1}}])
def test_an_unchanged_source_that_no_parent_states_is_no_source(parent):
    merged = merge(parent, {"pue": {"value": 1.2, "source": "unchanged"}})
    assert merged == {"pue": {"value": 1.2}}


def test_what_a_method_is_is_not_inherited(mine):
    resolved = resolve("mine", mine())
    assert (resolved["id"], resolved["title"], resolved["kind"]) == ("mine", "mine", "user")
    assert "extends" not in resolved


def test_grandparents_are_inherited(mine):
    files = mine(blend={"models": 2})
    files["child"] = {"extends": "mine", "title": "Child"}
    assert resolve("child", files)["blend"]["models"] == 2


def test_a_circle_is_named(mine):
    files = mine() | {"a": {"extends": "b"}, "b": {"extends": "c"}, "c": {"extends": "b"}}
    (problem,) = problems_of(files, "a")
    assert "config/methods/c.yaml" in problem
    assert "b -> c -> b" in problem


def test_the_methods_of_the_project_are_found_by_name():
    found = find_methods()
    assert set(found) == set(METHOD_FILES)
    assert found["revised"] == "config/methods/revised.yaml"


def written(folder, **texts):
    """Files of methods, by name."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.yaml") for name in texts}


def test_methods_are_read_with_those_that_they_extend_and_no_others(tmp_path):
    texts = {
        "a": "extends: b\npue: 1\n",
        "b": "extends: c\n",
        "c": "pue: 2\n",
        "list": "- extends\n",
        "lost": "extends: nobody\n",
        "odd": "extends: [a]\n",
        "broken": "pue: [\n",
    }
    paths = written(tmp_path, **texts)
    asked = ["a", "list", "lost", "odd", "unheard", 5]
    assert read_methods(paths, asked) == {
        "a": {"extends": "b", "pue": 1},
        "b": {"extends": "c"},
        "c": {"pue": 2},
        "list": ["extends"],
        "lost": {"extends": "nobody"},
        "odd": {"extends": ["a"]},
        "broken": None,
    }


def test_all_files_that_are_no_yaml_are_told_at_once(tmp_path):
    paths = written(tmp_path, a="extends: b\n", b="pue: [\n", c="pue: }\n")
    with pytest.raises(InputError) as refused:
        read_methods(paths, ["a", "c"])
    told = sorted(problem.partition(", line")[0] for problem in refused.value.problems)
    assert told == [paths["b"], paths["c"]]


def test_a_methods_ancestors_are_named_from_the_nearest_on(mine):
    files = mine() | {"child": {"extends": "mine"}}
    assert lineage("child", files) == ["child", "mine", "oviedo2026"]


def test_methods_that_are_right_are_resolved_beside_the_problems_of_others(mine):
    files = mine(pue=fixed(1.2)) | {"wrong": {"extends": "oviedo2026", "pue": fixed(9.0)}}
    asked = {"mine": "key methods", "wrong": "key methods", "lost": "key base"}
    methods, problems = resolve_all(asked, files, SCHEMA)
    assert methods == {"mine": resolve("mine", files)}
    of_wrong, of_lost = problems
    assert of_wrong.startswith("config/methods/wrong.yaml: key pue.value: value 9.0: ")
    assert of_lost.startswith("key base: value lost: unknown method; allowed are ")


def test_a_file_that_extends_nothing_is_told_that_it_may():
    _, (problem,) = resolve_all({"mine": "key methods"}, {"mine": {"pue": fixed(1.2)}}, SCHEMA)
    assert problem.endswith("; state them, or extends: the one to take them from")


@pytest.mark.parametrize(
    ("own", "told"),
    [
        # as wrong in the parent, whatever is told as its remedy
        ({}, []),
        ({"pue": {"distribution": "fixed", "value": 9.0, "unit": "1", "source": "own"}}, []),
        ({"node_power": {"default": {"value": -1, "unit": "kW", "source": "own"}}}, ["node_power"]),
    ],
)
def test_a_problem_of_the_parent_is_not_told_again_of_its_child(mine, own, told):
    files = mine(pue=fixed(9.0)) | {"child": {"extends": "mine"} | own}
    asked = dict.fromkeys(["child", "mine"], "key methods")
    methods, problems = resolve_all(asked, files, SCHEMA)
    assert methods == {}
    *of_child, of_mine = problems
    assert of_mine.startswith("config/methods/mine.yaml: key pue.value: value 9.0: ")
    assert [problem.partition(": key ")[2].partition(".")[0] for problem in of_child] == told
    assert len(resolve_all({"child": "key methods"}, files, SCHEMA)[1]) == len(told) + 1


def test_a_misspelt_key_is_told_once_where_the_child_states_it_too(mine):
    """The child's sentence ends in another remedy: models is stated beside modles."""
    files = mine(blend={"modles": 2, "source": "own"})
    files["child"] = {"extends": "mine", "blend": {"models": 2, "source": "own"}}
    _, (problem,) = resolve_all(dict.fromkeys(["mine", "child"], "key methods"), files, SCHEMA)
    assert problem.startswith("config/methods/mine.yaml: key blend: unknown key modles; ")


def test_sections_that_a_parent_lacks_too_are_told_once():
    """The child lacks one key less, so that the sentences differ."""
    files = {"mine": {"claims": "none"}, "child": {"extends": "mine", "pue": fixed(1.2)}}
    _, problems = resolve_all(dict.fromkeys(files, "key methods"), files, SCHEMA)
    lacking = [problem for problem in problems if LACKING in problem]
    assert [problem.partition(":")[0] for problem in lacking] == ["config/methods/mine.yaml"]


@pytest.mark.parametrize("parent", ["self", ["mine"], None, "oviedo2026"])
def test_problems_of_a_file_with_another_parent_or_none_are_its_own(mine, parent):
    name = "self"
    files = mine(pue=fixed(9.0)) | {name: {"extends": parent, "pue": fixed(9.0)}}
    _, problems = resolve_all({"mine": "key methods", name: "key methods"}, files, SCHEMA)
    assert any(problem.startswith("config/methods/self.yaml: ") for problem in problems)


@pytest.mark.parametrize(("text", "told"), [(None, "null"), (["extends"], "['extends']")])
def test_problems_of_a_file_that_is_no_mapping_are_its_own(files, text, told):
    _, (problem,) = resolve_all({"mine": "key methods"}, files | {"mine": text}, SCHEMA)
    assert problem == (
        f"config/methods/mine.yaml: value {told}: allowed are keys with values; state the"
        " method's keys, or extends: and a method"
    )


def test_a_file_beside_the_methods_is_named_as_it_stands(mine):
    for files, of_key in (
        (mine(extends="oviedo2062"), "key extends: value oviedo2062: unknown method; "),
        (mine(extends="mine"), "key extends: value mine: goes in a circle (mine -> mine); "),
    ):
        with pytest.raises(InputError) as refused:
            resolve("mine", files, where="here/own.yaml")
        assert str(refused.value).startswith(f"here/own.yaml: {of_key}")
    files = mine(extends="b") | {"b": {"extends": "c"}, "c": {"extends": "b"}}
    with pytest.raises(InputError, match=r"^config/methods/c\.yaml: key extends: value b: goes"):
        resolve("mine", files, where="here/own.yaml")
    files["c"] = {"extends": "d"}
    with pytest.raises(InputError, match=r"^config/methods/c\.yaml: key extends: value d: unknown"):
        resolve("mine", files, where="here/own.yaml")


def test_a_method_is_not_told_to_extend_itself(mine):
    with pytest.raises(InputError) as refused:
        resolve("mine", mine(extends="mines") | {"other": {}}, where="here/own.yaml")
    assert "mine," not in str(refused.value)
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize("parent", ["mine2", "mine2.yaml"])
def test_a_parent_beside_a_draft_elsewhere_is_asked_into_the_folder_of_the_methods(files, parent):
    drafts = files | {"mine": {"extends": parent}}
    with pytest.raises(InputError) as caught:
        resolve("mine", drafts, where="drafts/mine.yaml")
    (problem,) = caught.value.problems
    assert problem.startswith(f"drafts/mine.yaml: key extends: value {parent}: unknown method; ")
    assert "config/methods/mine2.yaml: a method that is extended lies there, and not" in problem
    for where in (None, "config/methods/mine.yaml"):
        with pytest.raises(InputError) as caught:
            resolve("mine", drafts, where=where)
        assert "lies there" not in str(caught.value)


def test_an_unknown_method_is_told_with_all_that_are_known():
    with pytest.raises(InputError) as refused:
        resolve("x.yml", {"b": {}, "a": {}})
    assert str(refused.value) == (
        "key methods: value x.yml: unknown method; allowed are a, b; name it without folder and"
        " ending, as x, and put its file at config/methods/x.yaml"
    )


def test_a_deployment_in_the_place_of_a_method_is_told_with_the_key_that_takes_it(tmp_path):
    """The remedy was to put its file among the methods, and then to take the key deployment out."""
    path = tmp_path / "node.yaml"
    path.write_text("extends: a\ndeployment: {model: M}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"say deployment={re.escape(str(path))} of snakemake req"):
        resolve(str(path), {"a": {}}, "key method")
    with pytest.raises(InputError, match=r"key deployment: is of a deployment; .* deployments=d/n"):
        resolve("n", {"a": {}, "n": {"extends": "a", "deployment": {}}}, where="d/n.yaml")


@pytest.mark.parametrize("name", ["run.json", "table.csv"])
def test_a_file_of_no_method_is_told_with_the_keys_that_take_such(tmp_path, name):
    path = tmp_path / name
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        resolve(str(path), {"a": {}}, "key method")
    assert "that file is none of a method; name a method; files of benchmark" in str(caught.value)
    assert "config/methods" not in str(caught.value)


def test_a_model_that_no_table_has_is_refused_unless_it_is_a_deployments_own(mine):
    stated = {"models": ["Llama 3.1 8O5B"], "source": "own"}
    files = mine(benchmarks=stated)
    (problem,) = problems_of(files)
    assert problem.startswith(
        "config/methods/mine.yaml: key benchmarks.models.0: value Llama 3.1 8O5B: no such name; "
    )
    check(resolve("mine", files), SCHEMA, "mine", others=["Llama 3.1 8O5B"])


def test_a_load_beside_a_law_that_knows_none_is_refused(files):
    law = files["revised"]["throughput_law"] | {"name": "hierarchical"}
    (problem,) = problems_of(files | {"mine": {"extends": "revised", "throughput_law": law}})
    assert problem == (
        "config/methods/mine.yaml: key throughput_law.name: value hierarchical: does not know the"
        " load that `serving` states; allowed beside it is at-load; name it, or write serving:"
        " null and state a power_utilisation that is not by-load"
    )


UTILISATION = {"distribution": "fixed", "value": 0.6, "unit": "1", "source": "assumption"}


def test_an_optional_group_that_is_null_is_removed(files):
    law = files["full-load"]["throughput_law"]
    draft = {"extends": "revised", "serving": None, "throughput_law": law}
    known = files | {"mine": draft | {"power_utilisation": UTILISATION}}
    method = resolve("mine", known)
    check(method, SCHEMA, "mine", stated=known["mine"])
    assert "serving" not in method
    stated = [known[name] for name in lineage("mine", known)]
    assert removed(method, stated) == ["serving"]
    # one that extends it may state one again, of which nothing is inherited
    again = ("serving", "throughput_law", "power_utilisation")
    child = {"extends": "mine"} | {key: files["revised"][key] for key in again}
    method = resolve("child", known | {"child": child})
    check(method, SCHEMA, "child")
    assert method["serving"] == files["revised"]["serving"]
    assert removed(method, [child, *stated]) == []


@pytest.mark.parametrize(
    ("parent", "stated", "left"),
    [
        ("full-load", {"benchmarks": {"gpus": None, "source": "a test"}}, "benchmarks"),
        ("full-load", {"node_power": {"models": None}}, "node_power"),
        # a choice goes with its table, be it removed besides or not
        (
            "full-load",
            {"benchmarks": {"table": "data/throughput/trtllm.csv", "gpus": None, "source": "me"}},
            "benchmarks",
        ),
        ("oviedo2026", {"node_power": {"models": {"DeepSeek-R1": None}}}, "node_power.models"),
    ],
)
def test_a_key_that_is_null_is_removed_from_its_group(files, parent, stated, left):
    known = files | {"mine": {"extends": parent} | stated}
    method = resolve("mine", known)
    check(method, SCHEMA, "mine", stated=known["mine"])
    (path,) = removed(method, [known[name] for name in lineage("mine", known)])
    assert path.rpartition(".")[0] == left
    group = method[left.partition(".")[0]]
    assert path.split(".")[-1] not in (group["models"] if "models" in left else group)


def test_what_is_removed_of_a_group_with_a_source_needs_one(files):
    (problem,) = problems_of(
        files | {"mine": {"extends": "full-load", "benchmarks": {"gpus": None}}}
    )
    assert "key benchmarks: missing key source" in problem


def test_every_key_that_null_removes_may_be_left_out_of_its_mapping():
    """And of the mappings of groups every other optional key has a default."""

    def walk(node, path=()):
        for key, child in node.get("properties", {}).items():
            yield (*path, key), child, key in node.get("required", [])
            if "$ref" not in child:
                yield from walk(child, (*path, key))

    marked = {path: needed for path, child, needed in walk(SCHEMA) if "x-null" in child}
    assert ("serving",) in marked and ("node_power", "models") in marked
    assert not any(marked.values())


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            {"serving": None},
            "key (top): missing key serving; allowed is keys with values (nodes, engines and load);"
            " state it; without it state power_utilisation, such as {distribution: log-normal,"
            ' p5: 0.4, p95: 0.9, unit: "1", source: assumption}; or take out serving: null to keep'
            " it",
        ),
        (
            {"power_utilisation": UTILISATION},
            "key power_utilisation.distribution: value 'fixed': allowed is by-load, as what a node"
            " draws is that at the load which `serving` states; leave it by-load, or remove that"
            " load by serving: null beside it",
        ),
        ({"pathways": None}, "state it; or take out pathways: null to keep it"),
        ({"fleet": {"long_share": None}}, "; or take out long_share: null to keep it"),
    ],
)
def test_what_cannot_be_removed_is_told_with_the_way_out(files, stated, words):
    known = files | {"mine": {"extends": "revised"} | stated}
    with pytest.raises(InputError) as caught:
        check(resolve("mine", known), SCHEMA, "mine", stated=known["mine"])
    (problem,) = caught.value.problems
    assert problem.startswith("config/methods/mine.yaml: key ")
    assert words in problem


@pytest.mark.parametrize(
    ("stated", "key", "allowed"),
    [
        ({"serving": None}, "serving", "keys with values (nodes, engines and load)"),
        (
            {"benchmarks": {"gpus": None, "source": "a test"}},
            "benchmarks.gpus",
            "a list (each text)",
        ),
        ({"title": None}, "title", "text like"),
    ],
)
def test_a_null_that_removes_nothing_is_refused_alone(files, stated, key, allowed):
    """Not with what would be wrong besides, were it there."""
    known = files | {"mine": {"extends": "oviedo2026"} | stated}
    with pytest.raises(InputError) as caught:
        check(resolve("mine", known), SCHEMA, "mine", stated=known["mine"])
    (problem,) = caught.value.problems
    where = f"config/methods/mine.yaml: key {key}: value null: "
    assert problem.startswith(f"{where}there is nothing for it to remove; allowed is {allowed}")
    assert problem.endswith("; leave the key out")


def test_a_null_that_removes_nothing_hides_no_other_problem(files):
    known = files | {"mine": {"extends": "oviedo2026", "serving": None, "blend": None, "pu": None}}
    with pytest.raises(InputError) as caught:
        check(resolve("mine", known), SCHEMA, "mine", stated=known["mine"])
    told = "".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "missing key blend" in told and "unknown key pu;" in told and "key serving:" in told
    # of a file that extends none there is nothing to take the rest from
    alone = files["oviedo2026"] | {"blend": {**files["oviedo2026"]["blend"], "models": None}}
    with pytest.raises(InputError, match=r"key blend.models: value null: .*; correct the value"):
        check(resolve("alone", {"alone": alone}), SCHEMA, "alone", stated=alone)


@pytest.mark.parametrize("trim", [[0.05, 0.95], [[0.05]], 0.05])
def test_one_pair_of_levels_without_its_list_is_told_how_a_list_of_pairs_is_written(mine, trim):
    problems = problems_of(mine(blend={"trim": trim, "source": "assumption"}))
    assert problems and all("key blend.trim" in problem for problem in problems)
    remedy = "; write a list of pairs, such as [[0.05, 0.95]], or [] to trim nothing"
    assert all(problem.endswith(remedy) for problem in problems)


def test_what_a_file_says_is_removed_is_for_the_run_to_say(mine):
    (problem,) = problems_of(mine(removed=["serving"]))
    assert problem == (
        "config/methods/mine.yaml: key removed: is written by the run; allowed is none; remove it"
    )


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"minimum_rows": 2}, "minimum_rows", "log-linear law are determined by 3 rows"),
        (
            {"fallback": "additive", "fallback_minimum_rows": 1},
            "fallback_minimum_rows",
            "additive law are determined by 3 rows",
        ),
    ],
)
def test_fewer_rows_than_determine_a_law_are_refused(mine, changed, key, words):
    # one row has many log-linear laws through it, which give a median from 0.31 to 0.77 Wh
    (problem,) = problems_of(mine(throughput_law=changed | {"source": "own"}))
    value = changed[key]
    assert problem == (
        f"config/methods/mine.yaml: key throughput_law.{key}: value {value}: the coefficients of"
        f" the {words}, and many laws fit fewer; allowed is at least 3; raise it, or name another"
        " law"
    )


def test_a_method_that_states_another_name_than_its_file_has_is_refused(mine):
    assert problems_of(mine(id="yours")) == [
        "config/methods/mine.yaml: key id: value 'yours': allowed is the file's name, 'mine';"
        " correct it or leave it out"
    ]


def test_as_many_rows_as_determine_a_law_are_enough(mine):
    law = {"name": "peak", "minimum_rows": 1, "fallback": "peak", "fallback_minimum_rows": 1}
    for stated in (law, law | {"name": "additive", "minimum_rows": 3}):
        files = mine(throughput_law=stated | {"source": "own"})
        check(resolve("mine", files), SCHEMA, "mine")


def test_every_quantity_is_walked_by_its_keys():
    one, two = {"value": 1}, {"distribution": "fixed", "source": "a"}
    sourced = {"table": "t.csv", "source": "b"}
    tree = {"power": {"default": one, "models": {"a b": two}}, "rows": sourced, "id": "mine"}
    assert dict(walk_quantities(tree)) == {
        "power.default": one,
        "power.models.a b": two,
        "rows": sourced,
    }
    assert list(walk_quantities(one)) == [("", one)]
    assert list(walk_quantities([one])) == []


def test_an_unknown_parent_brings_the_nearest_name(mine):
    files = mine(extends="oviedo2062")
    (problem,) = problems_of(files)
    assert "config/methods/mine.yaml" in problem
    assert "oviedo2062" in problem
    assert "did you mean oviedo2026?" in problem


def test_an_unknown_configured_method_is_named(files):
    (problem,) = problems_of(files, "oviedo2O26")
    assert "did you mean oviedo2026?" in problem


def log_normal(**changes):
    return {
        "distribution": "log-normal",
        "p5": 0.4,
        "p95": 0.9,
        "unit": "1",
        "source": "x",
    } | changes


def power(**changes):
    return {"default": {"value": 10.2, "unit": "kW", "source": "x"} | changes}


def tokens(**changes):
    quantity = {"distribution": "exponential", "median": 300, "unit": "tokens", "source": "x"}
    return {"traditional": {"output_tokens": quantity | changes}}


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ({"pue": log_normal(p5=0.9, p95=0.4)}, ["key pue", "0.9", "p5 < p95", "swap"]),
        ({"pue": log_normal(p5=0.9, p95=0.9)}, ["key pue", "p5 < p95", "fixed"]),
        ({"power_utilisation": log_normal(distribution="normal")}, ["power_utilisation", "normal"]),
        ({"power_utilisation": log_normal(unit="%")}, ["key power_utilisation.unit", "'%'", "1"]),
        ({"node_power": power(value=-1)}, ["key node_power.default.value", "-1", "0"]),
        ({"node_power": power(value="ten")}, ["key node_power.default.value", "ten", "number"]),
        ({"node_power": power(unit="W")}, ["key node_power.default.unit", "'W'", "kW"]),
        ({"throughput_law": {"fallback": "quadratic"}}, ["throughput_law.fallback", "log-linear"]),
        ({"throughput_law": {"fallback": "hierarchical"}}, ["throughput_law.fallback", "additive"]),
        ({"throughput_law": {"reference": {}}}, ["throughput_law.reference", "not allowed"]),
        (
            {"throughput_law": {"gpus_per_node": 8}},
            ["missing keys source and reference", "throughput_law.fallback", "not allowed"],
        ),
        ({"regimes": {"short": {}}}, ["key regimes", "unknown key short"]),
        ({"regimes": tokens(distribution="weibull")}, ["output_tokens.distribution", "weibull"]),
        ({"regimes": tokens(sigma=1)}, ["output_tokens.sigma", "not allowed"]),
        ({"regimes": tokens(distribution="gamma")}, ["output_tokens", "missing key shape"]),
        ({"regimes": tokens(distribution="pareto", exponent=2)}, ["missing key maximum"]),
        (
            {"regimes": tokens(distribution="log-t", sigma=1, degrees_of_freedom=3)},
            ["missing key maximum"],
        ),
        ({"regimes": tokens(maximum=5000)}, ["output_tokens.maximum", "not allowed"]),
        (
            {"regimes": tokens(distribution="uniform", shortest=5, maximum=9)},
            ["output_tokens.median", "not allowed"],
        ),
        ({"blend": {"modles": 2}}, ["key blend", "unknown key modles"]),
        ({"blend": {"models": 3, "trim": [[0.9, 0.1]]}}, ["blend", "[0.9, 0.1]"]),
        ({"nod_power": power()}, ["unknown key nod_power"]),
        ({"id": "other"}, ["key id", "'other'", "'mine'"]),
        (
            {"fleet": {"long_share": {"value": 1.5, "unit": "1", "source": "x"}}},
            ["long_share", "1.5"],
        ),
        ({"pue": 1.2}, ["key pue", "1.2"]),
        ({"pue": None}, ["key pue"]),
        ({"blend": [3]}, ["key blend"]),
    ],
)
def test_a_wrong_statement_is_refused(mine, statements, words):
    problems = problems_of(mine(**statements))
    assert all("config/methods/mine.yaml" in problem for problem in problems)
    text = "\n".join(problems)
    assert [word for word in words if word not in text] == []


def test_half_a_quantity_is_told_what_it_lacks_and_what_that_is(mine):
    half = {key: value for key, value in log_normal(p5=1.1).items() if key != "p95"}
    (problem,) = problems_of(mine(pue=half))
    assert "key pue: missing key p95; allowed is a number of at least 1 and of at most 3" in problem
    assert "state it beside distribution, p5, unit and source" in problem
    (problem,) = problems_of(mine(pue={"value": 1.2}))
    assert "missing keys distribution, unit and source" in problem
    assert "distribution: log-normal or fixed, unit: '1', source: text" in problem


def test_a_file_that_extends_nothing_may_do_so():
    files = {"mine": {"pue": log_normal(p5=1.1, p95=1.2)}}
    with pytest.raises(InputError, match="monte_carlo; state them, or extends: the one to take"):
        check(resolve("mine", files), SCHEMA, "mine", stated=files["mine"])


def test_lengths_without_a_family_miss_only_that(mine):
    stated = {"median": 300, "sigma": 1, "unit": "tokens", "source": "x"}
    (problem,) = problems_of(mine(regimes={"traditional": {"output_tokens": stated}}))
    assert "output_tokens: missing key distribution" in problem


@pytest.mark.parametrize("trim", [[["a", 0.5]], [[None, 0.5]], [0.5], "none", 5])
def test_trim_levels_that_are_no_numbers_are_refused(mine, trim):
    files = mine(blend={"trim": trim, "models": 3, "shares": "equal", "source": "x"})
    assert any("blend.trim" in problem for problem in problems_of(files))


@pytest.mark.parametrize("text", [None, [], "oviedo2026", 3])
def test_a_file_that_is_no_mapping_is_refused(files, text):
    (problem,) = problems_of(files | {"mine": text})
    assert "config/methods/mine.yaml" in problem


@pytest.mark.parametrize("parent", [5, ["oviedo2026"], {}])
def test_a_parent_that_is_no_name_is_refused(mine, parent):
    (problem,) = problems_of(mine(extends=parent))
    assert "key extends" in problem


def test_all_problems_come_together(mine):
    files = mine(
        pue=log_normal(p5=2, p95=1), node_power=power(value=0, unit="W"), colour="blue", id="other"
    )
    problems = problems_of(files)
    assert len(problems) == 5


def test_every_method_of_the_folder_is_valid(files):
    assert {"oviedo2025", "oviedo2026", "oviedo2026-as-written"} <= set(files)
    for name in files:
        check(resolve(name, files), SCHEMA, name)


def leaves(tree, path=()):
    """Paths of a mapping's leaves."""
    if not isinstance(tree, dict):
        return {path}
    return {leaf for key, value in tree.items() for leaf in leaves(value, (*path, key))}


def test_the_first_version_states_only_its_node_powers(files):
    assert set(files["oviedo2025"]) - IDENTITY == {"node_power"}
    assert set(files["oviedo2026-as-written"]) - IDENTITY == {"pue"}


def test_every_quantity_of_the_paper_has_a_source(files):
    method = resolve("oviedo2026", files)
    for path in leaves({k: v for k, v in method.items() if k not in IDENTITY}):
        parents = [method]
        for key in path[:-1]:
            parents.append(parents[-1][key])
        assert any("source" in parent for parent in parents), path


def test_every_mapping_of_a_method_refuses_an_unknown_key(files):
    method = resolve("oviedo2026", files)

    def mappings(tree, path=()):
        if isinstance(tree, dict):
            yield path
            for key, value in tree.items():
                yield from mappings(value, (*path, key))

    for path in mappings(method):
        if path == ("node_power", "models"):
            continue
        changed = deepcopy(method)
        place = changed
        for key in path:
            place = place[key]
        place["misspelt"] = 1
        with pytest.raises(InputError, match="misspelt"):
            check(changed, SCHEMA, "oviedo2026")


def quantity(**stated):
    """A quantity with unit and source."""
    return {"unit": "1", "source": "bill"} | stated


def fixed(value):
    return quantity(distribution="fixed", value=value)


def lengths(**stated):
    return {"traditional": {"output_tokens": quantity(**stated) | {"unit": "tokens"}}}


def log_t(**stated):
    of = {"median": 300, "sigma": 1, "degrees_of_freedom": 3, "maximum": 8192}
    return lengths(**{"distribution": "log-t"} | of | stated)


@pytest.mark.parametrize(
    ("stated", "key", "words"),
    [
        ({"pue": fixed(120)}, "pue.value: value 120", ["at most 3", "as the facility"]),
        ({"pue": fixed(0.5)}, "pue.value: value 0.5", ["at least 1", "never below 1"]),
        (
            {"pue": quantity(distribution="log-normal", p5=0.9, p95=1.4)},
            "pue.p5: value 0.9",
            ["at least 1"],
        ),
        (
            {"power_utilisation": quantity(distribution="log-normal", p5=0.4, p95=90)},
            "power_utilisation.p95: value 90",
            ["at most 1", "0.6 for 60 %"],
        ),
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0.6, slope=0.7)},
            "power_utilisation: value intercept + slope = 1.3",
            ["at most 1"],
        ),
        # no digit that tells it apart from what is allowed is left out
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0.6, slope=0.4000004)},
            "power_utilisation: value intercept + slope = 1.0000004",
            ["at most 1"],
        ),
        (
            {
                "power_utilisation": quantity(
                    distribution="coupled", intercept=0, slope=0.00999999999
                )
            },
            "power_utilisation: value intercept + slope = 0.00999999999",
            ["at least 0.01"],
        ),
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0, slope=0)},
            "power_utilisation: value intercept + slope = 0",
            ["at least 0.01"],
        ),
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0, slope=1e-12)},
            "power_utilisation: value intercept + slope = 1e-12",
            ["at least 0.01", "a node that serves"],
        ),
        (
            {"power_utilisation": fixed(0.005)},
            "power_utilisation.value: value 0.005",
            ["at least 0.01"],
        ),
        (
            {"monte_carlo": {"seed": 1.0, "source": "own"}},
            "monte_carlo.seed: value 1.0",
            ["a whole number", "without point"],
        ),
        (
            {"monte_carlo": {"samples": 1e4, "source": "own"}},
            "monte_carlo.samples: value 10000.0",
            ["a whole number"],
        ),
        (
            {"fleet": {"queries_per_day": quantity(value=1e-300) | {"unit": "queries/day"}}},
            "fleet.queries_per_day.value: value 1e-300",
            ["at least 1"],
        ),
        (
            {"regimes": lengths(distribution="uniform", shortest=0, maximum=1)},
            "regimes.traditional.output_tokens.maximum: value 1",
            ["at least 2", "median of at least one token"],
        ),
        (
            {"sensitivities": {"input_tokens": {"lengths": [10, 10], "source": "own"}}},
            "sensitivities.input_tokens.lengths: value [10, 10]",
            ["each once"],
        ),
        ({"title": "one\ntwo"}, "title: value 'one\\ntwo'", ["one line"]),
        ({"title": "  "}, "title: value '  '", ["nothing that shows"]),
        ({"warnings": []}, "warnings", ["written by the run", "remove it"]),
        (
            {"pue": fixed(1.2) | {"source": "  "}},
            "pue.source: value '  '",
            ["holds nothing that shows", "write it out"],
        ),
        (
            {"fleet": {"overhead": {"long": quantity(factors=[10, 10])}}},
            "fleet.overhead.long.factors: value product = 100",
            ["at most 10, as a fleet that draws more is idle; correct the factors"],
        ),
        (
            {"blend": {"models": 3, "trim": [[0.4999, 0.5]], "shares": "equal", "source": "own"}},
            "blend.trim: value [[0.4999, 0.5]]",
            ["keeps 1 of 10000", "at least 10; widen the levels or raise monte_carlo.samples"],
        ),
        (
            {"node_power": {"default": {"value": 10200, "unit": "kW", "source": "bill"}}},
            "node_power.default.value: value 10200",
            ["at most 1000", "one node in kW"],
        ),
        (
            {"regimes": lengths(distribution="log-normal", median=300, sigma=10)},
            "regimes.traditional.output_tokens.sigma: value 10",
            ["at most 5", "0.5 to 2"],
        ),
        (
            {"regimes": lengths(distribution="log-normal", median=300, sigma=4)},
            "regimes.traditional.output_tokens: value 0.0046",
            ["1e+07 tokens", "largest context"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=1e6, minimum=10_000_000)},
            "regimes.traditional.output_tokens: value 1",
            ["1e+07 tokens", "largest context"],
        ),
        (
            {"regimes": lengths(distribution="gamma", median=300, shape=1e-6)},
            "regimes.traditional.output_tokens.shape: value 1e-06",
            ["at least 0.05"],
        ),
        (
            {"regimes": lengths(distribution="uniform", shortest=500, maximum=500)},
            "regimes.traditional.output_tokens.maximum: value 500",
            ["above shortest, which is 500"],
        ),
        (
            {"regimes": lengths(distribution="uniform", shortest=0, maximum=500, minimum=600)},
            "regimes.traditional.output_tokens.minimum: value 600",
            ["1e-06 of them"],
        ),
        (
            {"regimes": lengths(distribution="pareto", median=300, exponent=0.01, maximum=5000)},
            "regimes.traditional.output_tokens.exponent: value 0.01",
            ["at least 0.2", "95th percentile"],
        ),
        (
            {"regimes": lengths(distribution="pareto", median=300, exponent=2, maximum=300)},
            "regimes.traditional.output_tokens.maximum: value 300",
            ["above the median, which is 300"],
        ),
        (
            {"regimes": log_t(degrees_of_freedom=0.5)},
            "regimes.traditional.output_tokens.degrees_of_freedom: value 0.5",
            ["at least 1", "Cauchy"],
        ),
        (
            {"regimes": log_t(maximum=798)},
            "regimes.traditional.output_tokens.maximum: value 798",
            # 300 exp(0.9784723), the 80th percentile of Student's t of 3 degrees
            ["at least 799", "lower the median"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=300, minimum=50_000)},
            "regimes.traditional.output_tokens.minimum: value 50000",
            ["1e-06 of them"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=1e300)},
            "regimes.traditional.output_tokens.median: value 1e+300",
            ["at most 10000000", "largest context"],
        ),
        # an hour and more, without a word
        (
            {"monte_carlo": {"samples": 1_000_000, "bootstrap": 100_000, "source": "own"}},
            "monte_carlo: value samples x bootstrap = 1e+11",
            ["at most 1e+09", "lower one"],
        ),
        (
            {"fleet": {"queries_per_day": quantity(value=1e300) | {"unit": "queries/day"}}},
            "fleet.queries_per_day.value: value 1e+300",
            ["everyone on earth"],
        ),
    ],
)
def test_what_cannot_be_is_refused_with_bound_reason_and_remedy(mine, stated, key, words):
    (problem,) = problems_of(mine(**stated))
    assert "\n" not in problem
    assert problem.startswith(f"config/methods/mine.yaml: key {key}: ")
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            {"throughput_law": {"minimum_rows": 3000, "source": "own"}},
            ["key throughput_law.minimum_rows: value 3000: unusual", "at most 100"],
        ),
        (
            {
                "extends": "full-load",
                "throughput_law": {"gpus_per_node": 80, "source": "own"},
            },
            ["key throughput_law.gpus_per_node: value 80: unusual", "at most 72"],
        ),
        ({"pue": fixed(2.4)}, ["key pue.value: value 2.4: unusual; usual is", "at most 2"]),
        (
            {"power_utilisation": fixed(0.05)},
            ["key power_utilisation.value: value 0.05: unusual", "at least 0.1"],
        ),
        (
            {"regimes": lengths(distribution="log-normal", median=3000, sigma=2.4)},
            ["key regimes.traditional.output_tokens: unusual", "longer than the largest context"],
        ),
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0.05, slope=0.01)},
            ["key power_utilisation: value intercept + slope = 0.06: unusual", "at least 0.1"],
        ),
        (
            {"power_utilisation": quantity(distribution="coupled", intercept=0, slope=0.09999999)},
            ["key power_utilisation: value intercept + slope = 0.09999999: unusual"],
        ),
        (
            {"blend": {"models": 3, "trim": [[0, 0.01]], "shares": "equal", "source": "own"}},
            ["key blend.trim: value [[0, 0.01]]: unusual; keeps 0.01 of the queries"],
        ),
        (
            {"pathways": {"model": quantity(distribution="log-normal", p5=1.5, p95=900)}},
            ["key pathways.model.p95: value 900: unusual", "at most 100"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=300, minimum=4500)},
            ["key regimes.traditional.output_tokens.minimum: value 4500: unusual; 3.1e-05 of"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=1)},
            ["key regimes.traditional.output_tokens.median: value 1: unusual", "at least 10"],
        ),
        (
            {"regimes": lengths(distribution="exponential", median=6000)},
            ["key regimes: value median 6000 of traditional and 5000 of long output: unusual"],
        ),
        # the share that is left stated for the factor by which it falls
        (
            {"pathways": {"hardware": quantity(distribution="log-normal", p5=0.4, p95=1.2)}},
            ["key pathways.hardware.p5: value 0.4: unusual; usual is a number of at least 1"],
        ),
        # fifteen of a tenth each made 3.15 of the fleet, without a word
        (
            {"fleet": {"overhead": {"long": quantity(factors=[1.1] * 15)}}},
            ["key fleet.overhead.long.factors: value product = 4.18: unusual", "at most 2"],
        ),
        (
            {"fleet": {"overhead": {"long": quantity(factors=[2, 5])}}},
            ["key fleet.overhead.long.factors: value product = 10: unusual", "at most 2"],
        ),
        # a hundred and twenty long queries of everyone, 5,059 GWh a day
        (
            {
                "fleet": {
                    "queries_per_day": {"value": 1e12, "unit": "queries/day", "source": "own"},
                    "long_share": quantity(value=1),
                }
            },
            ["key fleet: value queries_per_day x long_share = 1e+12: unusual", "at most 1e+11"],
        ),
        (
            {"fleet": {"improvement": {"long": quantity(distribution="fixed", value=0.3)}}},
            ["key fleet.improvement.long.value: value 0.3: unusual", "at least 1"],
        ),
    ],
)
def test_what_is_unusual_is_allowed_with_a_warning(mine, stated, words):
    method = resolve("mine", mine(**stated))
    check(method, SCHEMA, "mine")
    (warning,) = warnings(method, SCHEMA, "config/methods/mine.yaml")
    assert [word for word in words if word not in warning] == []


def coupled(intercept, slope):
    return quantity(distribution="coupled", intercept=intercept, slope=slope)


def per_day(queries):
    return {"value": queries, "unit": "queries/day", "source": "own"}


def trimmed(*trims):
    return {"blend": {"models": 3, "trim": list(trims), "shares": "equal", "source": "own"}}


@pytest.mark.parametrize(
    "stated",
    [
        {"power_utilisation": coupled(0.1, 0)},
        {"power_utilisation": coupled(0.5, 0.5)},
        trimmed([0.25, 0.75]),
        {"regimes": lengths(distribution="exponential", median=5000)},
        {"fleet": {"overhead": {"long": quantity(factors=[2, 1])}}},
        {"fleet": {"queries_per_day": per_day(1e12)}},
        {"monte_carlo": {"samples": 1_000_000, "bootstrap": 1000, "source": "own"}},
    ],
)
def test_what_meets_a_bound_is_allowed_without_a_word(mine, stated):
    method = resolve("mine", mine(**stated))
    check(method, SCHEMA, "mine")
    assert warnings(method, SCHEMA, "config/methods/mine.yaml") == []


@pytest.mark.parametrize(
    "stated",
    [
        {"power_utilisation": coupled(0.01, 0)},
        trimmed([0, 0.25], [0, 0.25]) | {"monte_carlo": {"samples": 160, "source": "own"}},
    ],
)
def test_what_meets_a_bound_of_what_can_be_is_allowed(mine, stated):
    check(resolve("mine", mine(**stated)), SCHEMA, "mine")


def test_levels_that_are_one_keep_nothing_and_are_refused(mine):
    assert problems_of(mine(**trimmed([0.5, 0.5]))) == [
        "config/methods/mine.yaml: key blend.trim: value [0.5, 0.5]: allowed is lower < upper; swap"
        " the levels"
    ]


def test_the_share_that_is_long_enough_is_of_rounded_lengths(mine):
    """By hand: of a uniform length up to 100 tokens 0.5 % are rounded to 100."""
    method = resolve(
        "mine", mine(regimes=lengths(distribution="uniform", shortest=0, maximum=100, minimum=100))
    )
    assert warnings(method, SCHEMA, "mine.yaml") == [
        "mine.yaml: key regimes.traditional.output_tokens.minimum: value 100: unusual; 0.005 of the"
        " queries are so long, and the others are left out; check it"
    ]
    # 2 ** -(49.5 / 2) of an exponential one are rounded to 50 and more
    (problem,) = problems_of(
        mine(regimes=lengths(distribution="exponential", median=2, minimum=50))
    )
    assert problem == (
        "config/methods/mine.yaml: key regimes.traditional.output_tokens.minimum: value 50: 3.5e-08"
        " of the queries are so long; allowed is a length that at least 1e-06 of them have; lower"
        " the minimum or lengthen the others"
    )


def test_wrong_lengths_of_all_regimes_are_told(mine):
    def uniform(shortest, maximum):
        of = lengths(distribution="uniform", shortest=shortest, maximum=maximum)
        return of["traditional"]

    trace = {"distribution": "empirical", "trace": "azure-2023-conv"}
    long = {"output_tokens": quantity(distribution="exponential", median=2, minimum=50)}
    long["output_tokens"]["unit"] = "tokens"
    for first, count in ((uniform(500, 500), 2), (lengths(**trace)["traditional"], 1)):
        problems = problems_of(mine(regimes={"traditional": first, "long": long}))
        assert len(problems) == count
        assert problems[-1].startswith(
            "config/methods/mine.yaml: key regimes.long.output_tokens.minimum: value 50: "
        )


def test_warnings_go_on_behind_a_trace_and_name_the_file(mine):
    trace = lengths(distribution="empirical", trace="azure-2023-conv")
    long = lengths(distribution="exponential", median=300, minimum=4500)["traditional"]
    method = resolve("mine", mine(regimes=trace | {"long": long}, pue=fixed(2.4)))
    first, second = warnings(method, SCHEMA, "mine.yaml")
    assert first.startswith("mine.yaml: key pue.value: value 2.4: unusual; ")
    assert second.startswith("mine.yaml: key regimes.long.output_tokens.minimum: value 4500: ")


def test_medians_that_are_swapped_name_the_file(mine):
    method = resolve("mine", mine(regimes=lengths(distribution="exponential", median=6000)))
    (warning,) = warnings(method, SCHEMA, "mine.yaml")
    assert warning.startswith("mine.yaml: key regimes: value median 6000 of traditional and 5000")


def test_a_coupling_beside_the_estimate_is_held_to_the_same_bounds(mine):
    coupling = {"intercept": 0.6, "slope": 0.7, "unit": "1", "source": "own"}
    assert problems_of(mine(sensitivities={"power_utilisation_coupling": coupling})) == [
        "config/methods/mine.yaml: key sensitivities.power_utilisation_coupling: value intercept +"
        " slope = 1.3: allowed is at least 0.01 and at most 1, as a node that serves draws power,"
        " and never more than its maximum; correct one of them"
    ]


def test_nothing_is_unusual_about_the_projects_methods(files):
    for name in files:
        assert warnings(resolve(name, files), SCHEMA, name) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("validation", ["a word of the workflow", "rename the file"]),
        ("Deployments", ["a word of the workflow"]),
        ("comparison", ["a word of the workflow"]),
        ("scenarios", ["a word of the workflow"]),
        ("Changes", ["a word of the workflow"]),
        *(
            (
                name,
                [
                    f": value {name}: ends as files of the results do, of which a folder may not"
                    " have the name; allowed are names without such an ending; rename the file"
                ],
            )
            for name in (
                "claims.md",
                "HEADLINE.CSV",
                "coefficients.schema.json",
                "page.md",
                "a.svg",
            )
        ),
        ("con", ["no Windows machine has a folder of that name", "rename the file"]),
        ("NUL.v2", ["no Windows machine has a folder"]),
        ("lpt1", ["no Windows machine has a folder"]),
        ("mine.", ["no Windows machine has a folder"]),
        ("a..b", ["parts the methods of a comparison"]),
        ("{method}", ["text like"]),
        ("a" * 65, ["has 65 letters", "at most 64", "rename the file"]),
    ],
)
def test_a_name_that_the_workflow_has_itself_is_refused(files, name, words):
    (problem,) = problems_of(files | {name: {"extends": "oviedo2026"}}, name)
    assert f"config/methods/{name}.yaml: key id: value" in problem
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("load", "key", "words"),
    [
        ({"distribution": "fixed", "value": 1e9}, "value: value 1000000000.0", ["at most 100000"]),
        (
            {"distribution": "log-normal", "p5": 1, "p95": 1e300},
            "p95: value 1e+300",
            ["cache of a node"],
        ),
    ],
)
def test_a_load_that_no_node_serves_is_refused(files, load, key, words):
    load = load | {"unit": "requests", "source": "own"}
    mine = {"mine": {"extends": "revised", "serving": {"load": load}}}
    (problem,) = problems_of(files | mine)
    assert f"key serving.load.{key}" in problem
    assert [word for word in words if word not in problem] == []


def test_reference_lengths_below_a_token_are_refused(files):
    law = {"reference": {"input_tokens": 1e-300}, "source": "own"}
    (problem,) = problems_of(files | {"mine": {"extends": "revised", "throughput_law": law}})
    assert "key throughput_law.reference.input_tokens: value 1e-300" in problem
    assert "at least 1" in problem


def test_a_name_of_64_letters_is_allowed(files):
    name = "a" * 64
    files = files | {name: {"extends": "oviedo2026"}}
    check(resolve(name, files), SCHEMA, name)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("con", "com0 to com9 and lpt0 to lpt9, without a dot at the end"),
        ("a..b", "names without it"),
        ("all", ", ".join(sorted(RESERVED))),
    ],
)
def test_a_name_that_is_refused_is_told_what_is_allowed(files, name, allowed):
    (problem,) = problems_of(files | {name: {"extends": "oviedo2026"}}, name)
    assert problem.endswith(f"{allowed}; rename the file")


def test_every_folder_of_the_results_is_a_reserved_name(files):
    folders = {path.name for kind in ("results", "figures") for path in (ROOT / kind).iterdir()}
    assert {name.split(".")[0] for name in folders} - set(files) - {"README"} <= RESERVED


def test_a_table_with_braces_in_its_path_is_refused(mine):
    stated = {"table": "data/{throughput}.csv", "source": "own"}
    (problem,) = problems_of(mine(benchmarks=stated))
    assert "key benchmarks.table: value data/{throughput}.csv: braces" in problem


def test_a_method_that_is_named_by_its_file_is_told_how_to_name_it():
    with pytest.raises(InputError, match=r"as mine, and put its file at config/methods/mine\.yaml"):
        resolve("some/where/mine.yaml", {"oviedo2026": {}})
    with pytest.raises(InputError, match=r"correct the name or add config/methods/mine\.yaml"):
        resolve("mine", {"oviedo2026": {}})


def test_what_is_no_mapping_is_named_by_its_file_and_shown_in_short():
    with pytest.raises(InputError) as caught:
        resolve("passwd", {"passwd": "root:x:0 " * 200}, where="/etc/passwd")
    (problem,) = caught.value.problems
    assert problem.startswith("/etc/passwd: value 'root:x:0 ")
    assert len(problem) < 300
