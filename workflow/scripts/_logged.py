"""Run a script's main function with its messages in the log and on the screen."""

import sys
import traceback

from inference_energy.errors import InputError


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
    """Call ``main(snakemake)``; bad input ends with its message, a defect with its traceback.

    The traceback goes to the log alone, the screen gets its last line and where to look.
    """
    with open(snakemake.log[0], "w", encoding="utf-8") as log:
        screen, sys.stderr = sys.stderr, _Tee(sys.stderr, log)
        try:
            main(snakemake)
        except InputError as error:
            print(error, file=sys.stderr)
            sys.exit(1)
        except Exception as error:
            traceback.print_exc(file=log)
            print(f"{type(error).__name__}: {error} (see {snakemake.log[0]})", file=screen)
            sys.exit(1)
        finally:
            sys.stderr = screen
