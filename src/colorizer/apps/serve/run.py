"""Serves until it is ended, with workers that end with it."""

import math
from collections.abc import Callable

from joblib import cpu_count

from colorizer.apps.access import Access
from colorizer.apps.page_server import serve
from colorizer.apps.serve.app import make_service
from colorizer.apps.serve.metrics import Metrics
from colorizer.apps.serve.requests import Limits
from colorizer.apps.serve.workers import Workers
from colorizer.tracking.model_uri import find_weights

OPEN = frozenset({"/health", "/ready"})
"""Answered without a token, for those who look after the service."""


def run(
    model: str,
    access: Access,
    limits: Limits,
    *,
    workers: int,
    device: str,
    port: int,
    say: Callable[[str], None],
) -> None:
    """Serve until Ctrl+C or SIGTERM; requests that are here then are answered first.

    Args:
        model: its name.
        access: see `page_server.serve`.
        limits: of what is taken.
        workers: processes; 0 for one a core.
        device: where they compute.
        port: see `page_server.serve`.
        say: see `page_server.serve`.

    Raises:
        ColorizerError: if the model is missing or cannot be loaded, or the port is taken.
    """
    metrics = Metrics()
    count = workers or cpu_count()
    with Workers(
        find_weights(model),
        count=count,
        threads=max(1, cpu_count() // count),
        device=device,
        max_megapixels=limits.megapixels,
        on_death=metrics.deaths.inc,
    ) as pool:
        serve(
            make_service(pool, limits, metrics),
            access,
            port=port,
            open_browser=False,
            say=say,
            public=OPEN,
            patience=math.ceil(2 * limits.seconds),
        )
