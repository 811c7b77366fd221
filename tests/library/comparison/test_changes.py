"""What moved against a git revision, and that cosmetic changes do not count."""

import io
from math import inf

import matplotlib.pyplot as plt
import numpy as np
from inference_energy.comparison.changes import (
    Moved,
    canonical_svg,
    compare_snapshots,
    compare_tables,
)
from inference_energy.comparison.page import changes_page, figures_page
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
