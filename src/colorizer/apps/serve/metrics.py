"""What Prometheus learns of the service."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
"""Upper bounds of the histograms' buckets."""


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "colorizer_requests", "Requests answered.", ["path", "status"], registry=self.registry
        )
        self.photos = Counter(
            "colorizer_photos", "Photographs answered.", ["outcome"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "colorizer_request_seconds",
            "From a request's head to its answer's.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.work_seconds = Histogram(
            "colorizer_work_seconds",
            "Of a worker, for a photograph that it colored or copied.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.deaths = Counter(
            "colorizer_worker_deaths", "Workers that died or were late.", registry=self.registry
        )

    def watch(self, *, places: Callable[[], int], workers: Callable[[], int]) -> None:
        """Add what is looked up when it is asked for: requests that are here, workers that are."""
        here = Gauge("colorizer_requests_here", "Waiting or in work.", registry=self.registry)
        here.set_function(places)
        ready = Gauge("colorizer_workers_ready", "With the model loaded.", registry=self.registry)
        ready.set_function(workers)
