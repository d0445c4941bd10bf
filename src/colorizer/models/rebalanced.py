"""The study's model3 with another head: what learning colour as classes does to its bias."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.models.bins import TEMPERATURE, Head, outputs_of, with_head
from colorizer.models.blocks import Init, Norm, initialize
from colorizer.models.paper import SkipUNet, check_levels
from colorizer.models.registry import register_model


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


@register_model
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

    The head sees features averaged over `stride` pixels: Zhang et al. too predict colour at a
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
