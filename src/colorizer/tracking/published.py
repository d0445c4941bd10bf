"""A training and its scores on disk, as they are logged to MLflow."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import one_line
from colorizer.training.run_record import (
    HISTORY,
    RECORD,
    WEIGHTS,
    Epoch,
    RunRecord,
    read_history,
)

logger = logging.getLogger(__name__)

SCORED = "scored.json"
"""Which training a folder of scores belongs to."""


@dataclass(frozen=True)
class Published:
    """A training and its scores.

    Attributes:
        run: folder with run.json, history.csv, weights and grids.
        evaluation: folder with metrics.json, per_image.csv, grid.png and scored.json.
    """

    run: Path
    evaluation: Path

    @property
    def record(self) -> RunRecord:
        """The training's record."""
        return RunRecord.read(self.run)

    @property
    def weights(self) -> Path:
        """The network's weights file."""
        return self.run / WEIGHTS

    @property
    def history(self) -> list[Epoch]:
        """The training's losses."""
        return read_history(self.run / HISTORY)

    @property
    def complete(self) -> bool:
        """Whether both are there, and the scores are this training's."""
        scored = self.evaluation / SCORED
        if not scored.exists() or not (self.run / RECORD).exists():
            return False
        return bool(json.loads(scored.read_text())["fingerprint"] == self.record.fingerprint)

    @property
    def metrics(self) -> dict[str, float]:
        """The test scores."""
        metrics: dict[str, float] = json.loads((self.evaluation / "metrics.json").read_text())
        return metrics

    @property
    def identity(self) -> dict[str, str]:
        """What no other model has: the training's fingerprint and the weights' digest."""
        with self.weights.open("rb") as weights:
            digest = hashlib.file_digest(weights, "sha256").hexdigest()
        return {"fingerprint": self.record.fingerprint, "weights": digest}


@contextlib.contextmanager
def tolerate(action: str) -> Iterator[list[Exception]]:
    """Turn a failure to log to MLflow into a warning; the list yielded then holds the failure.

    Whatever fails there (a server, a network, a full disk of its own), the results are on disk.
    """
    failures: list[Exception] = []
    try:
        yield failures
    except Exception as error:
        failures.append(error)
        logger.warning(
            "warning: MLflow: %s failed: %s; all results are on disk, and `make sync` tells MLflow "
            "what is missing",
            action,
            one_line(error),
        )
