"""Finished trainings become logged models, versions of registered models, and the champion."""

from collections.abc import Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from colorizer.errors import ColorizerError
from colorizer.params import Register
from colorizer.paths import Paths, read_json
from colorizer.photo.encode import encode
from colorizer.tracking.champion import SCORED_ON, deserves_alias
from colorizer.tracking.descriptions import describe_model, describe_version
from colorizer.tracking.names import CHALLENGER, CHAMPION, MODELS, PROMOTED, TRIAL, Version
from colorizer.tracking.names import DEFAULT as BEST
from colorizer.tracking.published import Published
from colorizer.tracking.registry import find_logged_model, find_version
from colorizer.tracking.run_log import RunLog
from colorizer.tracking.store import FAILURES, Store, flatten, source_tags
from colorizer.training.run_record import RECORD

REQUIREMENTS = (
    *("imagecodecs", "mlflow", "numba", "numpy", "onnxruntime", "pandas", "pillow", "safetensors"),
    *("simplejpeg", "tifffile", "torch"),
)
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "image")]),
    outputs=Schema([ColSpec("binary", "image")]),
    params=ParamSchema(
        [ParamSpec("strength", "double", 1.0), ParamSpec("format", "string", "png")]
    ),
)
"""Base64 or bytes in: of a `binary` column MLflow decodes base64 itself, skips what is none, and
cannot say in which image; a `string` column it hands over as it came."""

repeated = retry(
    retry=retry_if_exception_type(FAILURES),
    stop=stop_after_attempt(3),
    wait=wait_fixed(2),
    reraise=True,
)
"""Repeats what adds only what is missing: an answer is lost, or another client was first."""

OUTDATED_TAGS = {"fingerprint", "weights", "profile", "commit", "model", "data.test"}
"""What versions had as tags, besides all scores, before a logged model had it."""


def registered_name(model: str) -> str:
    """Return the name under which a model is registered."""
    return f"{BEST}-{model}"


@repeated
def publish(store: Store, published: Published, register: Register) -> None:
    """Log what MLflow lacks of a finished training, its scores and its model."""
    record = published.record
    run_id = store.open_run(record)
    log = RunLog(store.client, run_id)
    log.finish(published)
    name = registered_name(record.model)
    version = _find(store, name, published) or _register(store, run_id, published)
    model = find_logged_model(store.client, version)
    if model and not _is_of(model.tags, published):  # an earlier release kept them elsewhere
        store.client.set_logged_model_tags(model.model_id, _model_tags(published))
    log.add_scores(published, model.model_id if model else None)
    if not store.client.get_registered_model(name).description:
        store.client.update_registered_model(name, describe_model(name, record.model))
    _refresh(store, version, published, register)
    _crown(store, version, record.profile, register)
    store.client.set_terminated(run_id, end_time=record.finished_at)


@repeated
def publish_method(store: Store, published: Published) -> None:
    """Log what MLflow lacks of a scored method, of which there is no model to register."""
    run_id, record = store.open_run(published.record), published.record
    store.client.log_artifact(run_id, str(published.run / RECORD))
    RunLog(store.client, run_id).add_scores(published, None)
    store.client.set_terminated(run_id, end_time=record.finished_at)


@repeated
def publish_comparison(
    store: Store, paths: Paths, published: list[Published], register: Register
) -> None:
    """Log a comparison, and make the best of its models the champion of all."""
    summary, times = read_json(paths.report / "comparison.json"), read_json(paths.timing("compare"))
    _log_comparison(store, paths.report, summary, times)
    best = next((p for p in published if p.record.model == summary["best"]), None)
    source = _find(store, registered_name(summary["best"]), best) if best else None
    if best is None or source is None:
        raise ColorizerError(f"{summary['best']} is not registered yet: run `make sync`")
    original = f"{source.name}/{source.version}"
    version = _find(store, BEST, best) or store.client.copy_model_version(
        f"{MODELS}{original}", BEST
    )
    if not store.client.get_registered_model(BEST).description:
        store.client.update_registered_model(BEST, describe_model(BEST))
    _refresh(store, version, best, register, original)
    _crown(store, version, summary["profile"], register)


def _log_comparison(
    store: Store, report: Path, summary: Mapping[str, Any], times: Mapping[str, int]
) -> None:
    client = store.client
    tags = {key: summary[key] for key in ("fingerprint", "profile", "best")}
    run_id = store.find_run(summary["fingerprint"]) or store.create_run(
        "comparison", times["started_at"], tags
    )
    if client.get_run(run_id).info.status != "FINISHED":
        counts = flatten({"photographs": summary["photographs"]})
        client.log_batch(run_id, params=[Param(k, str(v)) for k, v in counts.items()])
        client.log_artifacts(run_id, str(report))
        client.set_terminated(run_id, end_time=times["finished_at"])


