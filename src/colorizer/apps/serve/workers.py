"""Processes that color; one that dies takes no request with it."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path
from typing import Any, TypeVar

from colorizer.apps.serve.coloring import BUSY, Answer, begin, color, failed
from colorizer.errors import ColorizerError
from colorizer.inference.options import Options

TRIES = 2
"""Workers that a photograph may meet: one that killed both is not given to a third."""

TOO_LATE = Answer(BUSY, "not done in time: send it again later, or make it smaller")

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Worker:
    """A process with the model.

    Args:
        arguments: of `begin`.
    """

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._pool: ProcessPoolExecutor | None = None
        self._processes: Collection[BaseProcess] = ()

    def start(self) -> "Future[str]":
        """Start the process; what it returns says why the model cannot be loaded, or ""."""
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        before = set(active_children())
        try:
            with _unheard_signals():
                return self._pool.submit(begin, *self._arguments)
        finally:
            self._processes = set(active_children()) - before

    def color(self, *arguments: Any) -> "Future[Answer]":
        """Call `color` there."""
        assert self._pool
        return self._pool.submit(color, *arguments)

    def kill(self, *, wait: bool = False) -> None:
        """End the process, whatever it is doing; wait until nothing is left of it, or do not."""
        for process in self._processes:
            process.kill()
        if self._pool:
            self._pool.shutdown(wait, cancel_futures=True)


@contextmanager
def _unheard_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM, which reach all of a terminal, not reach what is started meanwhile.

    A process that still imports would show a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    ensure_running()  # or it is started meanwhile, and lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Workers:
    """Worker processes, each with one photograph at a time; others wait for their turn.

    Args:
        weights: the model's file.
        count: how many processes.
        threads: that each computes with.
        device: where they compute.
        max_megapixels: of a photograph.
        on_death: called when a worker has died or was killed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        count: int,
        threads: int = 1,
        device: str = "cpu",
        max_megapixels: float = 64,
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        self.count = count
        self._max_megapixels = max_megapixels
        self._on_death = on_death
        self._all = [Worker(weights, device, threads) for _ in range(count)]
        self._free: asyncio.Queue[Worker] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.ready = 0

    def __enter__(self) -> "Workers":
        """Start all, and wait until they have loaded the model.

        Raises:
            ColorizerError: if one cannot.
        """
        try:
            for worker, started in [(worker, worker.start()) for worker in self._all]:
                if said := started.result():
                    raise ColorizerError(said)
                self._welcome(worker)
        except BrokenProcessPool:
            self.__exit__()
            raise ColorizerError(
                "a worker was killed while it began, as where memory is short: start fewer with "
                "--workers"
            ) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._all:
            worker.kill(wait=True)

    async def color(self, data: bytes, options: Options, seconds: float) -> Answer:
        """Color a photograph's file when a worker is free.

        If its worker dies, another one gets it, once.

        Args:
            data: the file.
            options: how.
            seconds: that waiting and work may take. At most half of them is waited: a worker that
                began at the last moment would be killed for the others that were waited for.
        """
        deadline, tries = time.monotonic() + seconds, 0
        while tries < TRIES:
            try:
                async with asyncio.timeout((deadline - time.monotonic()) / 2):
                    worker = await self._free.get()
            except TimeoutError:
                return TOO_LATE
            try:
                coming = worker.color(data, options, self._max_megapixels)
            except BrokenProcessPool:  # it died while it had nothing to do
                self._spawn(self._revive(worker))
                continue
            tries += 1
            # a task of its own, which goes on if whoever asked does not wait any more
            if answer := await asyncio.shield(self._spawn(self._watch(worker, coming, deadline))):
                return answer
        return Answer(BUSY, f"{tries} workers died of it: send it again, smaller or repaired")

    async def _watch(
        self, worker: Worker, coming: "Future[Answer]", deadline: float
    ) -> Answer | None:
        """Return what a worker makes of a photograph; None if it dies of it."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                answer = await asyncio.wrap_future(coming)
        except (BrokenProcessPool, TimeoutError) as error:
            self._spawn(self._revive(worker))
            return TOO_LATE if isinstance(error, TimeoutError) else None
        except Exception as error:  # such as no memory for what is sent to it
            answer = failed(error)
        self._free.put_nowait(worker)
        return answer

    async def _revive(self, worker: Worker) -> None:
        """Put a new process in the place of one that is dead, or too late."""
        self.ready -= 1
        self._on_death()
        worker.kill()
        while said := await self._start(worker):
            logger.warning("warning: a worker cannot begin again: %s", said)
            await asyncio.sleep(1)
        self._welcome(worker)

    async def _start(self, worker: Worker) -> str:
        try:
            return await asyncio.wrap_future(worker.start())
        except BrokenProcessPool:
            return "it was killed, as where memory is short"

    def _welcome(self, worker: Worker) -> None:
        self.ready += 1
        self._free.put_nowait(worker)

    def _spawn(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Start a task, and hold it: the loop alone would forget it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
