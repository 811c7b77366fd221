"""A ``map`` over the processes of a job."""

import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def mapping(processes):
    """Give a ``map`` over so many processes; over none besides this one where one is allowed."""
    if processes == 1:
        yield map
        return
    # interrupted with the job, a process ends without a word
    told = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_DFL)}
    with ProcessPoolExecutor(processes, **told) as pool:
        yield pool.map
