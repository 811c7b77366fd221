"""`snakemake docs/power.md` asks of GPUs and nodes what a method is asked of them."""

import csv

import pytest
from inference_energy.reuse import checksums
from processes import one_message, snakemake
from repository import copy_to

PAGE = "docs/power.md"
NODES = "data/nodes.csv"
METERS = "data/measured/mlperf_wall_power.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_to(tmp_path_factory.mktemp("project"))


def with_fixed_part(project, watts):
    """Run the rule on nodes of which the first has another fixed part."""
    path = project / NODES
    with path.open(newline="", encoding="utf-8") as file:
        head, first, *others = csv.reader(file)
    first[head.index("fixed_w")] = watts
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, first, *others])
    checksums.write(project / "data")
    return snakemake(project, PAGE)


def test_a_node_that_its_gpus_contradict_is_refused(project):
    one_message(
        with_fixed_part(project, "40"),
        f'{NODES}: node HGX B200: column "fixed_w": value 40: 0.005 times that of 8 x 1000 W',
    )


def test_a_node_that_is_unusual_is_told_on_the_page(project):
    """A tenth of what the project's nodes draw outside their GPUs was fitted to in silence."""
    done = with_fixed_part(project, "127.16")
    assert done.returncode == 0, done.stdout
    page = (project / PAGE).read_text(encoding="utf-8")
    unusual = page.partition("## What is unusual\n\n")[2].splitlines()
    own, meters = unusual[0], unusual[1:]
    assert own.startswith(
        f'- {NODES}: node HGX B200: column "fixed_w": value 127.16: unusual; 0.0159 times that of'
    )
    # what such a node draws, its meters read more than
    assert meters
    assert all(
        line.startswith(f"- {METERS}: mlperf-v5.1") and "with HGX B200 of data/nodes.csv" in line
        for line in meters
    )


def test_a_meter_beyond_what_its_node_can_draw_is_refused(tmp_path):
    # a run of the page that is refused leaves none
    project = copy_to(tmp_path)
    path = project / METERS
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    powers = [head.index(name) for name in head if name.startswith("wall_")]
    for row in rows:
        for column in powers:
            row[column] = f"{1.6 * float(row[column]):.6g}"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    checksums.write(project / "data")
    for asked in ("build/data_checked.txt", PAGE):
        ended = snakemake(project, asked)
        one_message(ended, f"{METERS}: mlperf-v4.1", 'column "wall_power_w"', "allowed is 0 to")
