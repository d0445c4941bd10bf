"""The kind of device that computes, for stages that need no Fabric, which takes long to import."""

from collections.abc import Callable

import torch

from colorizer.errors import ColorizerError
from colorizer.params import Engine


def choose_device(engine: Engine) -> torch.device:
    """Return the kind of device that `engine.accelerator` asks for.

    Raises:
        ColorizerError: if PyTorch sees none of that kind.
    """
    if engine.accelerator == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if not available[engine.accelerator]():
        raise ColorizerError(
            f"engine.accelerator is {engine.accelerator}, but PyTorch sees no GPU of that kind: "
            "use auto or cpu"
        )
    return torch.device(engine.accelerator)
