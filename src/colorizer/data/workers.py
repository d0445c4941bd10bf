"""Where work on photographs runs: this machine's threads or a Dask cluster, through joblib."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from joblib import parallel_config

from colorizer.data.start_loops import start_loops
from colorizer.data.witness import at
from colorizer.errors import DISTRIBUTION, ColorizerError

if TYPE_CHECKING:
    from colorizer.params import Engine  # which needs packages that coloring does without

ENVIRONMENT = "distributed.nanny.pre-spawn-environ"  # of Dask's configuration

PATIENCE = 10  # seconds that a scheduler has to answer


@contextlib.contextmanager
def workers(engine: "Engine") -> Iterator[None]:
    """Let every `joblib.Parallel` inside run on the engine's workers.

    A Dask cluster's workers need this package and see the project's files under the same paths.

    Raises:
        ColorizerError: if Dask is asked for and not installed, or its scheduler does not answer or
            has no workers.
    """
    if engine.backend == "local":
        with at("the start of compiled loops"):  # where LLVM ends a process short of memory
            start_loops()
        with parallel_config("threading", n_jobs=engine.workers):
            yield
        return
    try:
        import distributed
    except ImportError:
        raise ColorizerError(
            f"engine.backend is dask, but Dask is not installed: pip install '{DISTRIBUTION}[dask]'"
        ) from None
    with contextlib.ExitStack() as stack:
        if engine.scheduler:
            asked = {"option": "engine.scheduler", "otherwise": "set engine.backend to local"}
            stack.enter_context(connect(engine.scheduler, **asked))
        else:
            count = None if engine.workers < 0 else engine.workers
            stack.enter_context(_cluster_here(count))
        stack.enter_context(parallel_config(_dask_backend()))
        try:
            yield
        except distributed.KilledWorker as error:
            raise ColorizerError(
                f"{error.allowed_failures + 1} Dask workers died at the same photographs, the last "
                f"one at {error.last_worker.address}: their logs name those; take them out, or "
                "give the workers more memory"
            ) from error


@contextlib.contextmanager
def _cluster_here(count: int | None) -> Iterator[None]:
    """Start Dask processes on this machine, one a core by default.

    Dask lets a worker give freed memory back at once, byte for byte, and the next array then costs
    three times as much as what is computed in it.
    """
    import dask
    import distributed

    environment = dict(dask.config.get(ENVIRONMENT))
    environment.pop("MALLOC_TRIM_THRESHOLD_", None)
    with dask.config.set({ENVIRONMENT: environment}):
        cluster = distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        )  # type: ignore[no-untyped-call]
        with cluster, distributed.Client(cluster):  # type: ignore[no-untyped-call]
            yield


def _dask_backend() -> Any:
    """Return Joblib's backend for Dask, which alone would wait without end for a dead worker.

    Nor does it ask a cluster that has one worker yet, but works where it is called.
    """
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            count: int = super().effective_n_jobs(n_jobs)
            return max(count, 2)

        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)
            future.add_done_callback(lambda done: done.exception() and callback(done))
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            return super().retrieve_result_callback(
                out.result() if isinstance(out, Future) else out
            )

    return Backend()


@contextlib.contextmanager
def connect(scheduler: str, *, option: str, otherwise: str) -> Iterator[Any]:
    """Yield a client of a Dask scheduler that answers and has workers.

    Args:
        scheduler: its address.
        option: what named it, for errors.
        otherwise: what to do without it, for errors.

    Raises:
        ColorizerError: if it does not answer or has no workers.
    """
    from distributed import Client
    from distributed.comm.addressing import resolve_address

    try:
        resolve_address(scheduler)  # a client of no address would never be closed
        client = Client(scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ColorizerError(
            f"{option} is {scheduler!r}, but no Dask scheduler answers there: "
            f"start one (`dask scheduler`), or {otherwise} ({error})"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ColorizerError(
                f"the Dask scheduler at {scheduler} has no workers: start one "
                f"(`dask worker {scheduler}`), or {otherwise}"
            ) from None
        yield client
