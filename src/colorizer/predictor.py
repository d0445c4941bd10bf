"""Colorizer: a photograph of any size in, the same photograph in colour out."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from colorizer.checkpoint import ModelCard, load_model
from colorizer.color import denormalize_ab, lab_to_rgb, normalize_lightness, rgb_to_lab, to_planes
from colorizer.images import decode, encode_png, resize


class Colorizer:
    """A trained network, ready to colour photographs.

    Args:
        model: a network from `create_model` with its weights.
        card: what it is and the size it was trained on.
        device: where it computes.
    """

    def __init__(self, model: nn.Module, card: ModelCard, *, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        self.card = card

    @classmethod
    def from_file(cls, path: Path, *, device: str = "cpu") -> "Colorizer":
        """Load a weights file.

        Raises:
            ColorizerError: if it is missing or no weights file of this project.
        """
        return cls(*load_model(path), device=device)

    @torch.no_grad()
    def predict_ab(self, lightness: Tensor) -> Tensor:
        """Predict colour for a batch.

        Args:
            lightness: float32 (N, 1, H, W), L* in 0..100; the network knows pictures of
                `card.size` best.

        Returns:
            float32 (N, 2, H, W) on `device`, a* and b* in CIELAB units.
        """
        return denormalize_ab(self.model(normalize_lightness(lightness.to(self.device))).float())

    def colorize(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colour one photograph.

        The network sees the photograph as it saw those it learned from, resized to a square; its
        colours are brought back to the photograph's size and joined with the photograph's own
        lightness.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.

        Returns:
            uint8 (H, W, 3), sRGB.
        """
        small = rgb_to_lab(to_planes(resize(rgb, size=self.card.size, resample=self.card.resample)))
        ab = self.predict_ab(small[None, :1]).cpu()
        lightness = rgb_to_lab(to_planes(rgb))[:1]
        ab = F.interpolate(ab, size=lightness.shape[-2:], mode="bicubic")[0]
        colour = lab_to_rgb(torch.cat((lightness, ab)))
        return np.ascontiguousarray(colour.permute(1, 2, 0).numpy())

    def colorize_bytes(self, data: bytes) -> bytes:
        """Colour an image file: bytes in any format that Pillow reads, PNG bytes out.

        Raises:
            ImageError: if the bytes are no image.
        """
        return encode_png(self.colorize(decode(data).rgb))
