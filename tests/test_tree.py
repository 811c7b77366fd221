"""The tree is the one that is drawn, imports go one way, and tests mirror the library."""

import ast
import re
import tomllib
from graphlib import CycleError, TopologicalSorter

import pytest
from repository import ROOT, files_of

PACKAGE = "inference_energy"
LIBRARY = ROOT / "workflow" / PACKAGE
TESTS = ROOT / "tests"
MIRROR = TESTS / "library"


def modules():
    """Modules of the library that hold code, as paths without ending; a package as itself."""
    found = []
    for path in sorted(LIBRARY.rglob("*.py")):
        code = ast.parse(path.read_text(encoding="utf-8")).body[1:]
        if path.name != "__init__.py" or code:
            place = path.parent if path.name == "__init__.py" else path.with_suffix("")
            found.append(place.relative_to(LIBRARY))
    return found


def file_of(module):
    """Test file of a module: in the room of the same name, of a package inside it."""
    folder = MIRROR / module if (LIBRARY / module).is_dir() else MIRROR / module.parent
    return folder / f"test_{module.name}.py"


def imported(path):
    """Names of the modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_imported(folder=LIBRARY):
    """Rooms of a library, each with the other rooms that its modules import.

    A room is a folder or a module at the root, without ending.
    """
    rooms = {}
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        names = {name.split(".")[1] for name in imported(path) if name.startswith(f"{PACKAGE}.")}
        rooms[room] = rooms.get(room, set()) | names - {room}
    return {room: others & rooms.keys() for room, others in rooms.items() if room != "__init__"}


def tree_drawn():
    """Names that begin the lines of the tree in CONTRIBUTING.md, each with its indent."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lines = text.partition("```text\n")[2].partition("```")[0].splitlines()
    return {
        (len(line) - len(line.lstrip()), name.rstrip("/"))
        for line in lines
        for name in re.split(r" {2,}", line.strip())[0].split(", ")
    }


def test_every_room_stands_in_the_tree_that_is_drawn():
    drawn = {name for indent, name in tree_drawn() if indent == 4}
    assert drawn == rooms_imported().keys()


def test_every_folder_stands_in_the_tree_that_is_drawn():
    """But the hidden ones, of services."""
    files = [name.split("/") for name in files_of(ROOT)]
    top = {parts[0] for parts in files if len(parts) > 1 and not parts[0].startswith(".")}
    inner = {parts[1] for parts in files if parts[0] == "workflow" and len(parts) > 2}
    drawn = {(indent, name.partition("/")[0]) for indent, name in tree_drawn()}
    assert {(0, name) for name in top} | {(2, name) for name in inner} <= drawn


def test_imports_between_rooms_never_go_in_a_circle():
    rooms = rooms_imported()
    assert "method" in rooms["energy"] and not rooms["units"] and not rooms["errors"]
    TopologicalSorter(rooms).prepare()


def test_a_circle_of_rooms_would_be_seen(tmp_path):
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "one.py").write_text(f"from {PACKAGE}.below import two\n")
    (tmp_path / "below.py").write_text(f"def late():\n    import {PACKAGE}.above.one\n")
    with pytest.raises(CycleError):
        TopologicalSorter(rooms_imported(tmp_path)).prepare()


def test_every_module_is_imported_by_the_test_file_of_its_name():
    missing = set()
    for module in modules():
        path, name = file_of(module), ".".join((PACKAGE, *module.parts))
        if not path.exists() or name not in imported(path):
            missing.add(module.as_posix())
    assert missing == set()


def test_every_function_of_the_library_has_types_and_every_module_is_judged():
    untyped = [
        f"{path.relative_to(LIBRARY)}: {node.name}"
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and not node.returns
    ]
    assert untyped == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    judged = project["tool"]["mypy"]
    assert judged["files"] == ["workflow/inference_energy"]
    assert judged["disallow_untyped_defs"] and "exclude" not in judged


def test_processes_are_started_in_one_place():
    """A child that starts elsewhere would not have default signals."""
    starting = [path.name for path in TESTS.rglob("*.py") if "subprocess" in imported(path)]
    assert starting == ["processes.py"]


def test_what_lies_in_a_folder_of_a_topic_has_a_room_of_that_name():
    """One word per topic: scripts, templates, captions and schemas, and the rules' files."""
    rooms = {path.stem for path in LIBRARY.iterdir()} | {"notebooks"}
    folders = ("scripts", "templates", "report", "schemas/tables")
    topics = {
        path.name
        for folder in folders
        for path in (ROOT / "workflow" / folder).iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    rules = {path.stem for path in (ROOT / "workflow" / "rules").glob("*.smk")}
    assert topics - rooms == set()
    # what every topic needs, and where the library is found
    assert rules - rooms == {"common", "library"}


def test_every_rule_says_what_it_does():
    """Of a rule without a message the screen shows no step, and its count ends below the total."""
    silent = [
        block.splitlines()[0]
        for path in (ROOT / "workflow" / "rules").glob("*.smk")
        for block in re.split(r"^ *(?:rule|checkpoint) ", path.read_text("utf-8"), flags=re.M)[1:]
        if "message:" not in block
    ]
    assert silent == []


def test_a_rule_and_its_script_have_one_name():
    """The script is named as its rule is, or by the rule's verb alone."""
    apart = []
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for block in re.split(r"^ *(?=rule )", path.read_text("utf-8"), flags=re.M)[1:]:
            rule = re.match(r"rule (\w+):", block)[1]
            script = re.search(r'"\.\./scripts/(\w+)/(\w+)\.py"', block)
            # a rule that is called as its topic has no verb
            if script and rule != script[1] and script[2] not in (rule, rule.split("_")[0]):
                apart.append((rule, script[2]))
    assert apart == []


def test_no_class_has_the_word_of_a_room_that_it_is_not_in():
    rooms = {path.stem for path in LIBRARY.iterdir() if path.is_dir()}
    taken = {
        (path.relative_to(LIBRARY).as_posix(), node.name)
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and node.name.lower() in rooms - {path.relative_to(LIBRARY).parts[0]}
    }
    assert taken == set()


def test_no_template_lies_beside_the_folders():
    """But the one of the page that every topic's report is put into."""
    flat = {path.name for path in (ROOT / "workflow" / "templates").glob("*.jinja")}
    assert flat == {"report.html.jinja"}
