"""What MLflow is told of trainings, scores and models.

Everything told is on disk first, and telling is idempotent: a run is found by its fingerprint, and
only what is missing is added. So a training is followed live, a resumed one goes on in its run, and
what was trained while no server answered, or restored from DVC's cache, is told later, all by the
same functions.
"""

import contextlib
import getpass
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

# before mlflow reads them; a server that is down is then noticed in seconds, not in minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import numpy as np
import pandas as pd
import requests
from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from PIL import Image

from colorizer.errors import ColorizerError, one_line
from colorizer.evaluation.figures import learning_curves
from colorizer.params import Register
from colorizer.paths import project_root
from colorizer.photo.encode import encode
from colorizer.scores.table import lower_is_better
from colorizer.tracking.model_uri import TRIAL
from colorizer.tracking.names import CHAMPION
from colorizer.tracking.names import DEFAULT as BEST
from colorizer.training.run_record import (
    HISTORY,
    RECORD,
    WEIGHTS,
    Epoch,
    RunRecord,
    list_grids,
    read_history,
)

logger = logging.getLogger(__name__)

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
GRID_KEY = "samples"
LOGGED_GRID = re.compile(rf"{GRID_KEY}[%+]step[%+](\d+)[%+]")
"""How `log_image` names its files: with % on a server's disk, with + on one that forbids it."""
FAILURES = (MlflowException, requests.RequestException)
"""How a tracking server that fails shows."""

NO_ALIAS = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's words for: no such model, or no such alias of it."""

SCORED = "scored.json"
"""What a folder of scores says of the training that it is about."""

REQUIREMENTS = (
    *("mlflow", "numba", "numpy", "pandas", "pillow", "safetensors", "simplejpeg"),
    "torch",
)
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "image")]), outputs=Schema([ColSpec("binary", "image")])
)
"""Base64 or bytes in: of a `binary` column MLflow decodes base64 itself, skips what is none, and
cannot say in which image; a `string` column it hands over as it came."""


def registered_name(model: str) -> str:
    """Return the name under which a model is registered."""
    return f"{BEST}-{model}"


