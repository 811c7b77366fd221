"""What a script is made of besides itself, of which Snakemake would not see an edit.

Text is searched, for a run reads some hundred files before it plans anything, and a syntax tree of
each takes twenty times as long.
"""

import re
from functools import cache
from pathlib import Path

IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]+))",
    re.MULTILINE,
)
TEMPLATE = re.compile(r"""["']([\w/]+\.(?:md|html)\.jinja)["']""")
"""How a Python file names a template."""


@cache
def modules(root: Path) -> dict[str, Path]:
    """Python files below a folder, by the name that imports them from there."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        *parts, name = path.relative_to(root).with_suffix("").parts
        found[".".join(parts if name == "__init__" else [*parts, name])] = path
    return found


def _names(text: str) -> set[str]:
    """Dotted names that a text imports: modules, or what is taken from them."""
    names = set()
    for module, taken, plain in IMPORT.findall(text):
        each = re.sub(r"#[^\n]*|[()]", "", taken or plain).split(",")
        words = [part.split()[0] for part in each if part.split()]
        names |= {module, *(f"{module}.{word}" for word in words)} if module else set(words)
    return names


@cache
def _direct(path: Path, roots: tuple[Path, ...]) -> tuple[frozenset[Path], frozenset[str]]:
    """Files that a file imports from the roots, and templates that it names."""
    text = path.read_text(encoding="utf-8")
    names = _names(text)
    files = {of[name] for of in map(modules, roots) for name in names & of.keys()}
    return frozenset(files - {path}), frozenset(TEMPLATE.findall(text))


def behind(path: Path, roots: tuple[Path, ...]) -> tuple[set[Path], set[str]]:
    """Files that a Python file imports, followed through theirs, and templates that any names.

    Parameters
    ----------
    path : Path
        The file.
    roots : tuple of Path
        Folders whose modules count.
    """
    files: set[Path] = set()
    new, templates = {path}, set()
    while new:
        found = [_direct(file, roots) for file in new]
        files |= new
        new = {file for imported, _ in found for file in imported} - files
        templates |= {name for _, named in found for name in named}
    return files - {path}, templates
