"""Colors many files on a Dask cluster, whose workers see them under the same paths."""

import contextlib
import itertools
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from functools import lru_cache
from pathlib import Path
from typing import Any

from colorizer.data.workers import connect
from colorizer.errors import ColorizerError, MissingExtraError, one_line
from colorizer.inference.batch import Outcome, colorize_one
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.folder import Left
from colorizer.inference.native_messages import keep_native_messages
from colorizer.inference.options import Options
from colorizer.inference.plan import Task

BATCH = 8  # files that a worker takes at a time
AHEAD = 4  # batches a core that are handed out or wait to be taken, at most

Load = Callable[[str], Colorizer | None]


@lru_cache(maxsize=1)
def _loaded(load: Load, model: str, _run: str) -> Colorizer | None:
    """Load a run's model once in a worker; the next run may mean other weights by its name."""
    return load(model)


def _work(
    tasks: list[Task | Left], load: Load, model: str, options: Options, folder: Path, run: str
) -> list[Outcome]:
    """Color some files in a worker, in the folder in which the command was given."""
    with contextlib.chdir(folder), keep_native_messages() as messages:
        colorizer = _loaded(load, model, run)
        fair = colorizer.network.one_thread_each() if colorizer else contextlib.nullcontext()
        with fair:
            return [colorize_one(task, colorizer, options, messages) for task in tasks]


def colorize_on_cluster(
    tasks: Iterable[Task | Left], scheduler: str, load: Load, model: str, options: Options
) -> Iterator[Outcome]:
    """Color photographs on a cluster's workers; yield what becomes of each, in their order.

    A worker that dies costs nothing: others do its files. A file with which workers die again and
    again has failed, and the rest go on. Few outcomes wait in memory, however many files there are.

    Args:
        tasks: photographs, and what is left, as `colorize_all` takes them.
        scheduler: Dask's address. Its workers need this package, one thread each.
        load: a function of a module, which loads a model by its name.
        model: the name.
        options: how they are colored.

    Raises:
        ColorizerError: if there is no such scheduler, it is lost, or its workers cannot work.
    """
    try:
        from distributed import Client  # noqa: F401
    except ImportError:
        raise MissingExtraError("--scheduler", "Dask", "dask") from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it is said in one line
    with connect(scheduler, option="--scheduler", otherwise="leave it out") as client:
        asked = load, model, options, Path.cwd(), uuid.uuid4().hex
        handed_out: deque[tuple[Any, list[Task | Left]]] = deque()
        left = iter(tasks)
        while batch := list(itertools.islice(left, BATCH)):
            handed_out.append((_submit(client, batch, asked), batch))
            if len(handed_out) > _most(client):
                yield from _take(client, *handed_out.popleft(), asked)
        while handed_out:
            yield from _take(client, *handed_out.popleft(), asked)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what a cluster that cannot go on raises into a line."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ColorizerError(
            "the Dask scheduler is lost: the same command does the rest"
        ) from error
    except (ImportError, AttributeError, TypeError) as error:
        raise ColorizerError(
            f"a Dask worker cannot color: {one_line(error)}: it needs this version of the package"
        ) from error


@_explained()
def _submit(client: Any, tasks: list[Task | Left], asked: tuple[Any, ...]) -> Any:
    return client.submit(_work, tasks, *asked, pure=False)


@_explained()
def _most(client: Any) -> int:
    """Return how many batches are handed out at once, by the workers that are there now."""
    threads: dict[str, int] = client.nthreads()
    return AHEAD * max(1, sum(threads.values()))


@_explained()
def _take(
    client: Any, future: Any, tasks: list[Task | Left], asked: tuple[Any, ...]
) -> list[Outcome]:
    """Wait for a batch; if workers died of it, find out by which file."""
    from distributed import KilledWorker

    try:
        outcomes: list[Outcome] = future.result()
        return outcomes
    except KilledWorker:
        if len(tasks) == 1:
            said = f"{tasks[0].source}: every process that colored it was killed"
            return [Outcome(tasks[0], "failed", said)]
        alone = [(_submit(client, [task], asked), [task]) for task in tasks]
        return [outcome for one in alone for outcome in _take(client, *one, asked)]
