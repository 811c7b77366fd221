"""What moved against a git revision, and that cosmetic changes do not count."""

import io
from math import inf

import matplotlib.pyplot as plt
import numpy as np
import pytest
from inference_energy.comparison.changes import (
    Changes,
    Moved,
    TableChange,
    canonical_svg,
    compare_snapshots,
    compare_tables,
    key_columns,
    same_figure,
)
from inference_energy.comparison.page import changes_page, figures_page
from inference_energy.errors import InputError
from library.comparison.snapshot import CLAIMS, DATA, ENERGY, FILES, METHOD, REWRITTEN


def svg(heights, salt="a"):
    plt.rcParams["svg.hashsalt"] = salt
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot(heights)
    with io.BytesIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": salt})
        plt.close(figure)
        return file.getvalue()


def png(value, compression):
    with io.BytesIO() as file:
        pixels = np.full((4, 4, 3), value, dtype=float)
        plt.imsave(file, pixels, format="png", pil_kwargs={"compress_level": compression})
        return file.getvalue()


def snapshot(**changed):
    files = {path: text.encode() for path, text in FILES.items()}
    files |= {"figures/a.svg": svg([1, 2]), "figures/a.png": png(0.5, 9)}
    return files | {path.replace("__", "/"): content for path, content in changed.items()}


def page(after, before=None):
    return changes_page(compare_snapshots(before or snapshot(), after), "HEAD", "abc")


def test_rounding_of_an_older_revision_is_not_told():
    """A result that was written as 2.22e-14 and is zero now did not move."""
    header = b"engine,regime,model,statistic,value,unit\n"
    old = header + b"exact,long,M,std,2.22e-14,tokens/s\n"
    new = header + b"exact,long,M,std,-1.55e-13,tokens/s\n"
    assert not compare_tables("results/m/throughput.csv", old, new).moved
    assert Moved({}, "value", "1e-14", "695.5").relative == inf


def test_nothing_moved():
    text = page(snapshot())
    assert "Nothing moved: 4 lines of 2 tables, 2 rows of data and 3 other files" in text


def cosmetic():
    """Every file rewritten without a change of meaning."""
    header, *rows = ENERGY.splitlines()
    return snapshot() | {
        "results/mine/energy_per_query.csv": "\r\n".join([header, *reversed(rows)])
        .replace(",0.3,", ",0.300,")
        .encode(),
        "results/mine/claims.csv": CLAIMS.replace(",0.3,Wh", ",3e-1,Wh").encode(),
        "results/mine/method.yaml": REWRITTEN,
        "results/claims.md": b"# Claims\n\n\nAll  hold.\n",
        "data/throughput/mine.csv": DATA.replace(",100,", ",100.0,").encode(),
        "figures/a.svg": svg([1, 2], salt="b"),
        "figures/a.png": png(0.5, 0),
    }


def test_cosmetic_changes_are_none():
    after = cosmetic()
    assert all(after[path] != content for path, content in snapshot().items())
    assert not compare_snapshots(snapshot(), after).any
    assert "Nothing moved" in page(after)


def test_the_headline_comes_first_then_claims_settings_tables_data_figures():
    text = page(
        snapshot()
        | {
            "results/mine/energy_per_query.csv": ENERGY.replace(",0.3,", ",0.33,")
            .replace(",0.1,", ",0.2,")
            .encode(),
            "results/mine/claims.csv": CLAIMS.replace(",reproduced", ",not reproduced").encode(),
            "results/mine/method.yaml": METHOD.replace("1.2", "1.3").encode(),
            "figures/a.svg": svg([1, 3]),
        }
    )
    places = [
        text.index(part)
        for part in (
            "| mine | traditional | exact | 0.3 | 0.33 | +10 % |",
            "| mine | median | reproduced | not reproduced |",
            "| mine | pue.value | 1.2 | 1.3 | 1 |",
            "energy_per_query.csv: 0 added, 0 removed, 2 altered, 1 unchanged",
            "subject=Llama 3.1 70B, pathway=baseline, statistic=p50 | value | 0.1 | 0.2 | +100 % |",
            "frontier blend, pathway=baseline, statistic=p50 | value | 0.3 | 0.33 | +10 % |",
            "1 table of data did not change.",
            "1 figure moved",
            "- figures/a.svg",
        )
    ]
    assert places == sorted(places)


