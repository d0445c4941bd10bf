"""MLflow's runs: finds them, creates them at their own time, logs scores that may change.

Telling is idempotent: a run is found by its fingerprint, and only what is missing is added. So a
training is followed live, a resumed one goes on in its run, and what was trained while no server
answered, or restored from DVC's cache, is told later, all by the same functions.
"""

import getpass
import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import mlflow
import requests
from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from colorizer.errors import ColorizerError
from colorizer.paths import project_root
from colorizer.tracking.answers import no_answer
from colorizer.tracking.database import SQLITE, create, require_sound
from colorizer.tracking.registry import ADDRESS
from colorizer.training.run_record import RunRecord

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
FAILURES = (MlflowException, requests.RequestException, SQLAlchemyError)
"""How a tracking server or a store that fails shows."""

logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it prints what it raises


class Store:
    """MLflow's tracking server and registry, or its embedded store at the project's root.

    Args:
        experiment: MLflow's experiment, created if there is none of this name.
        address: of the server; "" is the embedded store, None what the environment says.

    Attributes:
        address: as MLflow takes it.

    Raises:
        ColorizerError: if the tracking server does not answer, or the store is damaged.
    """

    def __init__(self, experiment: str, address: str | None = None) -> None:
        root = project_root()
        self.address = os.environ.get(ADDRESS, "") if address is None else address
        artifacts = None
        if not self.address:
            self.address = f"{SQLITE}{root / 'mlflow.db'}"
            artifacts = (root / "mlartifacts").as_uri()
            with FileLock(root / ".mlflow.lock"):  # two first accesses at once break a new store
                create(root / "mlflow.db", artifacts)
        require_sound(self.address)
        try:
            self.client = mlflow.MlflowClient(self.address)
            self.experiment_id = self._find_experiment(experiment, artifacts)
        except FAILURES as error:
            raise ColorizerError(no_answer(self.address, error)) from error
        if not self.experiment_id:
            raise ColorizerError(f"what answers at {self.address} is no MLflow server")

    def _find_experiment(self, name: str, artifacts: str | None) -> str:
        """Return the id of an experiment, which is created if there is none."""
        found = self.client.get_experiment_by_name(name)
        if found is None:
            try:
                return self.client.create_experiment(name, artifacts, EXPERIMENT_TAGS)
            except MlflowException as error:  # another process has just created it
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self.client.get_experiment_by_name(name)
        return str(found.experiment_id) if found else ""

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
                **source_tags(record),
            },
        )
        if "described" not in self.client.get_run(run_id).data.tags:
            params = flatten(record.params) | {f"machine.{k}": v for k, v in record.machine.items()}
            inputs = [
                DatasetInput(dataset_of(record, subset), [InputTag("mlflow.data.context", subset)])
                for subset in record.data
            ]
            self.client.log_inputs(run_id, inputs)
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
        """Log scores that may change later, and again only after they have changed.

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


def source_tags(record: RunRecord) -> dict[str, str]:
    """Return MLflow's tags of the code that a training or a fit ran, its source."""
    commit = {"mlflow.source.git.commit": record.commit} if record.commit else {}
    stage = record.stage.partition("@")[0] or "train"
    return {"mlflow.source.name": f"stages/{stage}.py", **commit}


def dataset_of(record: RunRecord, subset: str) -> Dataset:
    """Return what MLflow knows of a training's photographs of one subset."""
    data = record.data[subset]
    return Dataset(
        name=f"{record.profile}-{subset}",
        digest=data["digest"][:32],  # MLflow takes 36 characters at most
        source_type="local",
        source=json.dumps({"uri": f"data/{record.profile}/lab"}),
        profile=json.dumps({"photographs": data["photographs"], "size": data["size"]}),
    )


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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's nameless user
        return ""