@dataclass(frozen=True)
class Published:
    """A training and its scores, as they lie on disk.

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


class Store:
    """MLflow's tracking server and registry, or its embedded store at the project's root.

    Args:
        experiment: MLflow's experiment, created if there is none of this name.

    Raises:
        ColorizerError: if the tracking server does not answer.
    """

    def __init__(self, experiment: str) -> None:
        root = project_root()
        artifacts = None
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            mlflow.set_tracking_uri(f"sqlite:///{root / 'mlflow.db'}")
            artifacts = (root / "mlartifacts").as_uri()
        try:
            with FileLock(root / ".mlflow.lock"):  # two first accesses at once break a new store
                self.client = mlflow.MlflowClient()
                found = self.client.get_experiment_by_name(experiment)
                self.experiment_id = (
                    found.experiment_id
                    if found
                    else self.client.create_experiment(experiment, artifacts, EXPERIMENT_TAGS)
                )
        except MlflowException as error:
            raise ColorizerError(
                f"MLflow at {mlflow.get_tracking_uri()} does not answer: {one_line(error)}"
            ) from error

    def find_run(self, fingerprint: str) -> str | None:
        """Return the id of the latest run with a fingerprint."""
        runs = self.client.search_runs(
            [self.experiment_id], f"tags.fingerprint = '{fingerprint}'", max_results=1
        )
        return str(runs[0].info.run_id) if runs else None

    def open_run(self, record: RunRecord) -> str:
        """Return the id of a training's run, which is created if there is none."""
        run_id = self.find_run(record.fingerprint) or self.create_run(
            record.model,
            record.started_at,
            {
                "fingerprint": record.fingerprint,
                "model": record.model,
                "profile": record.profile,
                "dvc.stage": record.stage,
                "dvc.experiment": record.experiment,
                "mlflow.source.git.commit": record.commit,
                "mlflow.source.name": "stages/train.py",
            },
        )
        if "described" not in self.client.get_run(run_id).data.tags:
            params = flatten(record.params) | {f"machine.{k}": v for k, v in record.machine.items()}
            self.client.log_inputs(run_id, [_dataset(record, subset) for subset in record.data])
            self.client.log_batch(
                run_id,
                params=[Param(k, str(v)) for k, v in params.items()],
                tags=[RunTag("described", "true")],
            )
        return run_id

    def create_run(self, name: str, started_at: int, tags: Mapping[str, str]) -> str:
        """Create a run that began at a time of the past; empty tags are left out."""
        common = {"mlflow.user": _user(), "mlflow.source.type": "LOCAL"}
        named = {key: value for key, value in (common | dict(tags)).items() if value}
        run = self.client.create_run(self.experiment_id, started_at, named, name)
        return str(run.info.run_id)

    def publish(self, published: Published, register: Register) -> None:
        """Tell of a finished training, its scores and its model whatever is not told yet."""
        record = published.record
        run_id = self.open_run(record)
        RunLog(self.client, run_id).finish(published.run)
        self._log_scores(run_id, published)
        name = registered_name(record.model)
        tags = _version_tags(published)
        found = self._find_version(name, tags) or self._register(run_id, published, tags)
        self._crown(self._retag(found, tags), register)
        self.client.set_terminated(run_id, end_time=record.finished_at)

    def publish_comparison(
        self, report: Path, published: list[Published], register: Register
    ) -> None:
        """Tell of a comparison, and make the best of its models the champion of all."""
        summary = json.loads((report / "comparison.json").read_text(encoding="utf-8"))
        tags = {key: summary[key] for key in ("fingerprint", "profile", "best")}
        run_id = self.find_run(summary["fingerprint"]) or self.create_run(
            "comparison", summary["created_at"], tags
        )
        if self.client.get_run(run_id).info.status != "FINISHED":
            counts = flatten({"photographs": summary["photographs"]})
            self.client.log_batch(run_id, params=[Param(k, str(v)) for k, v in counts.items()])
            self.client.log_artifacts(run_id, str(report))
            self.client.set_terminated(run_id, end_time=summary["created_at"])
        best = next((p for p in published if p.record.model == summary["best"]), None)
        wanted = _version_tags(best) if best else {}
        source = self._find_version(registered_name(summary["best"]), wanted)
        if best is None or source is None:
            raise ColorizerError(f"{summary['best']} is not registered yet: run `make sync`")
        copied = self._find_version(BEST, wanted) or self._copy_version(source)
        self._crown(self._retag(copied, wanted), register)

    def publish_scores(
        self,
        name: str,
        fingerprint: str,
        *,
        step: int,
        metrics: Mapping[str, float],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """Tell of scores that may change later; unless they have, nothing is told again.

        Args:
            name: of the run.
            fingerprint: finds the run again.
            step: at which these metrics stand.
            metrics: the scores.
            params: what stays the same whenever the scores change.
            tags: of the run.
        """
        now = int(time.time() * 1000)
        run_id = self.find_run(fingerprint) or self.create_run(
            name, now, {"fingerprint": fingerprint, **tags}
        )
        if self.client.get_run(run_id).data.metrics == metrics:
            return
        self.client.log_batch(
            run_id,
            metrics=[Metric(key, value, now, step) for key, value in metrics.items()],
            params=[Param(key, value) for key, value in params.items()],
        )
        self.client.set_terminated(run_id, end_time=now)

    def _log_scores(self, run_id: str, published: Published) -> None:
        known = self.client.get_run(run_id).data.metrics
        scores = {f"test/{name}": value for name, value in published.metrics.items()}
        if all(known.get(name) == value for name, value in scores.items()):
            return
        self.client.log_artifacts(run_id, str(published.evaluation), "evaluation")
        at = published.record.finished_at
        metrics = [Metric(name, value, at, 0) for name, value in scores.items()]
        self.client.log_batch(run_id, metrics=metrics)

    def _register(self, run_id: str, published: Published, tags: dict[str, str]) -> ModelVersion:
        from colorizer.tracking import serving

        package = Path(__file__).parents[1]
        with mlflow.start_run(run_id=run_id):
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=serving.__file__,
                artifacts={"weights": str(published.weights)},
                code_paths=[str(package)],
                signature=SIGNATURE,
                input_example=pd.DataFrame({"image": [_example_photo()]}),
                pip_requirements=[f"{name}=={_public_version(name)}" for name in REQUIREMENTS],
            )
        return mlflow.register_model(
            info.model_uri, registered_name(published.record.model), tags=tags
        )

    def _copy_version(self, source: ModelVersion) -> ModelVersion:
        copied = self.client.copy_model_version(f"models:/{source.name}/{source.version}", BEST)
        return self._retag(copied, source.tags | {"model": source.name})

    def _retag(self, found: ModelVersion, tags: Mapping[str, str]) -> ModelVersion:
        """Bring a version's tags up to date, such as after a new evaluation."""
        for key, value in tags.items():
            if found.tags.get(key) != value:
                self.client.set_model_version_tag(found.name, found.version, key, value)
        return self.client.get_model_version(found.name, found.version)

    def _find_version(self, name: str, tags: Mapping[str, str]) -> ModelVersion | None:
        """Return the version with the same fingerprint and the same weights."""
        same = ("fingerprint", "weights")
        found = self.client.search_model_versions(f"name = '{name}'")
        return next((v for v in found if all(v.tags.get(k) == tags.get(k) for k in same)), None)

    def _crown(self, candidate: ModelVersion, register: Register) -> None:
        """Give a version its profile's alias, and `champion` if it has earned that."""
        name, number = candidate.name, candidate.version
        self.client.set_registered_model_alias(name, candidate.tags["profile"], number)
        if not register.champion:
            self.client.set_model_version_tag(name, number, TRIAL, "true")
        try:
            champion = self.client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code not in NO_ALIAS:
                raise
            champion = None
        if champion is None or deserves_alias(candidate.tags, champion.tags, register):
            self.client.set_registered_model_alias(name, CHAMPION, number)


