"""What the stages log to MLflow while they run; MLflow is imported only if tracking is enabled."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from colorizer.params import Register, Tracking
from colorizer.paths import Paths
from colorizer.tracking.published import Published, tolerate
from colorizer.training.run_record import Epoch, RunRecord, list_grids

if TYPE_CHECKING:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    from colorizer.tracking.run_log import RunLog

SAMPLING = 5  # seconds between two readings of the machine's load


class LiveRun:
    """A training that is logged to MLflow, from a thread of its own.

    So a slow server does not hold the training up, and an interruption, which Python raises in the
    main thread, never leaves a half-logged batch that keeps MLflow's database locked. A server that
    fails costs one warning, not the training.
    """

    def __init__(self, log: "RunLog | None", thread: Executor) -> None:
        self._log = log
        self._thread = thread
        self._news: tuple[list[Epoch], Path] = [], Path()

    def add(self, history: list[Epoch], folder: Path) -> None:
        """Log what is new of a history and of the folder's sample grids, in the background."""
        self._news = list(history), folder
        self._thread.submit(self._tell)

    def finish(self, published: Published) -> None:
        """Complete the run from the finished training's files, and wait until that is done."""
        self._thread.submit(self._complete, published).result()

    def _tell(self) -> None:
        if self._log is None:
            return
        history, folder = self._news  # the latest: one call logs all that waited
        with tolerate("following the training") as failures:
            self._log.add(history, list_grids(folder))
        if failures:
            self._log = None

    def _complete(self, published: Published) -> None:
        if self._log is not None:
            with tolerate("completing the run"):
                self._log.finish(published)


@contextlib.contextmanager
def follow(tracking: Tracking, record: RunRecord) -> Iterator[LiveRun]:
    """Log a training to MLflow as it runs, with the machine's load.

    A resumed training continues its run. One that is interrupted ends its run as KILLED, one
    that fails as FAILED.
    """
    log = monitor = None
    if tracking.enabled:
        with tolerate("starting the run"):
            from colorizer.tracking.run_log import RunLog
            from colorizer.tracking.store import Store

            store = Store(tracking.experiment)
            run_id = store.open_run(record)
            store.client.update_run(run_id, status="RUNNING")
            log = RunLog(store.client, run_id)
            monitor = _start_monitor(run_id)
    status = "FAILED"
    try:
        with ThreadPoolExecutor(1) as thread:  # at its end, all is logged
            yield LiveRun(log, thread)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with tolerate("ending the run"):
            if monitor:
                monitor.finish()  # type: ignore[no-untyped-call]
            if log and status != "FINISHED":
                log.client.set_terminated(log.run_id, status)


def log_model(tracking: Tracking, published: Published, register: Register) -> None:
    """Register a scored model; a failure is a warning."""
    if tracking.enabled:
        with tolerate("registering the model"):
            from colorizer.tracking.registration import publish
            from colorizer.tracking.store import Store

            publish(Store(tracking.experiment), published, register)


def log_method(tracking: Tracking, published: Published) -> None:
    """Log a scored method; a failure is a warning."""
    if tracking.enabled:
        with tolerate("logging the method"):
            from colorizer.tracking.registration import publish_method
            from colorizer.tracking.store import Store

            publish_method(Store(tracking.experiment), published)


def log_comparison(
    tracking: Tracking, paths: Paths, published: list[Published], register: Register
) -> None:
    """Log a comparison and make its best model the champion; a failure is a warning."""
    if tracking.enabled:
        with tolerate("publishing the comparison"):
            from colorizer.tracking.registration import publish_comparison
            from colorizer.tracking.store import Store

            publish_comparison(Store(tracking.experiment), paths, published, register)


def _start_monitor(run_id: str) -> "SystemMetricsMonitor":
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
        run_id, sampling_interval=SAMPLING, resume_logging=True
    )
    monitor.start()  # type: ignore[no-untyped-call]
    return monitor