def test_a_method_that_came_or_went_is_told_with_its_medians():
    added = {
        "results/newer/energy_per_query.csv": ENERGY.encode(),
        "results/newer/method.yaml": METHOD.encode(),
    }
    text = page(snapshot() | added)
    assert "did not move" not in text.partition("## Claims")[0]
    assert "| newer | traditional | exact |  | 0.3 | new |\n" in text
    assert "- newer is new: `snakemake whatif --config method=newer` holds it against" in text
    assert "| newer | pue.value |" not in text
    gone = page(snapshot(), snapshot() | added)
    assert "| newer | traditional | exact | 0.3 |  | gone |\n" in gone
    assert "\n- newer is gone.\n" in gone
    assert "| newer | pue.value |" not in gone


def test_rows_of_data_are_added_removed_and_altered():
    after = DATA.replace("a,H100,8,FP8,128,128,100,s", "c,H100,8,FP8,1,1,5,s")
    change = compare_tables("data/t.csv", DATA.encode(), after.encode())
    assert [row["model"] for row in change.added] == ["c"]
    assert [row["model"] for row in change.removed] == ["a"]
    assert change.unchanged == 1
    source = DATA + "c,H100,8,FP8,128,128,300,s,seen\n".replace(",seen", "")
    change = compare_tables("data/t.csv", DATA.encode(), source.encode())
    assert (len(change.added), change.removed, change.moved) == (1, [], [])


def test_a_throughput_that_changes_is_one_row_removed_and_one_added():
    change = compare_tables("data/t.csv", DATA.encode(), DATA.replace(",100,", ",101,").encode())
    assert (len(change.added), len(change.removed), change.moved) == (1, 1, [])


def test_a_table_without_schema_is_compared_by_whole_rows():
    change = compare_tables("results/x.csv", b"a,b\n1,2\n1,2\n3,4\n", b"a,b\n3,4\n1,2.0\n")
    assert (len(change.removed), change.added, change.unchanged) == (1, [], 2)


def test_a_column_more_is_told_as_values():
    change = compare_tables(
        "results/f.csv",
        ENERGY.encode(),
        ENERGY.replace("unit\n", "unit,note\n").replace("Wh\n", "Wh,x\n").encode(),
    )
    assert {(m.column, m.before, m.after) for m in change.moved} == {("note", "", "x")}


def test_a_value_from_zero_has_no_percentage():
    before = ENERGY.replace(",0.3,", ",0,")
    assert "| 0 | 0.3 | from zero |" in page(
        snapshot(), snapshot() | {"results/mine/energy_per_query.csv": before.encode()}
    )


def test_new_and_gone_files_are_named():
    before = snapshot()
    after = {path: content for path, content in before.items() if "energy" not in path}
    after["results/mine/fleet.csv"] = b"engine,scenario\nexact,long\n"
    after["figures/b.png"] = png(0.1, 9)
    text = page(after, before)
    assert "### results/mine/energy_per_query.csv: gone, 3 rows" in text
    assert "### results/mine/fleet.csv: new, 1 row" in text
    assert "- figures/b.png (new)" in text


def test_what_a_file_states_is_told_with_its_method_alone():
    found = compare_snapshots({}, {"results/mine/stated.yaml": METHOD.encode()})
    assert not found.any
    assert found.unchanged_files == 0


def test_a_method_that_is_judged_otherwise_has_changed():
    path = "results/mine/method.yaml"
    named = METHOD + "kind: user\nclaims: v1\n"
    moved = named.replace("v1", "v2").replace("user", "variant").encode()
    found = compare_snapshots({path: named.encode()}, {path: moved})
    keys = ["setting", "path", "base", "head", "unit", "base_source", "head_source"]
    lines = [[line[key] for key in keys] for line in found.settings[path]]
    assert lines == [
        ["kind", "kind", "user", "variant", None, None, None],
        ["claims", "claims", "v1", "v2", None, None, None],
    ]
    assert [[*line] for line in found.settings[path]] == [keys, keys]
    assert found.unchanged_files == 0
    for before, after in (({path: moved}, {}), ({}, {path: moved})):
        of_one = compare_snapshots(before, after).settings[path]
        assert {"kind", "claims"}.isdisjoint(line["path"] for line in of_one)


def test_what_stands_behind_what_a_method_states_is_compared_too():
    found = compare_snapshots({}, {"results/a/stated.yaml": b"x", "results/b/notes.md": b"y"})
    assert found.texts == ["results/b/notes.md"]


def test_drawings_that_differ_are_told_apart():
    assert canonical_svg(svg([1, 2], "a")) == canonical_svg(svg([1, 2], "b"))
    assert canonical_svg(svg([1, 2])) != canonical_svg(svg([1, 2.5]))


