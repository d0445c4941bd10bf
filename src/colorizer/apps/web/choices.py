"""The models that the page offers."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from colorizer.errors import ColorizerError
from colorizer.tracking.model_uri import list_known
from colorizer.tracking.names import NO_MODEL, SUFFIXES

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A model that the page offers.

    Attributes:
        name: identifies the model in requests.
        label: shown to people.
    """

    name: str
    label: str


def choices(named: Sequence[str]) -> list[Choice]:
    """Return the page's models: those named, then all registered ones, then `NO_MODEL`.

    If the registry does not answer, a warning says so and its models are left out.
    """
    short = Counter(map(_label, named))
    offered = {
        name: Choice(name, _label(name) if short[_label(name)] == 1 else name) for name in named
    }
    try:
        known = list_known()
    except ColorizerError as error:
        logger.warning("%s", error)
        known = []
    for model in known:
        if model.version:  # what ships is offered if it is named, or there is no champion
            name = f"{model.name}/{model.version}"
            offered.setdefault(name, Choice(name, f"{name} ({', '.join(model.aliases)})"))
    offered.setdefault(NO_MODEL, Choice(NO_MODEL, _label(NO_MODEL)))
    return list(offered.values())


def _label(name: str) -> str:
    """Return a model's name; for a weights file, its folder and file name."""
    if name == NO_MODEL:
        return "painted colors alone"
    return "/".join(PurePath(name).parts[-2:]) if name.endswith(SUFFIXES) else name
