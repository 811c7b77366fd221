"""Say what moved in results, figures and data against a git revision."""

from pathlib import Path

from _logged import run
from inference_energy.comparison import changes as comparison_changes
from inference_energy.comparison import page as comparison_page
from inference_energy.comparison import snapshots
from inference_energy.tables import write_text


def main(snakemake):
    """Compare the working tree with the revision, write both pages."""
    since = snakemake.params.since
    before, commit = snapshots.snapshot_of_revision(Path.cwd(), since)
    changes = comparison_changes.compare_snapshots(before, snapshots.snapshot_of_folder(Path.cwd()))
    page = comparison_page.changes_page(changes, since, commit)
    write_text(snakemake.params.page, page)
    write_text(snakemake.params.figures, comparison_page.figures_page(changes, since, commit))
    print(page.split("## Tables")[0].rstrip())
    print(f"\nWritten: {snakemake.params.page}, {snakemake.params.figures}")


if __name__ == "__main__":
    run(main, snakemake)