def test_a_png_alone_is_compared_by_its_pixels():
    before, after = {"figures/x.png": png(0.5, 9)}, {"figures/x.png": png(0.4, 9)}
    assert [path for path, *_ in compare_snapshots(before, after).figures] == ["figures/x.png"]
    assert compare_snapshots(before, {"figures/x.png": png(0.5, 0)}).figures == []


def test_the_figures_page_holds_both_figures_in_itself():
    after = snapshot() | {"figures/a.svg": svg([1, 3])}
    text = figures_page(compare_snapshots(snapshot(), after), "HEAD", "abc")
    assert text.count("data:image/svg+xml;base64,") == 2
    assert "http" not in text
    assert "No figure moved" in figures_page(compare_snapshots(after, after), "HEAD", "abc")


def test_a_change_is_relative_between_numbers_alone():
    assert Moved({}, "value", "2", "3").relative == pytest.approx(0.5)
    assert Moved({}, "value", "-2", "-3").relative == pytest.approx(-0.5)
    for before, after in (("2", ""), ("", "2"), ("yes", "no")):
        assert Moved({}, "value", before, after).relative is None


def test_rows_are_counted_old_and_new():
    row, other = {"a": "1"}, {"a": "2"}
    moved = [Moved(row, column, "1", "2") for column in ("b", "c")]
    change = TableChange("t.csv", [row], [row, other], moved, 4)
    assert (change.altered, change.rows, change.whole) == (1, 8, None)
    assert (TableChange("t.csv", [row]).whole, TableChange("t.csv", [], [row]).whole) == (
        "new",
        "gone",
    )
    for added, removed in (([row], []), ([], [row]), ([row], [row])):
        assert TableChange("t.csv", added, removed, [], 1).whole is None
    assert TableChange("t.csv").whole is None


@pytest.mark.parametrize("place", range(4))
def test_whatever_differs_is_a_change(place):
    parts = [
        [TableChange("t.csv", [{"a": "1"}])],
        [("a.svg", None, b"")],
        {"m/method.yaml": [{"key": "pue"}]},
        ["a.md"],
    ]
    nothing = [[TableChange("t.csv", unchanged=2)], [], {}, []]
    mixed = [part if at == place else nothing[at] for at, part in enumerate(parts)]
    assert Changes(*mixed, 3).any
    assert not Changes(*nothing, 3).any


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        # a byte order mark and line ends are no part of a cell, and Latin letters are read
        (b"a,b\n1,x\n", b"\xef\xbb\xbfa,b\r\n1,x\r\n", (0, 0, 0, 1)),
        (b"a,b\n1,caf\xe9\n", b"a,b\n1,caf\xe9\n", (0, 0, 0, 1)),
        # text is not a number, nor the other way round
        (b"a,b\n1,x\n", b"a,b\n1,2\n", (1, 1, 0, 0)),
        # without a schema rows are compared whole, those that stand there twice by their number
        (b"a,b\n1,2\n1,2\n1,2\n", b"a,b\n1,2\n1,2\n1,2\n", (0, 0, 0, 3)),
        (None, b"a,b\n", (0, 0, 0, 0)),
        (b"a,b\n", None, (0, 0, 0, 0)),
        (None, b"a,b\n1,2\n", (1, 0, 0, 0)),
    ],
)
def test_rows_are_compared_as_what_they_say(before, after, counts):
    found = compare_tables("results/x.csv", before, after)
    assert (len(found.added), len(found.removed), len(found.moved), found.unchanged) == counts


def test_a_key_that_stands_twice_on_one_side_compares_whole_rows():
    header, first, *rest = ENERGY.splitlines(keepends=True)
    twice = "".join([header, first.replace(",0.3,", ",0.5,"), first, *rest])
    for before, after, sides in ((ENERGY, twice, (1, 0)), (twice, ENERGY, (0, 1))):
        change = compare_tables("results/f.csv", before.encode(), after.encode())
        assert (len(change.added), len(change.removed)) == sides
        assert (change.moved, change.unchanged) == ([], 3)


def test_a_value_that_is_gone_is_told_as_empty():
    after = ENERGY.replace(",0.3,", ",,")
    (moved,) = compare_tables("results/f.csv", ENERGY.encode(), after.encode()).moved
    assert (moved.before, moved.after) == ("0.3", "")
    narrow = "\n".join(line.rpartition(",")[0] for line in ENERGY.splitlines())
    change = compare_tables("results/f.csv", ENERGY.encode(), narrow.encode())
    assert {(m.column, m.before, m.after) for m in change.moved} == {("unit", "Wh", "")}


