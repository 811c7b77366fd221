"""The end of a run: energies, what moved, and where to look."""

import pandas as pd
from inference_energy.comparison.ending import SHOWN, broken_off, ending, ending_of_part
from processes import git
from repository import ROOT


def committed(folder):
    """A checkout whose last commit holds the project's headline."""
    (folder / "results").mkdir()
    text = (ROOT / "results/headline.csv").read_text(encoding="utf-8")
    (folder / "results/headline.csv").write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "results")
    return folder / "results/headline.csv"


def test_a_run_that_moved_nothing_says_so_and_gives_the_energies(tmp_path):
    committed(tmp_path)
    said = "\n".join(ending(tmp_path))
    assert "oviedo2026: 0.308 (0.165–0.602) Wh traditional, 3.91 (" in said
    assert "fleet 1.71 GWh/day" in said
    assert "no number of results/ moved" in said
    assert said.endswith("`make changes` shows all that moved.")


def test_a_run_that_moved_other_tables_alone_names_them_and_what_tells_more(tmp_path):
    path = committed(tmp_path)
    texts = {
        "revised/fleet.csv": "pathway,value\nimproved,{}\n",
        "revised/claims.csv": "claim,value\none,{}\n",
        "audit/tornado.csv": "swing\n{}\n",
        "coefficients.csv": "joule\n{}\n",
        "oviedo2025/fleet.csv": "value\n{}\n",
    }

    def write(number, names=texts):
        for name in names:
            file = tmp_path / "results" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(texts[name].format(number), encoding="utf-8")

    write(1)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "tables")
    # written again, with other bytes of the same number, or new
    write("1.0")
    (tmp_path / "results" / "new.csv").write_text("value\n1\n", encoding="utf-8")
    assert any("no number of results/ moved" in line for line in ending(tmp_path))
    write(2, [name for name in texts if not name.startswith("oviedo")])
    lines = ending(tmp_path)
    place = next(i for i, line in enumerate(lines) if line.startswith("Against commit"))
    assert lines[place].endswith(" no number of the headline moved.")
    assert lines[place + 1 : place + 6] == [
        "Beside it numbers of other tables of results/ moved:",
        "  audit: tornado",
        "  results: coefficients",
        "  revised: claims, fleet",
        "`snakemake whatif --config method=revised` tells which and why.",
    ]
    # a method that the headline tells of is not listed again
    table = pd.read_csv(path)
    table.loc[table["method"] == "revised", "value"] *= 2
    table.to_csv(path, index=False)
    said = "\n".join(ending(tmp_path))
    assert "of the headline's numbers:" in said
    assert "  audit: tornado" in said
    assert "claims, fleet" not in said and "whatif" not in said


def test_tables_that_moved_are_cut(tmp_path):
    committed(tmp_path)
    for of in ("value\n1\n", "value\n2\n"):
        for i in range(SHOWN + 2):
            (tmp_path / "results" / f"m{i}").mkdir(exist_ok=True)
            (tmp_path / "results" / f"m{i}" / "fleet.csv").write_text(of, encoding="utf-8")
            (tmp_path / "results" / "m0" / f"t{i}.csv").write_text(of, encoding="utf-8")
        git(tmp_path, "add", "--all")
        if of.endswith("1\n"):
            git(tmp_path, "commit", "--quiet", "--message", "tables")
    lines = ending(tmp_path)
    assert "  m0: fleet, t0, t1, t2, t3, t4, t5, t6, and 3 more" in lines
    assert "  m7: fleet" in lines and "  and 2 more" in lines
    assert "  m8: fleet" not in lines


def test_a_ratio_at_equal_tokens_that_moved_is_told(tmp_path):
    path = committed(tmp_path)
    table = pd.read_csv(path)
    table.loc[table["method"] == "revised", "at_equal_tokens"] *= 1.1
    table.to_csv(path, index=False)
    (line,) = [line for line in ending(tmp_path) if "at equal tokens" in line]
    assert line.startswith("  revised: long over traditional, medians, at equal tokens 9.7")
    assert line.endswith("(+10.0 %)")


