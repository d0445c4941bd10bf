"""Heads: how a network's last features become colours, directly or by way of bins."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.ab_bins import annealed_mean, bin_centres
from colorizer.color import normalize_ab
from colorizer.errors import ColorizerError

Head = Literal["ab", "bins"]

TEMPERATURE = 0.38
"""Zhang, Isola and Efros 2016, section 2.3."""


class BinsNetwork(nn.Module):
    """A network that says of each pixel how likely each bin of the ab plane is.

    Args:
        body: from lightness (N, 1, H, W) in -1..1 to logits (N, Q, h, w), of any smaller size.
        temperature: of the annealed mean that makes colours of them.
    """

    def __init__(self, body: nn.Module, temperature: float) -> None:
        super().__init__()
        self.body = body
        self.temperature = temperature
        self.register_buffer("centres", bin_centres())

    def logits(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to logits (N, Q, h, w)."""
        logits: Tensor = self.body(lightness)
        return logits

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        assert isinstance(self.centres, Tensor)
        ab = normalize_ab(annealed_mean(self.logits(lightness), self.centres, self.temperature))
        return F.interpolate(ab, lightness.shape[-2:], mode="bilinear")


class Resized(nn.Module):
    """A network that predicts ab at a smaller size than it sees, brought to that size."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to normalized ab (N, 2, H, W)."""
        return F.interpolate(self.body(lightness), lightness.shape[-2:], mode="bilinear")


def outputs_of(head: Head) -> int:
    """Return how many channels a network with this head ends with.

    Raises:
        ColorizerError: if there is no such head.
    """
    outputs = {"ab": 2, "bins": len(bin_centres())}
    if head not in outputs:
        raise ColorizerError(f"head is {head!r}: choose one of {', '.join(outputs)}")
    return outputs[head]


def with_head(body: nn.Module, head: Head, temperature: float) -> nn.Module:
    """Make a network of a body that ends with `outputs_of(head)` channels.

    Raises:
        ColorizerError: if the temperature is not positive.
    """
    if not temperature > 0:
        raise ColorizerError(f"temperature is {temperature!r}; expected a number above 0")
    return BinsNetwork(body, temperature) if head == "bins" else Resized(body)