class RunLog:
    """A training's run in MLflow: adds the epochs and grids that it does not have yet."""

    def __init__(self, client: mlflow.MlflowClient, run_id: str) -> None:
        self.client = client
        self.run_id = run_id
        self._steps = {m.step for m in client.get_metric_history(run_id, "loss/train")}
        images = [image.path for image in client.list_artifacts(run_id, "images")]
        self._grids = {int(found[1]) for path in images if (found := LOGGED_GRID.search(path))}

    def add(self, history: list[Epoch], grids: Mapping[int, Path]) -> None:
        """Log what is new of a history, and the sample grids by epoch, at their own times."""
        news = [epoch for epoch in history if epoch.epoch not in self._steps]
        metrics = [metric for epoch in news for metric in _epoch_metrics(epoch)]
        for start in range(0, len(metrics), 999):  # MLflow takes 1000 at once; an epoch has 3
            self.client.log_batch(self.run_id, metrics=metrics[start : start + 999])
        self._steps |= {epoch.epoch for epoch in news}
        times = {epoch.epoch: epoch.finished_at for epoch in history}
        for epoch in sorted(set(grids) & set(times) - self._grids):
            with Image.open(grids[epoch]) as image:
                self.client.log_image(
                    self.run_id, image, key=GRID_KEY, step=epoch, timestamp=times[epoch]
                )
            self._grids.add(epoch)

    def finish(self, folder: Path) -> None:
        """Complete the run from a finished training's folder, unless it is complete."""
        record, history = RunRecord.read(folder), read_history(folder / HISTORY)
        self.add(history, list_grids(folder))
        if self.client.get_run(self.run_id).data.tags.get("complete") != "true":
            self._complete(folder, record, history)
        self.client.set_terminated(self.run_id, end_time=record.finished_at)

    def _complete(self, folder: Path, record: RunRecord, history: list[Epoch]) -> None:
        best = history[record.best_epoch - 1]
        self.client.log_batch(
            self.run_id,
            params=[
                Param("best.epoch", str(best.epoch)),
                Param("best.train_loss", str(best.train_loss)),
            ],
        )
        for name in (RECORD, HISTORY):
            self.client.log_artifact(self.run_id, str(folder / name))
        self.client.log_figure(
            self.run_id,
            learning_curves({record.model: history}, {record.model: record.loss}),
            "learning_curves.png",
        )
        self.client.log_batch(self.run_id, tags=[RunTag("complete", "true")])


