"""Tell the project's own stress tests: reports, and one page of all of them."""

from pathlib import Path

from _logged import run
from _setups import read_materials
from _training import read_training
from inference_energy import documents
from inference_energy.peers.own_node import beside
from inference_energy.project import shown
from inference_energy.reports import told
from inference_energy.stress.forecast import LAW, forecast
from inference_energy.stress.own_node import held, page, settings_of, tell_test
from inference_energy.tables import read_table, write_text

TOLD = ("predicted", "ratio", "power")


def main(snakemake):
    """Predict every test, and set it beside what was measured."""
    read, params = snakemake.input, snakemake.params
    claims = read_table(read.claims, "claims_published")
    claim = claims.set_index(["claim", "version"]).loc[tuple(params.ratio)]
    cells = read_table(read.cells, "own_node")
    timeline = read_table(read.timeline, "own_node_timeline")
    sources = read_table(read.sources, "sources")
    materials = read_materials(read)
    documented = {
        n: documents.read(path) for n, path in zip(params.methods, read.method, strict=True)
    }
    methods = {name: (method, materials(method)) for name, method in documented.items()}
    hardware = materials.shared["hardware"]
    unusual = held(cells, hardware["models"], hardware["gpus"], shown(read.cells))
    training = read_training(read)[0]
    reports = {Path(path).parent.name: Path(path).parent for path in snakemake.output.reports}
    written = {}
    for name, own in cells.groupby("test", sort=True):
        folder = reports[name]
        known = forecast(settings_of(own), training, hardware, methods)
        over_time = timeline[timeline["test"] == name]
        tell_test(own, over_time, sources, claim["value"], known, folder)
        written[name] = {
            table: read_table(folder / f"{table}.csv", f"stress_{table}")
            for table in ("predicted", "ratio")
        }
    answers = read_table(read.answers, "peer_answers")
    others = beside(cells, answers, training, hardware, LAW)
    text = page(cells, written, others, sources, f"../{shown(folder.parent)}", unusual)
    write_text(snakemake.output.page, told(text, Path(snakemake.output.page).parent))


if __name__ == "__main__":
    run(main, snakemake)
