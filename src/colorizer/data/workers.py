"""Who works on photographs: this machine's threads or a Dask cluster; joblib hands the work out."""

import contextlib
from collections.abc import Iterator

from joblib import parallel_config

from colorizer.errors import DISTRIBUTION, ColorizerError
from colorizer.params import Engine

PATIENCE = 10  # seconds that a scheduler has to answer


@contextlib.contextmanager
def workers(engine: Engine) -> Iterator[None]:
    """Let every `joblib.Parallel` inside run on the engine's workers.

    A Dask cluster's workers need this package and see the project's files under the same paths.

    Raises:
        ColorizerError: if Dask is asked for and not installed, or its scheduler does not answer or
            has no workers.
    """
    if engine.backend == "local":
        with parallel_config("threading", n_jobs=engine.workers):
            yield
        return
    try:
        from distributed import Client, LocalCluster
        from distributed.comm.addressing import resolve_address
    except ImportError:
        raise ColorizerError(
            f"engine.backend is dask, but Dask is not installed: pip install '{DISTRIBUTION}[dask]'"
        ) from None
    with contextlib.ExitStack() as stack:
        if engine.scheduler:
            cluster = engine.scheduler
        else:
            n_workers = None if engine.workers < 0 else engine.workers
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=n_workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
                )  # type: ignore[no-untyped-call]
            )
        try:
            if engine.scheduler:
                resolve_address(engine.scheduler)  # a client of no address would never be closed
            client = stack.enter_context(Client(cluster, timeout=PATIENCE))  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise ColorizerError(
                f"engine.scheduler is {engine.scheduler!r}, but no Dask scheduler answers there: "
                f"start one (`dask scheduler`), or set engine.backend to local ({error})"
            ) from None
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ColorizerError(
                f"the Dask scheduler at {engine.scheduler} has no workers: start one "
                f"(`dask worker {engine.scheduler}`), or set engine.backend to local"
            ) from None
        stack.enter_context(parallel_config("dask"))
        yield
