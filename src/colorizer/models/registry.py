"""Networks by name."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from colorizer.errors import ColorizerError

_models: dict[str, Callable[..., nn.Module]] = {}


def register_model(function: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Make a function that builds a network known under its own name."""
    _models[function.__name__] = function
    return function


def list_models() -> list[str]:
    """Return the names that `create_model` knows."""
    return sorted(_models)


def create_model(name: str, **arguments: Any) -> nn.Module:
    """Build a network.

    Args:
        name: one of `list_models()`.
        arguments: the network's own, such as `widths`; a block of `models` in params.yaml.

    Returns:
        A network from lightness float (N, 1, H, W) in -1..1 to ab float (N, 2, H, W), CIELAB units
        divided by `AB_SCALE`, for any H and W.

    Raises:
        ColorizerError: if there is no such network, or it takes no such argument.

    Example:
        >>> model = create_model("model1", widths=[8, 16])
        >>> sum(p.numel() for p in model.parameters())
        7458
    """
    if name not in _models:
        raise ColorizerError(
            f"no model is called {name!r}: choose one of {', '.join(list_models())}"
        )
    known = inspect.signature(_models[name]).parameters
    if unknown := set(arguments) - set(known):
        raise ColorizerError(
            f"{name} takes no argument {unknown.pop()!r}: it takes {', '.join(known)}"
        )
    return _models[name](**arguments)
