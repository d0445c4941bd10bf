"""The machine that computes: devices, precision and how they work together, by Lightning Fabric."""

import importlib.util
import os
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from colorizer.errors import ColorizerError
from colorizer.models.hardware import computes_bf16
from colorizer.params import Engine
from colorizer.training.device import choose_device
from colorizer.training.loop.order import SHARDS

Precision = Literal["32-true", "bf16-mixed"]

WORTH_COMPILING = 5000  # steps; compiling takes 10 to 20 s, on a GPU a step gains some milliseconds


class Autocast(MixedPrecision):
    """Mixed precision that leaves what it is given in float32.

    Fabric's own rounds a batch to bfloat16, true colors included; autocast rounds for itself what
    it computes with.
    """

    def convert_input(self, data: Any) -> Any:
        """Return the batch as it is."""
        return data


def make_fabric(engine: Engine) -> Fabric:
    """Return the engine that trains; `auto` is what the machine has.

    Several devices are several processes that run the same script: `engine.devices` starts them on
    this machine, or torchrun has started them, on one machine or many.

    Raises:
        ColorizerError: if there is no such accelerator, or devices cannot share the photographs.
    """
    device = choose_device(engine)
    devices, nodes = _world(engine)
    if SHARDS % (devices * nodes):
        raise ColorizerError(
            f"a training is shared by 1, 2, 4 or {SHARDS} devices, but {devices * nodes} are asked "
            "for: change engine.devices in params.yaml, or what torchrun starts"
        )
    if device.type == "cuda":  # the same seed gives the same weights on a GPU too
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    mixed = choose_precision(engine, device) == "bf16-mixed"
    return Fabric(
        accelerator=device.type,
        devices=devices,
        num_nodes=nodes,
        strategy="auto" if devices * nodes == 1 else "ddp",
        plugins=Autocast("bf16-mixed", device.type) if mixed else None,
    )


def choose_precision(engine: Engine, device: torch.device) -> Precision:
    """Return `engine.precision`; `auto` is bf16-mixed where the hardware computes in bfloat16."""
    if engine.precision != "auto":
        return engine.precision
    return "bf16-mixed" if computes_bf16(device) else "32-true"


def compile_pays(engine: Engine, device: torch.device, *, steps: int) -> bool:
    """Whether to compile the network for a training of so many steps.

    On a CPU `auto` never does: oneDNN's eager kernels are faster than what is compiled there
    (docs/results/speed.md has the figures).
    """
    if engine.compile != "auto":
        return engine.compile == "always"
    has_triton = importlib.util.find_spec("triton") is not None
    return device.type == "cuda" and has_triton and steps >= WORTH_COMPILING


def _world(engine: Engine) -> tuple[int, int]:
    """Return devices a machine and machines."""
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        return devices, int(os.environ["WORLD_SIZE"]) // devices
    return engine.devices, 1