@contextlib.contextmanager
def tolerate(action: str) -> Iterator[list[Exception]]:
    """Turn a failure to tell MLflow into a warning; the list yielded then holds it.

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


def deserves_alias(
    candidate: Mapping[str, str], champion: Mapping[str, str], register: Register
) -> bool:
    """Say whether a model version takes the alias `champion` from the one that has it.

    Scored on the same photographs, the better one has it. Otherwise scores say nothing, and the
    newer one takes it: but a profile that is not meant to (`register.champion: false`, as the demo)
    takes it only from its own kind.

    Args:
        candidate: the tags of the one version.
        champion: those of the other.
        register: the metric, and whether this profile may take the alias from another.
    """
    if candidate["data.test"] == champion.get("data.test") and register.metric in champion:
        ours, theirs = float(candidate[register.metric]), float(champion[register.metric])
        return ours <= theirs if lower_is_better(register.metric) else ours >= theirs
    return register.champion or candidate["profile"] == champion.get("profile")


def best_model(metrics: Mapping[str, Mapping[str, float]], metric: str) -> str:
    """Return the model with the best score, given each model's metrics."""
    sign = 1 if lower_is_better(metric) else -1
    return min(metrics, key=lambda model: sign * metrics[model][metric])


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested blocks into dotted names.

    Example:
        >>> flatten({"train": {"lr": 0.001}})
        {'train.lr': 0.001}
    """
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def _epoch_metrics(epoch: Epoch) -> list[Metric]:
    values = {
        "loss/train": epoch.train_loss,
        "loss/test": epoch.test_loss,
        "images_per_second": epoch.images_per_second,
    }
    return [Metric(name, value, epoch.finished_at, epoch.epoch) for name, value in values.items()]


def _version_tags(published: Published) -> dict[str, str]:
    """Return what a registered model says of itself; empty values are left out."""
    record = published.record
    with published.weights.open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    tags = {
        "fingerprint": record.fingerprint,
        "weights": digest,
        "profile": record.profile,
        "commit": record.commit,
        "data.train": record.data["train"]["digest"],
        "data.test": record.data["test"]["digest"],
        **{name: str(value) for name, value in published.metrics.items()},
    }
    return {key: value for key, value in tags.items() if value}


def _dataset(record: RunRecord, subset: str) -> DatasetInput:
    data = record.data[subset]
    dataset = Dataset(
        name=f"{record.profile}-{subset}",
        digest=data["digest"][:32],  # MLflow takes 36 characters at most
        source_type="local",
        source=json.dumps({"uri": f"data/{record.profile}/lab"}),
        profile=json.dumps({"photographs": data["photographs"], "size": data["size"]}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", subset)])


def _example_photo() -> bytes:
    """Return a small gray ramp as PNG: what a request to the served model looks like."""
    ramp = np.linspace(0, 255, 32, dtype=np.uint8)
    return encode(np.repeat(np.tile(ramp, (32, 1))[..., None], 3, axis=2))


def _public_version(package: str) -> str:
    """Return an installed version without its local part: 2.13.0 of 2.13.0+cpu."""
    return version(package).split("+")[0]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's nameless user
        return ""
