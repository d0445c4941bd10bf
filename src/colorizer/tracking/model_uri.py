"""Where a model comes from: the one way from a name, as `names` spells it, to a weights file.

MLflow is imported only for what lies in a registry; a path and `shipped` need none.
"""

import logging
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from colorizer.errors import ColorizerError, UsageError
from colorizer.tracking.names import (
    CHAMPION,
    DEFAULT,
    SHIPPED,
    TRIAL,
    Best,
    File,
    Shipped,
    Version,
    parse,
    plain_name,
)
from colorizer.tracking.registry import (
    ADDRESS,
    REPOSITORY,
    KnownModel,
    find_registry,
    open_registry,
)
from colorizer.training.run_record import WEIGHTS

logger = logging.getLogger(__name__)

PRETRAINED = (
    REPOSITORY / "models" / "pretrained",
    *(
        Path(sysconfig.get_path("data", sysconfig.get_preferred_scheme(kind))) / "share/colorizer"
        for kind in ("prefix", "user")
    ),
)
"""Folders that may hold the weights that ship, `SHIPPED_FILE`: in a clone, and installed for all or
for one user."""

SHIPPED_FILE = "colorizer.safetensors"

HOW = (
    f"train one (`make demo` takes minutes), name a weights file, or point {ADDRESS} to a registry "
    "that has one"
)


def find_weights(name: str = DEFAULT) -> Path:
    """Return a model's weights file, fetched if it has to be.

    Args:
        name: as `names` spells it. The registry is MLFLOW_TRACKING_URI's, or that of the project in
            this folder, or of the project that this package lies in. Only `colorizer` ever stands
            for what ships: where there is no registry, or no champion in it but a
            demo's. Of the latter a line says so.

    Raises:
        ColorizerError: if there is no such file or model; the line says what there is.
    """
    match parse(name):
        case File(path):
            if not path.is_file():
                raise ColorizerError(f"{path}: no such weights file")
            return path
        case Shipped():
            return _shipped()
        case Best():
            return _best()
        case wanted:
            address = find_registry()
            if address is None:
                there = SHIPPED if _find_shipped() else "none"
                raise ColorizerError(
                    f"no model {name!r}: there is no registry here, and there is: {there}; {HOW}"
                )
            with open_registry(address) as registry:
                return registry.fetch(wanted)


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
            raise UsageError(f"--model {model}: another is called {name!r} already: rename it")
        found[name] = find_weights(model)
    return found


def list_known() -> list[KnownModel]:
    """List the models that have a name: what ships, and the registry's aliased versions.

    Raises:
        ColorizerError: if the registry does not answer.
    """
    file, address = _find_shipped(), find_registry()
    known = [KnownModel(SHIPPED, 0, (), place=str(file))] if file else []
    if address is not None:
        with open_registry(address) as registry:
            known += registry.list_known()
    return known


def _best() -> Path:
    """Return the champion's weights file, or what ships where there is none, or only a demo's."""
    address = find_registry()
    if address is None:
        return _shipped()  # without a word: nothing else was to be expected
    with open_registry(address) as registry:
        wanted = Version(DEFAULT, alias=CHAMPION)
        champion = registry.find(wanted)
        if champion is None:
            return _instead(f"{address} has no {DEFAULT}@{CHAMPION}")
        if TRIAL in champion.tags:
            return _instead(f"{DEFAULT}@{CHAMPION} is a demo's")
        return registry.fetch(wanted)


def _instead(reason: str) -> Path:
    logger.warning("%s: using the weights that ship (--model %s)", reason, SHIPPED)
    return _shipped()


def _shipped() -> Path:
    found = _find_shipped()
    if found is None:
        places = ", ".join(map(str, PRETRAINED))
        raise ColorizerError(f"no weights ship with this installation: none in {places}: {HOW}")
    return found


def _find_shipped() -> Path | None:
    files = (folder / SHIPPED_FILE for folder in PRETRAINED)
    return next((file for file in files if file.is_file()), None)
