"""The study's model3 with another head: what learning color as classes does to its bias."""

from collections.abc import Sequence

from torch import nn

from colorizer.models.heads import TEMPERATURE, Head, build_skip_network
from colorizer.models.layers import Init, Norm


def rebalanced(
    widths: Sequence[int] = (32, 64, 128, 256, 256, 256),
    dilations: Sequence[int] = (1, 2, 2, 2, 2, 2),
    norm: Norm = "none",
    init: Init = "kaiming",
    head: Head = "bins",
    stride: int = 4,
    temperature: float = TEMPERATURE,
) -> nn.Module:
    """Build model3's encoder and decoder with a head of bins, to be trained by the loss of them.

    The head sees features averaged over `stride` pixels: Zhang et al. too predict color at a
    quarter of the size, and at full size the logits of a batch at 320x320 fill a GPU.
    """
    return build_skip_network(
        "rebalanced",
        widths,
        dilations,
        norm=norm,
        init=init,
        head=head,
        stride=stride,
        temperature=temperature,
    )
