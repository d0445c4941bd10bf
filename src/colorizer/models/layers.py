"""What the networks are made of."""

import math
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.errors import ColorizerError

Norm = Literal["none", "batch", "group"]
Init = Literal["kaiming", "xavier", "pytorch"]

GROUPS = 8  # of group normalization; channels that do not fill them make one group


class EncoderLayer(nn.Module):
    """Convolution, (normalization,) ReLU: the size stays.

    A `dilation` above 1 spreads the 3x3 kernel's taps ("a trous"), which widens the field of view
    at no cost in parameters.
    """

    def __init__(self, inputs: int, outputs: int, *, norm: Norm, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.norm = normalization(norm, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return F.relu(self.norm(self.conv(x)))


class DecoderLayer(nn.Module):
    """Transposed convolution, (normalization,) ReLU: the size doubles.

    The 4x4 kernel is a multiple of the stride, so every output pixel has as many taps as its
    neighbors and no checkerboard appears (Odena et al. 2016, "Deconvolution and Checkerboard
    Artifacts").
    """

    def __init__(self, inputs: int, outputs: int, *, norm: Norm) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        self.norm = normalization(norm, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        return F.relu(self.norm(self.conv(x)))


class SameConv2x2(nn.Conv2d):
    """A 2x2 convolution that keeps the size: one row is added below and one column on the right."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return super().forward(F.pad(x, (0, 1, 0, 1)))


def halve() -> nn.MaxPool2d:
    """Return 2x2 max-pooling; an odd side is rounded up, so any size can be halved."""
    return nn.MaxPool2d(2, ceil_mode=True)


def crop_to(x: Tensor, like: Tensor) -> Tensor:
    """Cut (N, C, H, W) to the height and width of `like`: undoes the rounding of `halve`."""
    return x[..., : like.shape[-2], : like.shape[-1]]


def normalization(name: Norm, channels: int) -> nn.Module:
    """Return the named normalization layer; "none" is the identity.

    Raises:
        ColorizerError: if there is no such normalization.
    """
    layers: dict[str, Callable[[], nn.Module]] = {
        "none": nn.Identity,
        "batch": lambda: nn.BatchNorm2d(channels),
        "group": lambda: nn.GroupNorm(_groups(channels), channels),
    }
    if name not in layers:
        raise ColorizerError(f"norm is {name!r}: choose one of {', '.join(layers)}")
    return layers[name]()


def _groups(channels: int) -> int:
    """Return one group where there would be one channel a group, which a 1x1 picture breaks."""
    return GROUPS if channels > GROUPS and channels % GROUPS == 0 else 1


def initialize(model: nn.Module, init: Init, *, linear: Collection[str] = ("head",)) -> None:
    """Draw a network's convolution weights anew; biases become 0.

    "kaiming" is He et al. 2015, which keeps signals at their size through ReLU (the parts of the
    model that `linear` names, which no ReLU follows, are drawn without its gain); "xavier" is
    Glorot and Bengio 2010, uniform; "pytorch" leaves what PyTorch drew.

    Raises:
        ColorizerError: if there is no such initialization.
    """
    if init not in get_args(Init):
        raise ColorizerError(f"init is {init!r}: choose one of {', '.join(get_args(Init))}")
    if init == "pytorch":
        return
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            if init == "xavier":
                nn.init.xavier_uniform_(module.weight)
            else:
                gain = 1.0 if name.split(".")[0] in linear else 2.0
                nn.init.normal_(module.weight, std=math.sqrt(gain / _fan_in(module)))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _fan_in(conv: nn.Conv2d | nn.ConvTranspose2d) -> float:
    """Return how many inputs each output pixel sums: a transposed convolution's stride thins them.

    PyTorch's own count takes a transposed convolution's outputs for its inputs.
    """
    taps = math.prod(conv.kernel_size) * conv.in_channels
    return taps / math.prod(conv.stride) if isinstance(conv, nn.ConvTranspose2d) else taps


class SkipUNet(nn.Module):
    """An encoder and a decoder joined by skips at every level, and a 1x1 head.

    The skip of a level is its features before pooling; decoder layer i gives as many channels as
    its skip has, and the two are stacked, as in U-Net (Ronneberger et al. 2015).
    """

    def __init__(
        self, widths: Sequence[int], dilations: Sequence[int], *, norm: Norm, init: Init
    ) -> None:
        super().__init__()
        self.encoder = build_encoder(widths, dilations, norm)
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


def build_encoder(widths: Sequence[int], dilations: Sequence[int], norm: Norm) -> nn.ModuleList:
    """Return one `EncoderLayer` a width, the first of which sees lightness."""
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
