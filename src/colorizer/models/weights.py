"""Weights that describe themselves: model, arguments and color convention in one safetensors."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata

HALF_TOLERANCE = 1.0
"""CIELAB units, what people just notice, that half precision may change a color by."""


def save_weights(path: Path, metadata: WeightsMetadata, weights: dict[str, Tensor]) -> None:
    """Write weights and their metadata."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    path.write_bytes(save(contiguous, metadata=metadata.to_metadata()))


def load_model(path: Path) -> tuple[nn.Module, WeightsMetadata]:
    """Rebuild a model from its weights file, on the CPU and ready for use (`eval`).

    Raises:
        ColorizerError: if the file is missing, is no weights file of this project, or was made
            under another color convention.
    """
    try:
        with safe_open(path, framework="pt") as file:
            stored = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ColorizerError(f"{path} is no readable weights file: {error}") from None
    metadata = WeightsMetadata.from_metadata(path, stored)
    model = create_model(metadata.model, **metadata.arguments)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ColorizerError(f"{path}: the weights do not fit {metadata.model}: {reason}") from None
    return model.eval(), metadata


def write_half(source: Path, target: Path) -> float:
    """Write a weights file anew in half precision; `load_model` reads it like any other.

    Args:
        source: the weights file.
        target: the file to write, once it is checked.

    Returns:
        The largest difference that it makes to a pixel's ab in a picture of noise, CIELAB units.

    Raises:
        ColorizerError: if the source cannot be read, or the difference exceeds `HALF_TOLERANCE`.
    """
    model, metadata = load_model(source)
    noise = torch.rand(
        (2, 1, metadata.size, metadata.size), generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        before = model(2 * noise - 1)
        halved = {
            n: w.half() if w.is_floating_point() else w for n, w in model.state_dict().items()
        }
        model.load_state_dict(halved)
        difference = AB_SCALE * float((model(2 * noise - 1) - before).abs().max())
    if not difference <= HALF_TOLERANCE:  # so that NaN is refused too
        raise ColorizerError(
            f"{source}: in half precision its colors differ by {difference:.2g} CIELAB units; "
            f"expected at most {HALF_TOLERANCE:g}: nothing was written"
        )
    save_weights(target, metadata, halved)
    return difference
