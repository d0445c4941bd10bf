"""The machine that computes: device and precision, by Lightning Fabric."""

import os
from collections.abc import Callable

import torch
from lightning_fabric import Fabric

from colorizer.errors import ColorizerError
from colorizer.params import Engine


def make_fabric(engine: Engine) -> Fabric:
    """Return the engine: device and precision; `auto` is what the machine has."""
    accelerator = engine.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if accelerator != "cpu" and not available[accelerator]():
        raise ColorizerError(
            f"engine.accelerator is {accelerator}, but PyTorch sees no GPU of that kind: "
            "use auto or cpu"
        )
    precision = engine.precision
    if precision == "auto":
        bf16 = accelerator == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16-mixed" if bf16 else "32-true"
    if accelerator == "cuda":  # the same seed gives the same weights on a GPU too
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Fabric(accelerator=accelerator, devices=1, precision=precision)
