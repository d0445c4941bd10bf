"""Reads MLflow's registry: which models it has, and their weights files."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from colorizer.errors import ColorizerError, one_line
from colorizer.tracking.answers import no_answer
from colorizer.tracking.database import require_sound
from colorizer.tracking.names import (
    LATEST,
    MODELS,
    RUNS,
    SHIPPED,
    SUFFIXES,
    Logged,
    Run,
    Version,
    parse,
)
from colorizer.training.run_record import WEIGHTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

P = ParamSpec("P")
T = TypeVar("T")

ADDRESS = "MLFLOW_TRACKING_URI"
REPOSITORY = Path(__file__).resolve().parents[3]

UNKNOWN = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's words for: no such model, or no such alias or version of it."""

SUBSETS = "validation", "test"
"""Begin the names of scores, as in validation/psnr, among the metrics of a run and of a logged
model; of both, the first are shown."""

INSTEAD = f"or take the weights that ship: --model {SHIPPED}"


@dataclass(frozen=True)
class KnownModel:
    """A model that has a name.

    Attributes:
        name: what to ask for.
        version: of the registry, or 0.
        aliases: other names of this version, as in `name@alias`.
        scores: those that models are chosen by, where they are known.
        place: which registry, or the file.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    scores: dict[str, float] = field(default_factory=dict)
    place: str = ""


def find_registry() -> str | None:
    """Return the address of the tracking server, or of the project's own store, if there is one."""
    if address := os.environ.get(ADDRESS):
        return address
    stores = (folder / "mlflow.db" for folder in (Path.cwd(), REPOSITORY))
    return next((f"sqlite:///{store}" for store in stores if store.is_file()), None)


class Registry:
    """A registry that answers, as `open_registry` yields it.

    Args:
        mlflow: the module, turned to it.
        address: where it is.
    """

    def __init__(self, mlflow: Any, address: str) -> None:
        self.address = address
        self._client: MlflowClient = mlflow.MlflowClient()
        self._download: Callable[[str], str] = mlflow.artifacts.download_artifacts

    def find(self, wanted: Version) -> "ModelVersion | None":
        """Return a version, if there is one."""
        return find_version(self._client, wanted)

    def fetch(self, wanted: Version | Logged | Run) -> Path:
        """Return a model's weights file.

        Raises:
            ColorizerError: if there is no such model (the line lists those that exist), or its file
                cannot be fetched.
        """
        match wanted:
            case Version():
                version = self.find(wanted)
                if version is None:
                    raise self._no_version(wanted)
                uri = f"{MODELS}{version.name}/{version.version}/artifacts/{WEIGHTS}"
            case Logged(model_id):
                model = _ask(self._client.get_logged_model, model_id)
                if model is None:
                    raise self._nothing(f"logged model {model_id!r}", self._names())
                uri = f"{model.artifact_location}/artifacts/{WEIGHTS}"
            case Run():
                uri = self._uri_in_run(wanted)
        try:
            return Path(self._download(uri))
        except Exception as error:  # MLflow's, a server's, a file system's
            raise ColorizerError(
                f"{uri} cannot be fetched from {self.address}: {one_line(error)}"
            ) from error

    def list_known(self) -> list[KnownModel]:
        """List the versions that have an alias."""
        known = []
        for model in self._client.search_registered_models():
            for version, names in _by_version(model.aliases):
                found = self._client.get_model_version(model.name, version)
                scores = read_scores(self._client, found)
                known.append(KnownModel(model.name, int(version), names, scores, self.address))
        return known

    def _uri_in_run(self, wanted: Run) -> str:
        run = _ask(self._client.get_run, wanted.run_id)
        if run is None:
            raise self._nothing(f"run {wanted.run_id!r}", self._names())
        if wanted.path.endswith(SUFFIXES):
            return f"{RUNS}{wanted.run_id}/{wanted.path}"
        outputs = run.outputs.model_outputs if run.outputs else []
        models = [self._client.get_logged_model(output.model_id) for output in outputs]
        same = [model for model in models if wanted.path in ("", model.name)]
        if not same:
            logged = sorted({f"{RUNS}{wanted.run_id}/{model.name}" for model in models})
            raise self._nothing(f"model {RUNS}{wanted.run_id}/{wanted.path}", logged)
        newest = max(same, key=lambda model: model.creation_timestamp)
        return f"{newest.artifact_location}/artifacts/{WEIGHTS}"

    def _names(self) -> list[str]:
        return [model.name for model in self._client.search_registered_models()]

    def _no_version(self, wanted: Version) -> ColorizerError:
        names = self._names()
        if wanted.name not in names:
            return self._nothing(f"registered model {wanted.name!r}", names)
        aliases = dict(_by_version(self._client.get_registered_model(wanted.name).aliases))
        numbers = [str(v.version) for v in _versions(self._client, wanted.name)]
        there = [" ".join((f"{wanted.name}/{n}", *aliases.get(n, ()))) for n in numbers]
        what = f"alias {wanted.alias!r}" if wanted.alias else f"version {wanted.number}"
        return self._nothing(f"{what} of {wanted.name}", there)

    def _nothing(self, what: str, there: list[str]) -> ColorizerError:
        shown = ", ".join([*there[:20], *(["..."] if len(there) > 20 else [])]) or "none"
        return ColorizerError(f"no {what} at {self.address}; there is: {shown}; {INSTEAD}")


