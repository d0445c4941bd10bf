"""What a network's encoder makes of a photograph: features by which places can be compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.models.efficientnet_lite import EfficientNetLite
from colorizer.models.heads import BinsNetwork
from colorizer.models.predict import ab_and_classes

STRIDE = 16
"""Pixels of what the network sees that share features, in each direction."""


def has_features(model: nn.Module) -> bool:
    """Whether a network has an encoder that knows objects, and a head of bins."""
    return isinstance(model, BinsNetwork) and isinstance(_encoder(model), EfficientNetLite)


def all_of(model: BinsNetwork, lightness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Predict color, classes and features by one pass through a network that `has_features`.

    Args:
        model: the network.
        lightness: (N, 1, H, W), L* in 0..100.

    Returns:
        What `ab_and_classes` returns; and the features of the encoder's two last levels, float32
        (N, C, H / 16, W / 16), rounded up, the deeper one's brought to the size of the other's.
    """
    with _kept(_encoder(model)) as kept:
        ab, probabilities = ab_and_classes(model, lightness)
    *_, fine, deep = (level.float() for level in kept)
    features = torch.cat((fine, F.interpolate(deep, fine.shape[-2:], mode="bilinear")), dim=1)
    rows, columns = ((side + STRIDE - 1) // STRIDE for side in lightness.shape[-2:])
    return ab, probabilities, features[..., :rows, :columns]


def _encoder(model: BinsNetwork) -> Any:
    return getattr(model.body, "encoder", None)


@contextmanager
def _kept(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Keep what an encoder returns meanwhile."""
    kept: list[Tensor] = []
    handle = encoder.register_forward_hook(lambda _module, _given, levels: kept.extend(levels))
    try:
        yield kept
    finally:
        handle.remove()
