"""What a change of assumptions does: one page on the screen and as HTML, and the new tables."""

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from _logged import run
from _parallel import mapping
from _published import published_numbers
from _setups import read_materials
from inference_energy import documents
from inference_energy.comparison import whatif, whatif_page
from inference_energy.comparison.sides import (
    NOW,
    PUBLISHED,
    States,
    changed_rows,
    find_sides,
    rows_of_copy,
)
from inference_energy.errors import InputError
from inference_energy.laws.registry import serving_tables
from inference_energy.method.files import method_path, warnings
from inference_energy.method.materials import SERVING, tables_of
from inference_energy.method.plausible import KNOWN, Tables, held_against
from inference_energy.method.serving import served_gpus
from inference_energy.paper import estimate
from inference_energy.tables import load_schema, read_table, write_table, write_text
from inference_energy.templates import render

TABLES = ("energy_per_query", "fleet", "output_tokens", "blend")


def read_sides(snakemake, scratch):
    """Return both sides, a function from a method to its materials, the rows that differ, those of
    the new side's own copy of a table, and files with tables that the other side has otherwise, by
    the path that they had.
    """
    read, params = snakemake.input, snakemake.params
    schema = documents.read(read.schema)
    schemas = {read.traces: "request_lengths", read.models: "models", read.gpus: "gpus"}
    served = {read[SERVING + name]: name for name in serving_tables()}

    def tables(method):
        shared = {**schemas, **(served if "serving" in method else {})}
        return list(dict.fromkeys([*tables_of(method), *shared]))

    base, head = find_sides(Path(), params.method, params.base, schema, tables)
    # only what they name is read: another table may be broken, and a draft's may be no input
    named = {path: "throughput" for side in (base, head) for path in tables_of(side.method)}
    files = {}
    for path, content in (base.files or {}).items():
        files[path] = scratch / path
        files[path].parent.mkdir(parents=True, exist_ok=True)
        files[path].write_bytes(content)
    built_from = {path: file for path, file in files.items() if path not in PUBLISHED}
    gone = {p: f for p, f in files.items() if not Path(p).exists()}
    kept = {p: f for p, f in gone.items() if p not in tables_of(head.method)}
    states = {NOW: read_materials(read, named, kept)}
    if built_from:
        states[base.method["data"]["value"]] = read_materials(read, named, built_from)
    materials = States(states)
    rows = _changed(files, gone, schemas | served | named | PUBLISHED)
    return base, head, materials, rows, _copied(base, head, materials), files


def _copied(base, head, materials):
    """Rows in which the new side's own copy of a table differs from the other side's table."""
    sides = [(tables_of(one.method), one.method) for one in (base, head)]
    if [len(paths) for paths, _ in sides] != [1, 1] or sides[0][0] == sides[1][0]:
        return []
    before, after = ((path, materials(method)["table"]) for (path,), method in sides)
    return rows_of_copy(before, after, load_schema("throughput")["x-key"])


def _changed(files, gone, schemas):
    before = {path: read_table(file, schemas[path]) for path, file in files.items()}
    after = {
        path: before[path][:0] if path in gone else read_table(path, schemas[path])
        for path in files
    }
    return changed_rows(
        before, after, {path: load_schema(schemas[path])["x-key"] for path in files}
    )


def nodes_of(read, head, others):
    """Say by which nodes a method's GPUs are charged, where that is not as it was."""
    if read.nodes not in others:
        return []
    before, after = (read_table(path, "nodes") for path in (others[read.nodes], read.nodes))
    gpus = read_table(read.gpus, "gpus")
    return whatif_page.node_notes(served_gpus(head.method), before, after, gpus)


def read_published(read, others):
    """What numbers are held against, and what those of the other side are, if that is otherwise."""
    names = ("claims", "estimates", "references")
    before = SimpleNamespace(**{name: others.get(read[name], read[name]) for name in names})
    of = [
        whatif.Published(read_table(inputs.claims, "claims_published"), published_numbers(inputs))
        for inputs in (read, *([before] if others.keys() & PUBLISHED.keys() else []))
    ]
    return of[0], of[-1]


