"""What the stages log to MLflow while they run; MLflow is imported only if tracking is enabled."""

import contextlib
from collections.abc import Callable, Iterator

from colorizer.params import Register, Tracking
from colorizer.paths import Paths
from colorizer.tracking.live_run import LiveRun
from colorizer.tracking.published import Published, tolerate
from colorizer.training.run_record import RunRecord


@contextlib.contextmanager
def follow(tracking: Tracking, record: RunRecord) -> Iterator[LiveRun]:
    """Log a training to MLflow as it runs, with the machine's load.

    A resumed training continues its run. One that is interrupted ends its run as KILLED, one
    that fails as FAILED.
    """
    live = LiveRun(tracking, record)
    status = "FAILED"
    try:
        yield live
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        live.end(status)


def log_model(tracking: Tracking, published: Published, register: Register) -> None:
    """Register a scored model; a failure is a warning."""

    def log() -> None:
        from colorizer.tracking.registration import publish
        from colorizer.tracking.store import Store

        publish(Store(tracking.experiment), published, register)

    _tell(tracking, "registering the model", log)


def log_method(tracking: Tracking, published: Published) -> None:
    """Log a scored method; a failure is a warning."""

    def log() -> None:
        from colorizer.tracking.registration import publish_method
        from colorizer.tracking.store import Store

        publish_method(Store(tracking.experiment), published)

    _tell(tracking, "logging the method", log)


def log_comparison(
    tracking: Tracking, paths: Paths, published: list[Published], register: Register
) -> None:
    """Log a comparison and make its best model the champion; a failure is a warning."""

    def log() -> None:
        from colorizer.tracking.registration import publish_comparison
        from colorizer.tracking.store import Store

        publish_comparison(Store(tracking.experiment), paths, published, register)

    _tell(tracking, "publishing the comparison", log)


def _tell(tracking: Tracking, action: str, log: Callable[[], None]) -> None:
    if tracking.enabled:
        with tolerate(action):
            log()
