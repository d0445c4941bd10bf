"""A training's run in MLflow, logged by a thread that the training never waits long for."""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from colorizer.errors import one_line
from colorizer.params import Tracking
from colorizer.tracking.published import Published, warn
from colorizer.tracking.registry import ADDRESS
from colorizer.training.run_record import Epoch, RunRecord, list_grids

if TYPE_CHECKING:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    from colorizer.tracking.run_log import RunLog

SAMPLING = 5  # seconds between two readings of the machine's load
PATIENCE = 20.0  # seconds that a training's end waits for MLflow at least,
SHARE = 0.03  # or this part of its time: with all else, MLflow costs a long one 5 % at most
EMBEDDED = 600.0  # seconds for a store of this machine's own, which is slow only if the machine is


class LiveRun:
    """A training that is logged to MLflow, from a thread of its own.

    All calls to MLflow are made there. So a slow server does not hold the training up, and an
    interruption, which Python raises in the main thread, never leaves a half-logged batch that
    keeps MLflow's database locked. A server that fails costs one warning and is tried again after
    the next epoch; the process does not wait for the thread at its end.

    Args:
        tracking: whether and where to log.
        record: the training's.
    """

    def __init__(self, tracking: Tracking, record: RunRecord) -> None:
        self._enabled = tracking.enabled
        self._experiment = tracking.experiment
        self._address = os.environ.get(ADDRESS, "")  # now: who fetches weights turns it elsewhere
        self._record = record
        self._log: RunLog | None = None
        self._monitor: SystemMetricsMonitor | None = None
        self._news: deque[tuple[list[Epoch], Path]] = deque([([], Path())], maxlen=1)
        self._warned = False
        self._given_up = False
        self._began = time.monotonic()
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        if self._enabled:
            Thread(target=self._work, name="MLflow", daemon=True).start()
            self._jobs.put(self._tell)

    def add(self, history: list[Epoch], folder: Path) -> None:
        """Log what is new of a history and of the folder's sample grids, in the background."""
        self._news.append((list(history), folder))  # in place of what is not logged yet
        self._jobs.put(self._tell)

    def finish(self, published: Published) -> None:
        """Complete the run from the finished training's files; wait a while until that is done."""
        self._jobs.put(partial(self._complete, published))
        embedded = self._address.partition(":")[0] in ("", "sqlite")
        self._wait("completing the run", EMBEDDED if embedded else PATIENCE)

    def end(self, status: str) -> None:
        """End the log, and the run under a status other than FINISHED; wait a while for it."""
        self._jobs.put(partial(self._end, status))
        self._wait("ending the run", PATIENCE)
        self._given_up = True
        self._jobs.put(bool)  # so that the thread sees it

    def _wait(self, action: str, least: float) -> None:
        """Wait until all is logged, or until the training would have to wait too long."""
        done = Event()
        self._jobs.put(done.set)
        seconds = max(least, SHARE * (time.monotonic() - self._began))
        if self._enabled and not self._given_up and not done.wait(seconds):
            self._given_up = True
            if not self._warned:
                warn(action, f"not done after {seconds:.0f} s")

    def _work(self) -> None:
        while not self._given_up:
            self._jobs.get()()

    def _tell(self) -> None:
        try:
            history, folder = self._news.pop()
        except IndexError:  # an earlier call logged all that waited
            return
        with self._tolerate("following the training"):
            self._open().add(history, list_grids(folder))

    def _complete(self, published: Published) -> None:
        with self._tolerate("completing the run"):
            self._open().finish(published)

    def _end(self, status: str) -> None:
        with self._tolerate("ending the run"):
            if status != "FINISHED":
                log = self._open()
                log.client.set_terminated(log.run_id, status)
            self._stop_monitor()

    def _open(self) -> "RunLog":
        """Return the run's log, which says what MLflow has of it already."""
        if self._log is None:
            from colorizer.tracking.run_log import RunLog
            from colorizer.tracking.store import Store

            store = Store(self._experiment, self._address)
            run_id = store.open_run(self._record)
            store.client.update_run(run_id, status="RUNNING")
            self._log = RunLog(store.client, run_id)
            self._monitor = _start_monitor(run_id, store.address)
        return self._log

    @contextlib.contextmanager
    def _tolerate(self, action: str) -> Iterator[None]:
        """Warn of the first failure; after any, ask MLflow anew what it has."""
        try:
            yield
        except Exception as error:  # whatever fails there, the results are on disk
            if not (self._warned or self._given_up):
                warn(action, f"failed: {one_line(error)}")
            self._warned, self._log = True, None
            self._stop_monitor()

    def _stop_monitor(self) -> None:
        if self._monitor:
            self._monitor.finish()  # type: ignore[no-untyped-call]
            self._monitor = None


def _start_monitor(run_id: str, address: str) -> "SystemMetricsMonitor":
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)  # the run's own warning
    monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
        run_id, sampling_interval=SAMPLING, resume_logging=True, tracking_uri=address
    )
    monitor.start()  # type: ignore[no-untyped-call]
    return monitor