def unusual_in(read, head, materials, asked):
    """What is unusual in a method, by its file; what it cannot mean is refused."""
    known = Tables(*(read_table(read[name], name) for name in KNOWN))
    given = materials(head.method)
    lengths = read_table(read.traces, "request_lengths")
    problems, unusual = held_against(head.method, given["table"], known, given["traces"], lengths)
    if problems:
        raise InputError(problems)
    stated = {key: value for key, value in head.method.items() if key not in ("data", "published")}
    stands = method_path(head.name)
    unusual = [*warnings(stated, documents.read(read.schema), stands), *unusual]
    return [line.replace(stands, asked) if asked.endswith(".yaml") else line for line in unusual]


@contextmanager
def _by_file(asked):
    """Let problems of a draft name its file, not the one that a method of its name has."""
    try:
        yield
    except InputError as error:
        if not asked.endswith(".yaml"):
            raise
        stands = method_path(Path(asked).stem)
        raise InputError(p.replace(stands, asked) for p in error.problems) from None


def main(snakemake):
    """Compute both sides, write the tables and pages."""
    with _by_file(snakemake.params.method):
        _main(snakemake)


def _main(snakemake):
    read = snakemake.input
    longer = documents.read(read.scaling)["longer"]["factor"]
    with TemporaryDirectory() as scratch, mapping(snakemake.threads) as apply:
        base, head, materials, rows, copied, others = read_sides(snakemake, Path(scratch))
        fitting = apply(partial(whatif.fitted, materials_of=materials), whatif.needed(base, head))
        # meanwhile, where other processes fit
        unusual = unusual_in(read, head, materials, snakemake.params.method)
        from inference_energy.comparison import whatif_figure
        from inference_energy.drawing import save

        before, after, shares = whatif.ask((base, head), list(fitting), materials, longer, apply)
        problems = [
            problem
            for answer in (before, after)
            for problem in estimate.spread_problems(
                answer.tables["energy_per_query"], method_path(answer.side.method["id"])
            )
        ]
        if problems:
            raise InputError(problems)
        folder = Path("build/whatif") / head.name
        save(whatif_figure.draw(before, after), folder / "before_after.svg")
        lines = whatif.headlines(before, after, longer)
        settings = whatif.changed_settings(base.method, head.method, base.is_committed)
        stated = whatif.changed_sources(base.method, head.method)
        published = read_published(read, others)
        claims = whatif.flipped_claims(before, after, *published)
        judged = [
            *whatif_page.drawn_notes(claims),
            *whatif_page.judged_notes(before, after, settings, *published),
        ]
        notes = nodes_of(read, head, others)
        decisive = whatif.decisive_settings(before, after, settings, *published)
        for name in TABLES:
            table = after.tables[name]
            table = estimate.members(table) if name == "blend" else table
            write_table(table, folder / f"{name}.csv", name)
    named = [s for s in settings if s["setting"] not in whatif.OF_TABLES]
    drawn = sum(claim["drawn"] for claim in claims)
    values = {
        "base": base,
        "head": head,
        "sentence": whatif.sentence(settings, lines, shares, rows, stated, decisive, drawn),
        "headlines": whatif_page.headline_rows(lines),
        "settings": whatif_page.setting_rows(named),
        "rows": [*rows, *copied],
        "unused": [*whatif_page.unused_notes(base.method, head.method), *notes],
        "sources": stated,
        "unusual": unusual,
        "shares": whatif_page.share_rows(shares),
        "members": whatif_page.member_parts(
            whatif.members(before, after),
            head.method["blend"].get("ranked_by", "median"),
            head.method["blend"]["shares"],
        ),
        "claims": whatif_page.claim_rows(claims),
        "judged": judged,
        "drawn": whatif_page.engine_note(before, after),
        "folder": folder,
        "page": folder / "page.html",
        "links": {name: f"{name}.csv" for name in TABLES},
    }
    page = render("comparison/whatif.md.jinja", **values)
    svg = (folder / "before_after.svg").read_text(encoding="utf-8")
    figure = svg[svg.index("<svg") :]
    html = render("comparison/whatif.html.jinja", figure=figure, **values)
    write_text(folder / "page.html", html)
    write_text(folder / "page.md", page)
    # what the run prints last
    write_text(folder.parent / "page.md", page)


if __name__ == "__main__":
    run(main, snakemake)
