"""The tests' tree mirrors the library, and processes start in one place."""

import ast

from repository import ROOT

LIBRARY = ROOT / "workflow" / "inference_energy"
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


def test_every_module_is_imported_by_the_test_file_of_its_name():
    missing = set()
    for module in modules():
        path, name = file_of(module), ".".join(("inference_energy", *module.parts))
        if not path.exists() or name not in imported(path):
            missing.add(module.as_posix())
    assert missing == set()


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


def test_no_template_lies_beside_the_folders():
    """But the one of the page that every topic's report is put into."""
    flat = {path.name for path in (ROOT / "workflow" / "templates").glob("*.jinja")}
    assert flat == {"report.html.jinja"}
