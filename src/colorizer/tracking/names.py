"""What a model can be called: the grammar of `--model` and `Colorizer.load`.

| name | means |
|---|---|
| `colorizer` | the registry's champion; `shipped` where there is none, or it is a demo's |
| `shipped` | the weights that come with this package |
| `NAME` | the champion of a registered model |
| `NAME@ALIAS`, `NAME/VERSION`, `NAME/latest` | that version of a registered model |
| `models:/...` | the same by MLflow's URI, or a logged model by its id, `models:/m-...` |
| `runs:/RUN`, `runs:/RUN/MODEL` | the model that a run logged |
| `runs:/RUN/.../FILE` | a .safetensors or .onnx file among a run's artifacts |
| `PATH` | a .safetensors or .onnx file |
"""

import re
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import UsageError

DEFAULT = "colorizer"
"""The registered model whose champion is the best of all."""

SHIPPED = "shipped"
"""The weights that come with this package."""

NO_MODEL = "none"
"""Instead of a model's name: only a person's hints give color."""

CHAMPION = "champion"

CHALLENGER = "challenger"
"""The alias of a version with the better score, where a champion gives way by promotion alone."""

PROMOTED = "promoted"
"""A version's tag: why `colorizer promote` made it the champion."""

TRIAL = "trial"
"""A version's tag: it is of a small run that shows how things work, such as the demo's."""

LATEST = "latest"
SUFFIXES = (".safetensors", ".onnx")
MODELS, RUNS = "models:/", "runs:/"
MODEL_ID = re.compile(r"m-[0-9a-f]{32}")

EXPECTED = (
    f"expected {SHIPPED}, a registered model (name, name@alias, name/version), {MODELS}..., "
    f"{RUNS}..., or a {' or '.join(SUFFIXES)} file"
)


@dataclass(frozen=True)
class File:
    """A file on disk."""

    path: Path


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: the registered model.
        alias: of the version; or "".
        number: of the version, or `LATEST`; or "", if the alias is given.
    """

    name: str
    alias: str = ""
    number: str = ""


@dataclass(frozen=True)
class Logged:
    """A logged model, by its id."""

    model_id: str


@dataclass(frozen=True)
class Run:
    """What a run logged.

    Attributes:
        run_id: MLflow's.
        path: the logged model's name, or a file among the artifacts; or "".
    """

    run_id: str
    path: str = ""


@dataclass(frozen=True)
class Best:
    """The champion of all, or what ships."""


@dataclass(frozen=True)
class Shipped:
    """The weights that come with this package."""


Reference = File | Version | Logged | Run | Best | Shipped


def parse(name: str) -> Reference:
    """Read a model's name, without looking whether there is such a model.

    Raises:
        UsageError: if it is none of the spellings; the line says what is wrong.

    Example:
        >>> parse("colorizer-model2")
        Version(name='colorizer-model2', alias='champion', number='')
        >>> parse("models:/colorizer/3")
        Version(name='colorizer', alias='', number='3')
    """
    if name == DEFAULT:
        return Best()
    if name == SHIPPED:
        return Shipped()
    if name.startswith(RUNS):
        return _parse_run(name)
    if name.startswith(MODELS):
        rest = name.removeprefix(MODELS)
        return Logged(rest) if MODEL_ID.fullmatch(rest) else _parse_version(name, rest)
    if name.endswith(SUFFIXES):
        return File(Path(name))
    return _parse_version(name, name)


def plain_name(name: str) -> str:
    """Return a model's name as a file can have it.

    Example:
        >>> plain_name("models:/colorizer@champion"), plain_name("runs/model1/weights.safetensors")
        ('colorizer-champion', 'weights')
    """
    if name.endswith(SUFFIXES):
        return Path(name).stem
    return name.removeprefix(MODELS).removeprefix(RUNS).replace("@", "-").replace("/", "-")


def _parse_run(name: str) -> Run:
    run_id, _, path = name.removeprefix(RUNS).partition("/")
    if not run_id.strip() or name.endswith("/"):
        raise _misspelled(name, f"no run or no model's name after {RUNS}")
    return Run(run_id, path)


def _parse_version(name: str, rest: str) -> Version:
    model, slash, number = rest.partition("/")
    model, at, alias = model.partition("@")
    if not model.strip():
        raise _misspelled(name, "the model's name is empty")
    if ":" in rest or "@" in alias or (slash and at):
        raise _misspelled(name, "no such spelling")
    if at:
        if not alias.strip():
            raise _misspelled(name, "no alias after @")
        return Version(model, alias=alias)
    if not slash:
        return Version(model, alias=CHAMPION)
    if number != LATEST and not (number.isascii() and number.isdigit()):
        raise _misspelled(name, f"{number!r} is no version's number")
    return Version(model, number=number)


def _misspelled(name: str, reason: str) -> UsageError:
    if name and Path(name).is_dir():
        reason = "a folder: name the file in it"
    elif name and Path(name).is_file():
        reason = "a file, but of another kind"
    return UsageError(f"model {name!r}: {reason}; {EXPECTED}")