def _register(store: Store, run_id: str, published: Published) -> ModelVersion:
    """Log a training's model, as an output of its run, and register it.

    What an earlier call that failed midway has logged is gone on with.
    """
    record, client = published.record, store.client
    model = _find_logged(store, published) or client.create_logged_model(
        store.experiment_id,
        record.model,
        source_run_id=run_id,
        params={key: str(value) for key, value in flatten(record.params).items()},
        tags=_model_tags(published) | source_tags(record),
    )
    mlflow.set_tracking_uri(store.address)  # for the functions that take no client
    if model.status != LoggedModelStatus.READY:
        _log_model(model.model_id, published)
    outputs = client.get_run(run_id).outputs
    if model.model_id not in {m.model_id for m in (outputs and outputs.model_outputs) or []}:
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, record.best_epoch)])
    return mlflow.register_model(f"{MODELS}{model.model_id}", registered_name(record.model))


def _find_logged(store: Store, published: Published) -> LoggedModel | None:
    """Return the logged model of a training's weights, whole or begun."""
    wanted = [f"tags.{name} = '{value}'" for name, value in published.identity.items()]
    found = store.client.search_logged_models(
        [store.experiment_id], filter_string=" AND ".join(wanted), max_results=1
    )
    return found[0] if found else None


def _log_model(model_id: str, published: Published) -> None:
    """Upload a model's code and weights."""
    from colorizer.tracking import serving  # which is the model's code, and sets itself as one

    example = pd.DataFrame({"image": [_example_photo()]})
    mlflow.pyfunc.log_model(
        name=published.record.model,
        model_id=model_id,
        python_model=serving.__file__,
        artifacts={"weights": str(published.weights)},
        code_paths=[str(Path(__file__).parents[1])],
        signature=SIGNATURE,
        input_example=(example, {"strength": 1.0, "format": "png"}),
        pip_requirements=[f"{name}=={_public_version(name)}" for name in REQUIREMENTS],
    )


def _find(store: Store, name: str, published: Published) -> ModelVersion | None:
    """Return the version of a training's weights."""
    client, run_id = store.client, store.find_run(published.record.fingerprint)
    for version in client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'"):
        model = find_logged_model(client, version)
        if _is_of(version.tags | (model.tags if model else {}), published):
            return version
    return None


def _is_of(tags: Mapping[str, str], published: Published) -> bool:
    return tags.items() >= published.identity.items()


def _model_tags(published: Published) -> dict[str, str]:
    return published.identity | {"profile": published.record.profile}


def _refresh(
    store: Store,
    version: ModelVersion,
    published: Published,
    register: Register,
    original: str = "",
) -> None:
    """Bring a version's tags and description up to date, such as after a new evaluation."""
    record, metrics, client = published.record, published.deciding, store.client
    tags = {
        "data.train": record.data["train"]["digest"],
        SCORED_ON: published.digest,
        register.metric: str(metrics[register.metric]),
        **({} if register.champion else {TRIAL: "true"}),
    }
    for key in (OUTDATED_TAGS | set(metrics)) & set(version.tags) - set(tags):
        client.delete_model_version_tag(version.name, version.version, key)
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, version.version, key, value)
    uri = f"{version.name}/{version.version}"
    text = describe_version(
        record, published.metrics, uri=uri, trial=not register.champion, original=original
    )
    if version.description != text:
        client.update_model_version(version.name, version.version, text)


def _crown(store: Store, version: ModelVersion, profile: str, register: Register) -> None:
    """Give a version its profile's alias, and `champion` if it has earned that.

    A champion that a person promoted stays; who has earned its place is `challenger`.
    """
    client, name, number = store.client, version.name, version.version
    client.set_registered_model_alias(name, profile, number)
    candidate = client.get_model_version(name, number)
    champion = find_version(client, Version(name, alias=CHAMPION))
    if champion is None or deserves_alias(candidate.tags, champion.tags, register):
        stays = champion and PROMOTED in champion.tags and str(champion.version) != str(number)
        client.set_registered_model_alias(name, CHALLENGER if stays else CHAMPION, number)


def _example_photo() -> bytes:
    """Return a small gray ramp as PNG: what a request to the served model looks like."""
    ramp = np.linspace(0, 255, 32, dtype=np.uint8)
    return encode(np.repeat(np.tile(ramp, (32, 1))[..., None], 3, axis=2))


def _public_version(package: str) -> str:
    """Return an installed version without its local part: 2.13.0 of 2.13.0+cpu."""
    return version_of(package).split("+")[0]
