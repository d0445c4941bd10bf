"""The study's model3 with another recipe, its colors as strong and as uneven as photographs'.

A network of residual blocks, group normalization and attention, of as many parameters, was tried in
its place and scored worse after the same number of epochs (docs/results/study.md).
"""

from collections.abc import Sequence

from torch import nn

from colorizer.models.heads import TEMPERATURE, Head, build_skip_network
from colorizer.models.layers import Init, Norm


def model3_tuned(
    widths: Sequence[int] = (32, 64, 128, 256, 256, 256),
    dilations: Sequence[int] = (1, 2, 2, 2, 2, 2),
    norm: Norm = "none",
    init: Init = "kaiming",
    head: Head = "ab",
    stride: int = 1,
    temperature: float = TEMPERATURE,
    curve: bool = True,
) -> nn.Module:
    """Build model3's encoder, decoder and 1x1 head, followed by a `ChromaCurve`.

    With `head: bins`, for ablations, a `stride` of 4 saves memory, as in `rebalanced`.
    """
    return build_skip_network(
        "model3_tuned",
        widths,
        dilations,
        norm=norm,
        init=init,
        head=head,
        stride=stride,
        temperature=temperature,
        curve=curve,
    )
