"""The one way from a photograph's L* to the colors, or their classes, that a network predicts."""

import torch
from torch import Tensor, nn

from colorizer.color.lab import denormalize_ab, normalize_lightness
from colorizer.models.heads import BinsNetwork


class InUnits(nn.Module):
    """A network from CIELAB's lightness to CIELAB's ab, whatever scale it computes in.

    Args:
        model: a network from `create_model`; it is shared, not copied.

    Example:
        >>> import torch
        >>> from colorizer.models import create_model
        >>> InUnits(create_model("model1", widths=[2, 4]))(torch.full((1, 1, 8, 8), 50.0)).shape
        torch.Size([1, 2, 8, 8])
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, lightness: Tensor) -> Tensor:
        """Map L* in 0..100, float32 (N, 1, H, W), to a* and b*, float32 (N, 2, H, W)."""
        ab: Tensor = self.model(normalize_lightness(lightness))
        return denormalize_ab(ab.float())


def ab_and_classes(model: BinsNetwork, lightness: Tensor) -> tuple[Tensor, Tensor]:
    """Predict color, and how likely each class of color is, by one pass through a network.

    Args:
        model: a network with a head of bins.
        lightness: (N, 1, H, W), L* in 0..100.

    Returns:
        a* and b*, float32 (N, 2, H, W), as `InUnits`; and float32 (N, Q, h, w), at the size of the
        network's head, which sums to 1 over the Q classes, whose colors are `model.centers`,
        whatever the temperature that colors are made at.
    """
    seen = normalize_lightness(lightness)
    logits = model.class_logits(seen)
    ab = denormalize_ab(model.colors(logits, seen).float())
    return ab, torch.softmax(logits.float(), dim=1)
