"""A training and its scores on disk, as they are logged to MLflow."""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.data.references import SCORED
from colorizer.errors import one_line
from colorizer.paths import Paths, project_root, readable
from colorizer.training.run_record import (
    HISTORY,
    RECORD,
    WEIGHTS,
    Epoch,
    RunRecord,
    read_history,
)

logger = logging.getLogger(__name__)

METRICS, SCORES = "metrics.json", "scores"

ABOUT = f"{SCORES}/about.json"
"""Which training the scores belong to, and which photographs they are of."""


@dataclass(frozen=True)
class Published:
    """A training, or a fitted method, and its scores.

    Attributes:
        run: folder with run.json, history.csv, weights and grids.
        evaluation: folder with metrics.json, grid.png and scores.
        timing: file of times and speeds; None where `run` holds them too.
    """

    run: Path
    evaluation: Path
    timing: Path | None = None

    @classmethod
    def of(cls, paths: Paths, name: str, stage: str = "train") -> "Published":
        """Return a model of the pipeline, or a method, which the stage "fit" makes."""
        return cls(paths.run(name), paths.evaluation(name), paths.timing(f"{stage}_{name}"))

    @property
    def record(self) -> RunRecord:
        """The training's record."""
        return RunRecord.read(self.run, self.timing)

    @property
    def weights(self) -> Path:
        """The network's weights file."""
        return self.run / WEIGHTS

    @property
    def history(self) -> list[Epoch]:
        """The training's losses; ColorizerError if there are not as many as it has epochs."""
        path, train = self.run / HISTORY, self.record.params.get("train", {})
        history = read_history(path, self.timing)
        with readable(path):
            if len(history) != (epochs := train.get("epochs", len(history))):
                raise ValueError(f"{len(history)} epochs instead of {epochs}")
        return history

    @property
    def complete(self) -> bool:
        """Whether both are there, and the scores are this training's."""
        if not (self.evaluation / ABOUT).exists() or not (self.run / RECORD).exists():
            return False
        return bool(self._about["fingerprint"] == self.record.fingerprint)

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The scores, by subset of the photographs: that which decides comes first."""
        with readable(self.evaluation / METRICS):
            found = json.loads((self.evaluation / METRICS).read_text())
            return {
                subset: {name: float(score) for name, score in found[subset].items()}
                for subset in SCORED
                if subset in found
            }

    @property
    def deciding(self) -> dict[str, float]:
        """The scores that models are chosen by."""
        return next(iter(self.metrics.values()))

    @property
    def digest(self) -> str:
        """The digest of the photographs that the deciding scores are of."""
        digests: dict[str, str] = self._about["digests"]
        return digests[next(iter(self.metrics))]

    def scores(self, subset: str) -> Path:
        """Return the folder of a subset's scores, as `write_scores` writes it."""
        return self.evaluation / SCORES / subset

    def write_metrics(
        self, metrics: Mapping[str, Mapping[str, float]], digests: Mapping[str, str]
    ) -> None:
        """Write metrics.json, and whose scores of which photographs they are.

        Args:
            metrics: by subset, the scores.
            digests: by subset, the digest of the photographs.
        """
        (self.evaluation / METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
        about = {"fingerprint": self.record.fingerprint, "digests": digests}
        (self.evaluation / ABOUT).write_text(json.dumps(about) + "\n")

    def write_digests(self, folder: Path) -> None:
        """Write a file of the digests of all files: what DVC makes the comparison depend on.

        DVC can depend on a folder, but not on a list of them, as that of the networks chosen is.

        Args:
            folder: of these files.
        """
        files = sorted(path for own in (self.run, self.evaluation) for path in own.rglob("*"))
        digests = {path.as_posix(): _digest(path) for path in files if path.is_file()}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.run.name}.json").write_text(json.dumps(digests, indent=1) + "\n")

    @property
    def _about(self) -> dict[str, Any]:
        with readable(self.evaluation / ABOUT):
            about: dict[str, Any] = json.loads((self.evaluation / ABOUT).read_text())
            return about

    @property
    def identity(self) -> dict[str, str]:
        """What no other model has: the training's fingerprint and the weights' digest."""
        return {"fingerprint": self.record.fingerprint, "weights": _digest(self.weights)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def score_folders(runs: Mapping[str, Published], baselines: Path, subset: str) -> dict[str, Path]:
    """Return the folders of a subset's scores, of the models, the methods and the baselines.

    Args:
        runs: by model or method.
        baselines: the folder of the baselines' scores on the subset.
        subset: which photographs.
    """
    of_models = {model: run.scores(subset) for model, run in runs.items()}
    return of_models | {folder.name: folder for folder in sorted(baselines.iterdir())}


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
        warn(action, f"failed: {one_line(error)}")


def warn(action: str, outcome: str) -> None:
    """Warn that MLflow lacks something, and say how it is made up for."""
    experiment = os.environ.get("DVC_EXP_NAME", "")
    elsewhere = experiment and project_root() != Path.cwd()  # in a copy, which DVC removes
    logger.warning(
        "warning: MLflow: %s %s; all results are on disk, and %s`make sync` tells MLflow what is "
        "missing",
        action,
        outcome,
        f"after `dvc exp apply {experiment}` " if elsewhere else "",
    )
