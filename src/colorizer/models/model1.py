"""The study's baseline: an encoder and a decoder without skips.

Reference: Bayraktar and Senyurt, "Black and White Image Colorization with Deep Learning",
section III, which describes the layers in words. Where it is silent, this is what was chosen:

- widths: parameters (params.yaml); the study gives none.
- kernels: 3x3 in the encoder and a 1x1 head, as in the U-Net that the study follows; 4x4 with
  stride 2 in the decoder, which leaves no checkerboard. Only model1's 2x2 head is given.
- normalization: none by default, since none is mentioned; `norm` adds it.
- initialization: He's for ReLU by default; `init` changes it.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from colorizer.models.layers import (
    DecoderLayer,
    Init,
    Norm,
    SameConv2x2,
    build_encoder,
    check_levels,
    crop_to,
    halve,
    initialize,
)


class PlainUNet(nn.Module):
    """An encoder and a decoder without skips, and a 2x2 head.

    Decoder layer i mirrors encoder layer i: it doubles the size and gives as many channels as
    encoder layer i - 1 (the last one as many as the first).
    """

    def __init__(self, widths: Sequence[int], *, norm: Norm, init: Init) -> None:
        super().__init__()
        self.encoder = build_encoder(widths, [1] * len(widths), norm)
        self.decoder = nn.ModuleList(
            DecoderLayer(inputs, outputs, norm=norm)
            for inputs, outputs in pairwise([*reversed(widths), widths[0]])
        )
        self.pool = halve()
        self.head = SameConv2x2(widths[0], 2)
        initialize(self, init)

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        x = lightness
        for layer in self.encoder:
            x = self.pool(layer(x))
        for layer in self.decoder:
            x = layer(x)
        ab: Tensor = self.head(crop_to(x, lightness))
        return ab


def model1(
    widths: Sequence[int] = (32, 64), norm: Norm = "none", init: Init = "kaiming"
) -> nn.Module:
    """Build the baseline.

    "comprising two convolutional layers and two transpose convolutional layers, and taking the
    Lightness (L) channel as input. It intentionally omits skip connections [...]. The final layer
    of this model is a 2x2 convolution that produces the A and B color channels."
    """
    check_levels("model1", widths, 2)
    return PlainUNet(widths, norm=norm, init=init)