def test_where_the_rest_of_the_quantities_is_stands_at_the_end(tmp_path):
    path = committed(tmp_path)
    assert not any("has not every quantity" in line for line in ending(tmp_path))
    table = pd.read_csv(path)
    own = table["method"] == "revised"
    table[~own | table["quantity"].str.endswith("query, median")].to_csv(path, index=False)
    (line,) = [line for line in ending(tmp_path) if "has not every quantity" in line]
    assert line.startswith("Of revised results/headline.csv ")
    # of many methods none has every one
    table[table["quantity"] != "lever, combined"].to_csv(path, index=False)
    (line,) = [line for line in ending(tmp_path) if "has not every quantity" in line]
    assert line.startswith(f"Of {', '.join(sorted(table['method'].unique()))} results/")


def test_what_moved_is_told_before_where_to_look_and_is_cut(tmp_path):
    path = committed(tmp_path)
    table = pd.read_csv(path)
    table.loc[table["quantity"] == "traditional query, median", "value"] *= 0.9
    table.to_csv(path, index=False)
    lines = ending(tmp_path)
    place = next(i for i, line in enumerate(lines) if line.startswith("Against commit"))
    told = [line for line in lines[place:] if "traditional query, median" in line]
    assert len(told) == table["method"].nunique()
    assert all("(-10.0 %)" in line for line in told)
    table["value"] *= 1.1
    table["method"] = table["method"].replace("revised", "mine")
    table.to_csv(path, index=False)
    lines = ending(tmp_path)
    assert "  mine: new" in lines
    assert len(lines) < SHOWN + 12
    assert any(line.startswith("  and ") and line.endswith(" more") for line in lines)


def test_what_moved_most_is_told_first_in_digits_that_differ(tmp_path):
    path = committed(tmp_path)
    table = pd.read_csv(path).set_index(["method", "quantity"])
    fleet, lever = "fleet, with long queries", "lever, combined"
    table.loc[("oviedo2025", fleet), "value"] *= 1.001
    table.loc[("oviedo2025", lever), "value"] *= 1.00001
    table.loc[("revised", "long query, median"), "value"] *= 0.5
    table.reset_index().to_csv(path, index=False)
    lines = ending(tmp_path)
    place = next(i for i, line in enumerate(lines) if line.startswith("Against commit"))
    assert lines[place + 1 : place + 4] == [
        "  revised: long query, median 7.32 -> 3.66 Wh (-50.0 %)",
        "  oviedo2025: fleet, with long queries 1.889 -> 1.891 GWh/day (+0.1 %)",
        "  oviedo2025: lever, combined 20.4881 -> 20.4883 (+0.001 %)",
    ]


def test_outside_a_checkout_and_without_results(tmp_path):
    assert ending(tmp_path) == []
    committed(tmp_path)
    (tmp_path / ".git").rename(tmp_path / "gone")
    said = "\n".join(ending(tmp_path))
    assert "0.308 (" in said
    assert "Against" not in said
    assert "No commit has results/headline.csv" in said


def test_a_run_that_failed_says_whether_its_numbers_are_new(tmp_path):
    first = broken_off(tmp_path, 0.0)
    assert first[0] == "The run failed above and has not made results/headline.csv."
    path = committed(tmp_path)
    written = path.stat().st_mtime
    late = "\n".join(broken_off(tmp_path, written + 1))
    assert "has not made results/headline.csv: it is that of an earlier run" in late
    assert "Wh" not in late
    lines = broken_off(tmp_path, written)
    assert lines[:-1] == ending(tmp_path)
    assert lines[-1].startswith("The run failed above")


def test_a_run_for_a_file_tells_the_energies_only_if_the_headline_is_as_new(tmp_path):
    headline = "results/headline.csv"
    committed(tmp_path)
    for asked in (headline, "results/claims.md"):
        assert ending_of_part(tmp_path, [asked], [headline, asked], []) == ending(tmp_path)
    for asked in ("results/revised/fleet.csv", "figures/revised/curve.png", "build/report.html"):
        (line,) = ending_of_part(tmp_path, [asked], [asked], [asked])
        assert line.startswith(f"{headline} is no part of this run")
        assert " Wh" not in line
        assert ending_of_part(tmp_path, [asked], [asked], []) == []
    # a stress test may have to resolve a method first
    resolved = ["results/revised/method.yaml"]
    assert ending_of_part(tmp_path, ["stress"], resolved, resolved) == []
