"""Train, evaluate and use networks that color black-and-white photographs.

To use one: `from colorizer import Colorizer`.
"""

from typing import TYPE_CHECKING, Any

from colorizer.version import __version__

if TYPE_CHECKING:
    from colorizer.tracking.colorizer import Colorizer

__all__ = ["Colorizer", "__version__"]
__path__.append(f"{__path__[0]}/tracking/before")


def __getattr__(name: str) -> Any:  # so that `colorizer --help` need not import PyTorch
    if name == "Colorizer":
        from colorizer.tracking.colorizer import Colorizer

        return Colorizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
