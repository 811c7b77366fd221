"""Write ro-crate-metadata.json: the project and its run as a Workflow Run RO-Crate.

Run by ``make crate`` in .venv-crate. No time of the run is stated, so that the file depends on what
the project holds alone.
"""

import sys
import tomllib
from pathlib import Path

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

RUN = "https://w3id.org/ro/wfrun"
PROFILES = {
    f"{RUN}/process/0.5": "Process Run Crate",
    f"{RUN}/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
LICENCE = "https://spdx.org/licenses/MIT"
PAPER = "https://doi.org/10.1016/j.joule.2026.102430"


def described(root):
    """Describe the project in ``root``.

    Returns
    -------
    ROCrate
        Main workflow, what a run reads and writes, and the run.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    crate = ROCrate(version="1.1")
    crate.name, crate.description = project["name"], project["description"]
    licence = {"@type": "CreativeWork", "name": "MIT"}
    crate.license = crate.add(ContextEntity(crate, LICENCE, licence))
    crate.root_dataset["datePublished"] = released(root)
    author = crate.add(
        ContextEntity(
            crate,
            "#contributors",
            {"@type": "Organization", "name": "The inference-energy contributors"},
        )
    )
    crate.root_dataset["author"] = author
    paper = {"@type": "ScholarlyArticle", "name": "Energy use of AI inference (Joule 2026)"}
    crate.root_dataset["citation"] = crate.add(ContextEntity(crate, PAPER, paper))
    workflow = crate.add_workflow(root / "Snakefile", "Snakefile", main=True, lang="snakemake")
    workflow["name"], workflow["version"] = project["name"], project["version"]
    parts = {
        name: crate.add_directory(root / name, f"{name}/", properties={"name": words})
        for name, words in {
            "config": "methods and settings",
            "data": "benchmark tables and published figures, with their sources",
            "results": "result tables",
            "figures": "figures",
        }.items()
    }
    run = crate.add(
        ContextEntity(
            crate,
            "#run",
            {"@type": "CreateAction", "name": "snakemake --forceall"},
        )
    )
    run["instrument"], run["agent"] = workflow, author
    run["object"] = [parts["config"], parts["data"]]
    run["result"] = [parts["results"], parts["figures"]]
    crate.root_dataset["mentions"] = run
    crate.root_dataset["conformsTo"] = [
        crate.add(
            ContextEntity(
                crate,
                identifier,
                {"@type": "CreativeWork", "name": name, "version": identifier.rpartition("/")[2]},
            )
        )
        for identifier, name in PROFILES.items()
    ]
    return crate


def released(root):
    """Day of the citation."""
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("date-released:"))


if __name__ == "__main__":
    described(Path.cwd()).metadata.write(sys.argv[1])
