"""A ``map`` over the processes of a job."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def mapping(processes):
    """Give a ``map`` over so many processes; over none besides this one where one is allowed."""
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes) as pool:
        yield pool.map
