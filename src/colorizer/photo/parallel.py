"""Work on many photographs at once: in order, on all cores, a few ahead of the consumer."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from threading import Condition
from typing import Any, TypeVar

from joblib import Parallel, cpu_count, delayed

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Photographs a core whose results are in memory at most."""


def map_photos(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Call a function with each of many photographs, in threads; the first error ends all.

    Joblib hands the work out, but would go on without end ahead of a slow consumer.

    Args:
        function: what is done with one.
        items: taken as they are needed.

    Yields:
        The results, in the order of `items`.
    """
    taken, stopped, room = 0, False, Condition()
    cores = cpu_count()
    ahead = AHEAD * cores

    def work(index: int, item: Item) -> Any:
        with room:
            room.wait_for(lambda: stopped or index < taken + ahead)
        return None if stopped else function(item)

    jobs = (delayed(work)(index, item) for index, item in enumerate(items) if not stopped)
    results = Parallel(n_jobs=cores, prefer="threads", return_as="generator")(jobs)
    try:
        for result in results:
            yield result
            with room:
                taken += 1
                room.notify_all()
    finally:
        with room:
            stopped = True
            room.notify_all()
        for _ in results:  # what is being worked on comes to its end, the rest is not begun
            pass


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Let PyTorch compute with one thread a call, while calls come from as many as there are cores.

    It holds for the whole process until the context ends.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
