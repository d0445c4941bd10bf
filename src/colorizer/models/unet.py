"""The original U-Net, of which the study's Figure 1 shows the architecture.

Reference: Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional Networks for Biomedical Image
Segmentation". Its convolutions are unpadded and the borders lost; here they are padded, so that a
photograph keeps its size.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.models.heads import TEMPERATURE, Head, outputs_of, with_head
from colorizer.models.layers import EncoderLayer, Init, Norm, crop_to, halve, initialize


class UNet(nn.Module):
    """Double 3x3 convolutions, halved by pooling, doubled by transposed ones, joined by skips."""

    def __init__(self, widths: Sequence[int], outputs: int, *, norm: Norm, init: Init) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(_double(n, m, norm) for n, m in pairwise([1, *widths]))
        steps = list(pairwise(reversed(widths)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(n, m, 2, stride=2) for n, m in steps)
        self.decoder = nn.ModuleList(_double(2 * m, m, norm) for _, m in steps)
        self.pool = halve()
        self.head = nn.Conv2d(widths[0], outputs, 1)
        initialize(self, init, linear=("head", "up"))

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to (N, outputs, H, W)."""
        *levels, bottom = self.encoder
        x, skips = lightness, []
        for level in levels:
            skips.append(level(x))
            x = self.pool(skips[-1])
        x = bottom(x)
        for up, level, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            x = level(torch.cat((crop_to(up(x), skip), skip), dim=1))
        output: Tensor = self.head(x)
        return output


def unet(
    widths: Sequence[int] = (64, 128, 256, 512, 1024),
    norm: Norm = "none",
    init: Init = "kaiming",
    head: Head = "ab",
    temperature: float = TEMPERATURE,
) -> nn.Module:
    """Build the original U-Net: double convolutions, four halvings, a 1x1 head."""
    if len(widths) < 2:
        raise ColorizerError(f"unet: widths is {widths!r}; expected at least 2, one a level")
    network = UNet(widths, outputs_of(head), norm=norm, init=init)
    return network if head == "ab" else with_head(network, head, temperature)


def _double(inputs: int, outputs: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        EncoderLayer(inputs, outputs, norm=norm), EncoderLayer(outputs, outputs, norm=norm)
    )
