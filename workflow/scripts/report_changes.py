"""Say what moved in results, figures and data against a git revision."""

from pathlib import Path

from inference_energy import changes as audit
from inference_energy.tables import write_text
from logged import run


def main(snakemake):
    """Compare the working tree with the revision, write both pages."""
    since = snakemake.params.since
    before, commit = audit.snapshot_of_revision(Path.cwd(), since)
    changes = audit.compare_snapshots(before, audit.snapshot_of_folder(Path.cwd()))
    page = audit.changes_page(changes, since, commit)
    write_text(snakemake.params.page, page)
    write_text(snakemake.params.figures, audit.figures_page(changes, since, commit))
    print(page.split("## Tables")[0].rstrip())
    print(f"\nWritten: {snakemake.params.page}, {snakemake.params.figures}")


if __name__ == "__main__":
    run(main, snakemake)
