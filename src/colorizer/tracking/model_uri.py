"""Where a model comes from: a weights file, MLflow's registry, or the weights that ship."""

import os
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError
from colorizer.training.run_record import WEIGHTS

DEFAULT = "colorizer"
"""The registered model whose champion is the best of all."""

NO_MODEL = "none"
"""Instead of a model's name: only a person's hints give color."""

CHAMPION = "champion"
TRIAL = "trial"
"""A version's tag: it is of a small run that shows how things work, such as the demo's."""

SUFFIXES = (".safetensors", ".onnx")
REPOSITORY = Path(__file__).resolve().parents[3]
PRETRAINED = (
    REPOSITORY / "models" / "pretrained",
    *(
        Path(sysconfig.get_path("data", sysconfig.get_preferred_scheme(kind))) / "share/colorizer"
        for kind in ("prefix", "user")
    ),
)
"""Folders of the weights that ship with the project, called <model>.safetensors: in a clone, and
installed for all or for one user."""

HOW = (
    "train one (`make demo` takes minutes), name a weights file (--model weights.safetensors), or "
    "point MLFLOW_TRACKING_URI to a registry that has one"
)


ADDRESS = "MLFLOW_TRACKING_URI"
UNKNOWN = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's words for: no such model, or no such alias or version of it."""


class UnknownModelError(ColorizerError):
    """The registry answers, and has no such model."""


@dataclass(frozen=True)
class KnownModel:
    """A model that can be had by its name.

    Attributes:
        name: what to ask for.
        version: of the registry, or 0.
        aliases: other names of this version, as in `name@alias`.
        scores: on the test photographs, where they are known.
        place: which registry, or the file.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    scores: dict[str, float] = field(default_factory=dict)
    place: str = ""


def find_weights(name: str = DEFAULT) -> Path:
    """Return a model's weights file, fetched if it has to be.

    Args:
        name: a weights file, or an ONNX file exported from one; a registered model as `name` (its
            champion), `name@alias` or `name/version`; or a `models:/...` URI. The registry is
            MLFLOW_TRACKING_URI's, or that of the project in this folder, or of the project that
            this package lies in. `colorizer` is also what ships with the project, if there is no
            registry or its champion is of a trial.

    Raises:
        ColorizerError: if there is no such file or model; the line says how to get one.
    """
    if name.endswith(SUFFIXES):
        if not Path(name).is_file():
            raise ColorizerError(f"{name}: no such weights file")
        return Path(name)
    registry = find_registry()
    shipped = _shipped(name)
    if registry is None:
        if shipped is None:
            raise ColorizerError(f"no model {name!r}: there is no registry here: {HOW}")
        return shipped
    try:
        with _mlflow(registry) as mlflow:
            if shipped is not None and name == DEFAULT and _is_trial(mlflow, name):
                return shipped
            uri = f"{model_uri(name)}/artifacts/weights.safetensors"
            return Path(mlflow.artifacts.download_artifacts(uri))
    except UnknownModelError as error:
        if shipped is None:
            raise ColorizerError(f"no model {name!r} at {registry} ({error}): {HOW}") from error
        return shipped


def find_named(models: Iterable[str]) -> dict[str, Path]:
    """Return each model's weights file by a plain name.

    Args:
        models: as `find_weights` finds them. A file called weights.safetensors, as a training
            leaves it, goes by its folder's name.

    Raises:
        ColorizerError: as `find_weights`, or if two have one name.
    """
    found: dict[str, Path] = {}
    for model in models:
        file = Path(model)
        name = file.resolve().parent.name if file.name == WEIGHTS else plain_name(model)
        if name in found:
            raise ColorizerError(f"--model {model}: another is called {name!r} already: rename it")
        found[name] = find_weights(model)
    return found


def model_uri(name: str) -> str:
    """Return MLflow's URI of a registered model.

    Example:
        >>> model_uri("colorizer-model2"), model_uri("colorizer/3")
        ('models:/colorizer-model2@champion', 'models:/colorizer/3')
    """
    name = name.removeprefix("models:/")
    return f"models:/{name}" if "@" in name or "/" in name else f"models:/{name}@{CHAMPION}"


def plain_name(name: str) -> str:
    """Return a model's name as a file can have it.

    Example:
        >>> plain_name("models:/colorizer@champion"), plain_name("runs/model1/weights.safetensors")
        ('colorizer-champion', 'weights')
    """
    if name.endswith(SUFFIXES):
        return Path(name).stem
    return name.removeprefix("models:/").replace("@", "-").replace("/", "-")


def find_registry() -> str | None:
    """Return the address of the tracking server, or of the project's own store, if there is one."""
    if address := os.environ.get(ADDRESS):
        return address
    stores = (folder / "mlflow.db" for folder in (Path.cwd(), REPOSITORY))
    return next((f"sqlite:///{store}" for store in stores if store.is_file()), None)


def list_known() -> list[KnownModel]:
    """List the models that can be had by name: the registry's latest versions, and what ships.

    Raises:
        ColorizerError: if the registry does not answer.
    """
    shipped = {path.stem: path for folder in PRETRAINED for path in folder.glob("*.safetensors")}
    known = [KnownModel(name, 0, (), place=str(path)) for name, path in sorted(shipped.items())]
    registry = find_registry()
    if registry is None:
        return known
    with _mlflow(registry) as mlflow:
        client = mlflow.MlflowClient()
        for model in client.search_registered_models():
            aliases: dict[int, list[str]] = {}
            for alias, version in model.aliases.items():
                aliases.setdefault(int(version), []).append(alias)
            for version in sorted(aliases):
                tags = client.get_model_version(model.name, str(version)).tags
                scores = dict(_numbers(tags))
                names = tuple(sorted(aliases[version]))
                known.append(KnownModel(model.name, version, names, scores, registry))
    return known


@contextmanager
def _mlflow(registry: str) -> Iterator[Any]:
    """Yield MLflow, turned to a registry meanwhile; what fails there is an error of one line."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        import mlflow
    except ImportError:
        raise ColorizerError("pulling a model by name needs MLflow: pip install mlflow") from None
    environment = os.environ.pop(ADDRESS, None)  # which MLflow takes for an address set by a call
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    mlflow.set_tracking_uri(registry)
    try:
        yield mlflow
    except (mlflow.MlflowException, OSError) as error:
        reason = textwrap.shorten(str(error), 200, placeholder=" ...")
        if getattr(error, "error_code", "") in UNKNOWN:
            raise UnknownModelError(reason) from error
        raise ColorizerError(f"MLflow at {registry} does not answer: {reason}") from error
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]
        os.environ.pop(ADDRESS, None)  # MLflow sets it too
        os.environ.update({ADDRESS: environment} if environment else {})


def _is_trial(mlflow: Any, name: str) -> bool:
    """Say whether a registered model's champion is of a trial."""
    champion = mlflow.MlflowClient().get_model_version_by_alias(name, CHAMPION)
    return TRIAL in champion.tags


def _shipped(name: str) -> Path | None:
    """Return the file that ships under a name."""
    plain = name.removeprefix("models:/").removesuffix(f"@{CHAMPION}")
    files = (folder / f"{plain}.safetensors" for folder in PRETRAINED)
    return next((path for path in files if path.is_file()), None)


def _numbers(tags: dict[str, str]) -> Iterator[tuple[str, float]]:
    for name, value in tags.items():
        with suppress(ValueError):
            yield name, float(value)
