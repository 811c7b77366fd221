import contextlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import LocalSourceFile


def unpacked(source):
    """Folder with the project's files, where the workflow is read from GitHub or GitLab.

    Snakemake clones the repository, but brings out only what its own directives name, one file at
    a time; the library, the schemas and the data are found by their folder.
    """
    git = ["git", "-C", str(source.hosted_repo.repo_clone)]
    commit = subprocess.run(
        [*git, "rev-parse", f"{source.ref}^{{commit}}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = Path(".snakemake", "projects", commit).absolute()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # no tar: the filter that makes its unpacking safe is not in every Python 3.11
        pack = [*git, "archive", "--format=zip", commit]
        packed = subprocess.run(pack, check=True, capture_output=True).stdout
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(Path(partial, commit))
            # whole or not at all; if another process was faster, its folder stays
            with contextlib.suppress(OSError):
                os.rename(Path(partial, commit), folder)
    return folder


here = workflow.current_basedir
is_local = isinstance(here, LocalSourceFile)
PROJECT = Path(here).parents[1] if is_local else unpacked(here)
LIBRARY = PROJECT / "workflow" / "inference_energy"
SCRIPTS = PROJECT / "workflow" / "scripts"
# the library is used where the workflow is parsed and by every script
sys.path.insert(0, str(LIBRARY.parent))
try:
    from inference_energy import stopping

    # what comes next takes the most time of all that is done before the first step
    stopping.end_quietly()
    import inference_energy.config
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"Package {error.name} is missing where Snakemake runs: this workflow is read with the"
        f" packages of {PROJECT / 'environment.yml'}; run Snakemake in that environment"
    ) from None
paths = [str(LIBRARY.parent), str(SCRIPTS), os.environ.get("PYTHONPATH", "")]
os.environ.update(PYTHONPATH=os.pathsep.join(paths).rstrip(os.pathsep))
# a job is one process on one core: threads of the numeric libraries would only compete
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
