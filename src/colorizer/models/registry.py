"""Networks by name."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from colorizer.errors import ColorizerError

if TYPE_CHECKING:
    from torch import nn

NETWORKS = (
    "flagship",
    "model1",
    "model2",
    "model3",
    "model3_tuned",
    "rebalanced",
    "unet",
    "zhang2016",
)
"""Each is a function in a module of its own name, which is imported when it is asked for."""


def list_models() -> list[str]:
    """Return the names that `create_model` knows."""
    return list(NETWORKS)


def create_model(name: str, **arguments: Any) -> "nn.Module":
    """Build a network; nothing is fetched.

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
    if name not in NETWORKS:
        raise ColorizerError(
            f"no model is called {name!r}: choose one of {', '.join(list_models())}"
        )
    build: Callable[..., nn.Module] = getattr(import_module(f"colorizer.models.{name}"), name)
    known = inspect.signature(build).parameters
    if unknown := set(arguments) - set(known):
        raise ColorizerError(
            f"{name} takes no argument {unknown.pop()!r}: it takes {', '.join(known)}"
        )
    return build(**arguments)
