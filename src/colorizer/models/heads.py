"""Heads: how a network's last features become colors, directly or by way of bins."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.color.ab_quantization import annealed_mean, bin_centers
from colorizer.color.lab import normalize_ab
from colorizer.errors import ColorizerError
from colorizer.models.layers import Init, Norm, SkipUNet, check_levels, initialize

Head = Literal["ab", "bins"]

TEMPERATURE = 0.38
"""Zhang, Isola and Efros 2016, section 2.3."""

FAINT = 1e-4
"""Normalized chroma, a hundredth of a CIELAB unit, below which the curve is straight."""


class ChromaCurve(nn.Module):
    """Brings chroma to the strength and the spread that photographs have; hues stay.

    What a network is unsure of it predicts near gray, so its colors are too dull and too even. The
    curve gain * chroma ** exponent makes what is strong stronger than what is weak. It is fitted
    once the network is trained (`calibration`), and until then changes nothing.
    """

    gain: Tensor
    exponent: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("exponent", torch.ones(()))

    def forward(self, ab: Tensor) -> Tensor:
        """Map normalized ab (N, 2, H, W) to the same shape, at least float32, chroma at most 1."""
        ab = ab.to(torch.promote_types(ab.dtype, torch.float32))
        chroma = ab.square().sum(1, keepdim=True).clamp(min=FAINT**2).sqrt()
        return ab * (self.gain * chroma**self.exponent).clamp(max=1) / chroma


class BinsNetwork(nn.Module):
    """A network that says of each pixel how likely each bin of the ab plane is.

    Args:
        body: from lightness (N, 1, H, W) in -1..1 to logits (N, Q, h, w), of any smaller size.
        temperature: of the annealed mean that makes colors of them.
        curve: what is done to the colors, normalized ab (N, 2, H, W).
    """

    centers: Tensor

    def __init__(self, body: nn.Module, temperature: float, curve: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.temperature = temperature
        self.curve = curve
        self.register_buffer("centers", bin_centers().clone())

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        if f"{prefix}centres" in state:  # as earlier weights files spell it
            state[f"{prefix}centers"] = state.pop(f"{prefix}centres")
        super()._load_from_state_dict(state, prefix, *rest)

    def logits(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to logits (N, Q, h, w)."""
        logits: Tensor = self.body(lightness)
        return logits

    def class_logits(self, lightness: Tensor) -> Tensor:
        """Map lightness as `logits` does, to the logits that colors are made of."""
        return self.logits(lightness)

    def colors(self, logits: Tensor, lightness: Tensor) -> Tensor:
        """Map `class_logits`, (N, Q, h, w), to normalized ab, (N, 2, H, W), of lightness's size."""
        ab = normalize_ab(annealed_mean(logits, self.centers, self.temperature))
        curved: Tensor = self.curve(F.interpolate(ab, lightness.shape[-2:], mode="bilinear"))
        return curved

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        return self.colors(self.class_logits(lightness), lightness)


class Resized(nn.Module):
    """A network that predicts ab at a smaller size than it sees, brought to that size."""

    def __init__(self, body: nn.Module, curve: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.curve = curve

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        ab = F.interpolate(self.body(lightness), lightness.shape[-2:], mode="bilinear")
        curved: Tensor = self.curve(ab)
        return curved


def outputs_of(head: Head) -> int:
    """Return how many channels a network with this head ends with.

    Raises:
        ColorizerError: if there is no such head.
    """
    outputs = {"ab": 2, "bins": len(bin_centers())}
    if head not in outputs:
        raise ColorizerError(f"head is {head!r}: choose one of {', '.join(outputs)}")
    return outputs[head]


def with_head(
    body: nn.Module, head: Head, temperature: float, *, curved: bool = False
) -> nn.Module:
    """Make a network of a body that ends with `outputs_of(head)` channels.

    Args:
        body: from lightness (N, 1, H, W) in -1..1, to any smaller size.
        head: what its channels are.
        temperature: of the bins' annealed mean.
        curved: whether a `ChromaCurve` follows.

    Raises:
        ColorizerError: if the temperature is not positive.
    """
    if not temperature > 0:
        raise ColorizerError(f"temperature is {temperature!r}; expected a number above 0")
    curve = ChromaCurve() if curved else nn.Identity()
    return BinsNetwork(body, temperature, curve) if head == "bins" else Resized(body, curve)


class PooledHead(nn.Module):
    """A 1x1 convolution of features averaged over squares of `stride` pixels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        output: Tensor = self.conv(F.avg_pool2d(x, self.stride, ceil_mode=True))
        return output


def build_skip_network(
    name: str,
    widths: Sequence[int],
    dilations: Sequence[int],
    *,
    norm: Norm,
    init: Init,
    head: Head,
    stride: int,
    temperature: float,
    curve: bool = False,
) -> nn.Module:
    """Build model3's encoder and decoder with another head.

    Raises:
        ColorizerError: naming the model, if there are not six widths and dilations.
    """
    check_levels(name, widths, 6)
    check_levels(name, dilations, 6, what="dilations")
    body = SkipUNet(widths, dilations, norm=norm, init=init)
    body.head = PooledHead(2 * widths[0], outputs_of(head), stride)
    initialize(body.head, init, linear=("conv",))
    return with_head(body, head, temperature, curved=curve)
