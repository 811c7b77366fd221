"""Say in docs/cluster.md what requests.md measured."""

import re
from pathlib import Path

from inference_energy.tables import write_text

ROOT = Path(__file__).resolve().parents[1]
MEASURED, PAGE = ROOT / "benchmarks" / "requests.md", ROOT / "docs" / "cluster.md"
LENGTHS, TIMED = "lengths and model", "the same, time and tenant"
WORDS = {"1e+07": "ten million", "1e+08": "a hundred million", "1e+09": "a billion"}

PARAGRAPH = """\
{Most} requests of Parquet (models and lengths) took {time} on two cores: {processor} of processor
time, {ratio} times that of DuckDB's bare scan and group of the same columns, and {memory} of memory
at most, two jobs at once. {Timed} with hours and tenants too took {timed_time}, {timed_processor}
of processor time and {timed_memory}: {timed_ratio} times the bare scan and group, which has nearly
every row as a group of its own there and took {timed_alone} of memory
([benchmarks/requests.md](../benchmarks/requests.md)). A generated day of {queries} queries took
{day_time}, {day_processor} of processor time.

A job costs about {job:.1f} s of processor time to start: {rows} requests of models and lengths took
{one} here as a whole, {split} in {parts} parts{slurm}.
"""

ON_SLURM = """\
, and {time} in as many on a SLURM of one node of
two cores, where every job starts Snakemake anew and is looked after at intervals, first after 40 s\
"""


def rows(text):
    """Rows of the tables of a Markdown text, lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def paragraph(text):
    """Sentences about the costs; ``text`` as requests.md."""
    found = rows(text)
    logs = {name: [row for row in found if row[0] == name][-1] for name in (LENGTHS, TIMED)}
    (_, _, one, spent), (_, parts, split, spent_split) = [r for r in found if r[0] == "two cores"]
    slurm = [ON_SLURM.format(time=row[2]) for row in found if row[0].startswith("SLURM")]
    day = next(row for row in found if row[0].startswith("generate:"))
    values = {"queries": WORDS.get(day[1], day[1])}
    values |= {"day_time": day[2], "day_processor": day[3]}
    of = re.search(r"The log of lengths and models with (\S+) rows", text)[1]
    for prefix, (_, size, time, processor, memory, *_, alone, ratio) in zip(
        ("", "timed_"), logs.values(), strict=True
    ):
        values |= {f"{prefix}time": time, f"{prefix}processor": processor}
        values |= {f"{prefix}memory": memory, f"{prefix}ratio": ratio, f"{prefix}alone": alone}
        values["Timed" if prefix else "Most"] = WORDS.get(size, size).capitalize()
    seconds = [float(cell.split()[0]) for cell in (spent, spent_split)]
    values["job"] = (seconds[1] - seconds[0]) / (int(parts) - 1)
    return PARAGRAPH.format(
        **values,
        one=one,
        split=split,
        parts=parts,
        slurm="".join(slurm),
        rows=WORDS.get(of, of),
    )


def renewed(page, text):
    """The page with the sentences that ``text``, as requests.md, gives."""
    marks = re.compile(r"(<!-- costs -->\n).*?(<!-- end of costs -->\n)", re.DOTALL)
    return marks.sub(lambda found: found[1] + paragraph(text) + found[2], page)


if __name__ == "__main__":
    write_text(PAGE, renewed(PAGE.read_text("utf-8"), MEASURED.read_text("utf-8")))