def test_of_several_schemas_that_fit_the_one_of_fewest_keys_counts():
    header = ENERGY.splitlines()[0].split(",")
    assert key_columns(header) == ["engine", "regime", "subject", "pathway", "statistic"]
    assert key_columns(["b", "a"]) == ["a", "b"]


DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
  <title>t</title><metadata>now</metadata>
  <defs><path id="{name}" d="M 1.0 2.50 L 3 4"/><path id="{other}" d="M 0 0"/></defs>
  <use xlink:href="#{used}" style="fill: #ff0000"/><text>  two   words </text>
</svg>"""
NAMES = {"name": "m1", "other": "m2", "used": "m1"}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("<title>t</title>", "<title>another</title>", True),
        ("<metadata>now</metadata>", "<metadata>then</metadata>", True),
        ("M 1.0 2.50 L", "M 1   2.5 L", True),
        ("  two   words ", "two words", True),
        ("two   words", "twowords", False),
        ("two   words", "other words", False),
        ("M 1.0 2.50 L", "M 1.5 2.50 L", False),
        ("M 1.0 2.50 L", "M 1.02.50 L", False),
        ("#ff0000", "#ff0001", False),
        ("<defs>", "<defs><!-- drawn -->", True),
    ],
)
def test_a_drawing_is_what_is_seen_of_it(old, new, same):
    drawing = DRAWING.format(**NAMES)
    assert old in drawing
    assert same_figure(".svg", drawing.encode(), drawing.replace(old, new).encode()) is same


def test_elements_are_known_by_what_refers_to_them_whatever_they_are_called():
    drawing = DRAWING.format(**NAMES).encode()
    other = DRAWING.format(name="x", other="y", used="x").encode()
    assert same_figure(".svg", drawing, other)
    assert not same_figure(".svg", drawing, DRAWING.format(**NAMES | {"used": "m2"}).encode())


def test_the_element_that_is_referred_to_counts_and_ids_that_nothing_refers_to_do_not():
    drawing = DRAWING.format(**NAMES).replace(' id="m2"', "")
    moved = drawing.replace(' id="m1"', "").replace("<path d", '<path id="m1" d')
    other = moved.replace('<path id="m1" d', "<path d", 1)
    assert drawing.count('id="m1"') == other.count('id="m1"') == 1
    assert not same_figure(".svg", drawing.encode(), other.encode())
    unused = drawing.replace("<text>", '<text id="words">')
    assert same_figure(".svg", drawing.encode(), unused.encode())


def test_a_figure_that_is_no_drawing_is_another():
    assert not same_figure(".svg", b"<svg", DRAWING.format(**NAMES).encode())
    assert same_figure(".svg", b"<svg", b"<svg")


def test_every_kind_of_file_is_compared_as_what_it_is():
    before = {
        "figures/a.svg": svg([1, 2]),
        "figures/b.svg": svg([1, 2]),
        "figures/c.png": png(0.5, 9),
        "figures/d.png": png(0.5, 9),
        "results/mine/method.yaml": METHOD.encode(),
        "results/other/method.yaml": METHOD.encode(),
        "results/caf\u00e9.md": b"caf\xe9  au lait\n",
        "results/same.md": b"a b",
    }
    after = {
        "figures/a.svg": svg([1, 2], salt="b"),
        "figures/b.svg": svg([1, 2], salt="b"),
        "figures/b.png": png(0.1, 9),
        "figures/c.png": png(0.5, 0),
        "figures/d.png": png(0.1, 9),
        "figures/d.svg": svg([1, 2]),
        "results/new/method.yaml": METHOD.encode(),
        "results/other/method.yaml": METHOD.replace("1.2", "1.3").encode(),
        "results/caf\u00e9.md": b"caf\xe9 au lait\n",
        "results/same.md": b"ab",
        "results/new.md": b"",
    }
    found = compare_snapshots(before, after)
    # a PNG beside an SVG, on either side, is the same figure
    assert [(path, old) for path, old, _ in found.figures] == [("figures/d.svg", None)]
    assert found.tables == []
    assert found.texts == ["results/new.md", "results/same.md"]
    assert found.unchanged_files == 4
    assert list(found.settings) == [
        "results/mine/method.yaml",
        "results/new/method.yaml",
        "results/other/method.yaml",
    ]
    (changed,) = found.settings["results/other/method.yaml"]
    assert (changed["path"], changed["base"], changed["head"]) == ("pue.value", "1.2", "1.3")


def test_a_method_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match=r"results/mine/method\.yaml, line 2"):
        compare_snapshots({}, {"results/mine/method.yaml": b"a: [1"})
