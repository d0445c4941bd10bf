"""The options of `colorize` that take colors from other photographs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorizer.errors import UsageError
from colorizer.tracking.names import DEFAULT, NO_MODEL

if TYPE_CHECKING:
    from colorizer.inference.options import Options

AUTO = "auto"
"""In place of a file: the most similar photographs of an index."""


def read_likes(like: list[str] | None, method: str) -> dict[str, Any]:
    """Return the attributes of `Options` for photographs that others shall look like.

    Args:
        like: files; or "auto" alone, for the most similar photographs of an index.
        method: "" for the network, or one of `BY_REFERENCE`.

    Raises:
        UsageError: if a file cannot be read or is black and white, or there is no such method.
        ColorizerError: if there is no index.
        MissingExtraError: if what the method needs is not installed.
    """
    if method:
        from colorizer.methods.registry import color_like

        color_like(method)
        if not like:
            raise UsageError(f"--method {method} takes colors from a photograph: add --like")
    if not like:
        return {}
    from colorizer.inference.like import Like
    from colorizer.inference.similar import Similar

    if like == [AUTO]:
        return {"similar": Similar.find(), "method": method}
    if AUTO in like:
        raise UsageError("--like auto finds photographs by itself: name none beside it")
    return {"like": tuple(Like.open(Path(path)) for path in like), "method": method}


def asks_model(options: "Options") -> bool:
    """Whether a model is asked: a method that takes colors from given photographs needs none."""
    return not options.method or options.similar is not None


def require_model(model: str, options: "Options") -> None:
    """Refuse a model where none is asked, and its absence where it is."""
    if options.method and options.confidence:
        raise UsageError("--confidence shows how sure a model is, and --method asks none")
    if not asks_model(options) and model not in (DEFAULT, NO_MODEL):
        raise UsageError(
            f"--method {options.method} asks no model: leave out --method, or --model {model}"
        )
    asked = options.similar or (options.like and not options.method)
    if asked and model == NO_MODEL:
        raise UsageError("--like asks a model, and --model none is none: name a file, and --method")
