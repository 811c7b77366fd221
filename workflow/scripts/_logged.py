"""Run a script's main function with its messages in the log and on the screen."""

import os
import sys
import traceback

from inference_energy.errors import InputError
from inference_energy.job_times import note_time
from inference_energy.lock import hold
from inference_energy.screen import Lasting

# Snakemake lets numeric libraries use the threads of a rule, which are processes here: with as many
# threads in each, small matrices take many times as long. Read when NumPy is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"


def _show(kind, error, trace):
    """Show what ends a script, but not where it was when it was interrupted."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


# set as this module is imported: most of a short job's time are the imports after it
sys.excepthook = _show


class _Tee:
    def __init__(self, *streams):
        self.streams = streams

    def write(self, text):
        for stream in self.streams:
            stream.write(text)

    def flush(self):
        for stream in self.streams:
            stream.flush()


def run(main, snakemake):
    """Call ``main(snakemake)``; what it says goes to its log and to the screen.

    Bad input ends with its message in the log, a defect with its traceback. The screen shows the
    log of a failed job once, when the run says which one failed. A script's process ends here.
    """
    held = hold()
    sys.stdout, sys.stderr = Lasting(sys.stdout), Lasting(sys.stderr)
    with open(snakemake.log[0], "w", encoding="utf-8", errors="backslashreplace") as log:
        screen, sys.stderr = sys.stderr, _Tee(sys.stderr, log)
        try:
            main(snakemake)
        except InputError as error:
            print(error, file=log)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=log)
            sys.exit(1)
        finally:
            sys.stderr = screen
            note_time(snakemake.rule)
            if held:
                held.close()
    # what Python tidies up when a process ends takes up to a fifth of a short job, and is of no use
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
