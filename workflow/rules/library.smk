import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from snakemake.sourcecache import LocalSourceFile


def unpacked(source):
    """Folder with the files of the commit that the workflow is read from in a git repository.

    Snakemake fetches what its own directives name, one file at a time; the library, the schemas
    and the data are found by their folder.
    """
    hosted = getattr(source, "hosted_repo", None)
    git = ["git", "-C", str(hosted.repo_clone if hosted else source.repo_path)]
    commit = subprocess.run(
        [*git, "rev-parse", f"{source.ref}^{{commit}}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = Path(".snakemake", "projects", commit).absolute()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = tempfile.mkdtemp(dir=folder.parent)
        packed = subprocess.run([*git, "archive", commit], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(partial, filter="data")
        try:
            os.rename(partial, folder)
        except OSError:
            # another process was faster
            if not folder.exists():
                raise
    return folder


here = workflow.current_basedir
is_local = isinstance(here, LocalSourceFile)
PROJECT = Path(here).parents[1] if is_local else unpacked(here)
LIBRARY = PROJECT / "workflow" / "inference_energy"
SCRIPTS = PROJECT / "workflow" / "scripts"
# the library is used where the workflow is parsed and by every script
sys.path.insert(0, str(LIBRARY.parent))
paths = [str(LIBRARY.parent), str(SCRIPTS), os.environ.get("PYTHONPATH", "")]
os.environ.update(PYTHONPATH=os.pathsep.join(paths).rstrip(os.pathsep))
# a job is one process on one core: threads of the numeric libraries would only compete
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
