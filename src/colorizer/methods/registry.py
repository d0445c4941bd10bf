"""The methods by name: a file each, imported when it is asked for."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import MissingExtraError, UsageError

BY_REFERENCE = ("reinhard2001", "welsh2002", "gupta2012", "charpiat2008")
"""Those that color a photograph like others, the simplest first."""

METHODS = (*BY_REFERENCE, "cheng2015", "levin2004", "similar")
"""What is fitted and scored; `similar` steers the network that ships by similar photographs."""

Picture = NDArray[np.uint8]
"""(H, W, 3), sRGB."""

ColorLike = Callable[[Picture, Sequence[Picture]], NDArray[np.float32]]
"""From a photograph and references to ab, float32 (2, h, w), CIELAB units."""


def color_like(name: str) -> ColorLike:
    """Return a method of `BY_REFERENCE`.

    Raises:
        UsageError: if there is no such method.
        MissingExtraError: if what it needs is not installed.
    """
    if name not in BY_REFERENCE:
        raise UsageError(f"no method {name!r} that takes references: {', '.join(BY_REFERENCE)}")
    found: ColorLike = load_module(name).colorize
    return found


def load_module(name: str) -> Any:
    """Return the module of a method of `METHODS`.

    Raises:
        UsageError: if there is no such method.
        MissingExtraError: if what it needs is not installed.
    """
    if name not in METHODS:
        raise UsageError(f"no method {name!r}: choose of {', '.join(METHODS)}")
    try:
        return import_module(f"colorizer.methods.{name}")
    except ModuleNotFoundError as error:
        raise MissingExtraError(name, error.name, "methods") from None
