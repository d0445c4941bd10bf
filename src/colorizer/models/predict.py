"""The one way from a photograph's L* to the colors that a network predicts."""

from torch import Tensor, nn

from colorizer.color.lab import denormalize_ab, normalize_lightness


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
