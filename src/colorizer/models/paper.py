"""The study's three U-Nets, from a baseline without skips to six levels with dilation.

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

import torch
from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.models.blocks import (
    DecoderLayer,
    EncoderLayer,
    Init,
    Norm,
    SameConv2x2,
    crop_to,
    halve,
    initialize,
)
from colorizer.models.registry import register_model


class PlainUNet(nn.Module):
    """An encoder and a decoder without skips, and a 2x2 head.

    Decoder layer i mirrors encoder layer i: it doubles the size and gives as many channels as
    encoder layer i - 1 (the last one as many as the first).
    """

    def __init__(self, widths: Sequence[int], *, norm: Norm, init: Init) -> None:
        super().__init__()
        self.encoder = _encoder(widths, [1] * len(widths), norm)
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


class SkipUNet(nn.Module):
    """An encoder and a decoder joined by skips at every level, and a 1x1 head.

    The skip of a level is its features before pooling; decoder layer i gives as many channels as
    its skip has, and the two are stacked, as in U-Net (Ronneberger et al. 2015).
    """

    def __init__(
        self, widths: Sequence[int], dilations: Sequence[int], *, norm: Norm, init: Init
    ) -> None:
        super().__init__()
        self.encoder = _encoder(widths, dilations, norm)
        inputs = [widths[-1], *(2 * width for width in reversed(widths[1:]))]
        self.decoder = nn.ModuleList(
            DecoderLayer(n, width, norm=norm)
            for n, width in zip(inputs, reversed(widths), strict=True)
        )
        self.pool = halve()
        self.head: nn.Module = nn.Conv2d(2 * widths[0], 2, 1)
        initialize(self, init)

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        x, skips = lightness, []
        for layer in self.encoder:
            skips.append(layer(x))  # (N, width_i, H / 2^i, W / 2^i)
            x = self.pool(skips[-1])
        for layer, skip in zip(self.decoder, reversed(skips), strict=True):
            x = torch.cat((crop_to(layer(x), skip), skip), dim=1)
        ab: Tensor = self.head(x)
        return ab


@register_model
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


@register_model
def model2(
    widths: Sequence[int] = (32, 64, 128), norm: Norm = "none", init: Init = "kaiming"
) -> nn.Module:
    """Build the intermediate model.

    "It includes three convolutional layers and three transpose convolutional layers, maintaining
    the input as the Lightness (L) channel. The addition of skip connections between corresponding
    encoder and decoder layers [...]". The head is U-Net's 1x1: the study names 2x2 for model1 only.
    """
    check_levels("model2", widths, 3)
    return SkipUNet(widths, [1] * len(widths), norm=norm, init=init)


@register_model
def model3(
    widths: Sequence[int] = (32, 64, 128, 256, 256, 256),
    dilations: Sequence[int] = (1, 2, 2, 2, 2, 2),
    norm: Norm = "none",
    init: Init = "kaiming",
) -> nn.Module:
    """Build the deep model.

    "six convolutional layers and six transpose convolutional layers. It not only employs skip
    connections but also integrates dilation layers (or 'a trous' layers) into the convolutional
    stages. These dilation layers expand the receptive field [...] without a substantial increase in
    parameters." Read so: the six convolutions are themselves dilated, which adds no parameters; the
    first one, which sees the photograph, stays dense so that its skip carries every pixel.
    """
    check_levels("model3", widths, 6)
    check_levels("model3", dilations, 6, what="dilations")
    return SkipUNet(widths, dilations, norm=norm, init=init)


def _encoder(widths: Sequence[int], dilations: Sequence[int], norm: Norm) -> nn.ModuleList:
    channels = pairwise([1, *widths])
    return nn.ModuleList(
        EncoderLayer(inputs, outputs, norm=norm, dilation=dilation)
        for (inputs, outputs), dilation in zip(channels, dilations, strict=True)
    )


def check_levels(name: str, values: Sequence[int], levels: int, what: str = "widths") -> None:
    """Refuse a list that has not one positive whole number for each layer.

    Raises:
        ColorizerError: naming the model and what is wrong.
    """
    numbers = values if isinstance(values, Sequence) else ()
    if len(numbers) != levels or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ColorizerError(
            f"{name}: {what} is {values!r}; expected {levels} positive whole numbers, one a layer"
        )