@contextmanager
def open_registry(address: str) -> Iterator[Registry]:
    """Yield a registry; MLflow is turned to it meanwhile.

    Raises:
        ColorizerError: if MLflow is not installed, or the registry does not answer or is damaged.
    """
    try:
        import mlflow
    except ImportError:
        said = f"the models at {address} need MLflow: pip install mlflow, {INSTEAD}"
        raise ColorizerError(said) from None
    require_sound(address)
    environment = os.environ.pop(ADDRESS, None)  # which MLflow takes for an address set by a call
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    mlflow.set_tracking_uri(address)
    try:
        yield Registry(mlflow, address)
    except (mlflow.MlflowException, OSError) as error:
        raise ColorizerError(f"{no_answer(address, error)}; {INSTEAD}") from error
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]
        os.environ.pop(ADDRESS, None)  # MLflow sets it too
        os.environ.update({ADDRESS: environment} if environment else {})


def find_version(client: "MlflowClient", wanted: Version) -> "ModelVersion | None":
    """Return a version of a registered model, if there is one."""
    if wanted.alias:
        return _ask(client.get_model_version_by_alias, wanted.name, wanted.alias)
    if wanted.number == LATEST:
        return next(reversed(_versions(client, wanted.name)), None)
    return _ask(client.get_model_version, wanted.name, wanted.number)


def find_logged_model(client: "MlflowClient", version: "ModelVersion") -> "LoggedModel | None":
    """Return the logged model that a version, or the version it was copied from, is of."""
    source = version.source or ""
    match parse(source) if source.startswith(MODELS) else None:
        case Logged(model_id):
            return _ask(client.get_logged_model, model_id)
        case Version() as original:
            copied = find_version(client, original)
            return find_logged_model(client, copied) if copied else None
    return None


def read_scores(client: "MlflowClient", version: "ModelVersion") -> dict[str, float]:
    """Return a version's scores: its logged model's, or its tags', where they were kept before."""
    model = find_logged_model(client, version)
    metrics = sorted((model and model.metrics) or [], key=lambda m: (m.timestamp, m.step))
    for subset in SUBSETS:
        prefix = f"{subset}/"
        if scores := {
            m.key.removeprefix(prefix): m.value for m in metrics if m.key.startswith(prefix)
        }:
            return scores
    return dict(_numbers(version.tags))


def _versions(client: "MlflowClient", name: str) -> "list[ModelVersion]":
    """Return a registered model's versions, the latest last."""
    return sorted(client.search_model_versions(f"name = '{name}'"), key=lambda v: int(v.version))


def _ask(find: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what MLflow finds, or None if it says that there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return find(*args, **kwargs)
    except MlflowException as error:
        if error.error_code in UNKNOWN:
            return None
        raise


def _by_version(aliases: Mapping[str, object]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each version's number and aliases."""
    numbers = {alias: str(version) for alias, version in aliases.items()}
    return [
        (number, tuple(sorted(alias for alias in numbers if numbers[alias] == number)))
        for number in sorted(set(numbers.values()), key=int)
    ]


def _numbers(tags: dict[str, str]) -> Iterator[tuple[str, float]]:
    for name, value in tags.items():
        with suppress(ValueError):
            yield name, float(value)
