"""The network of "Colorful image colorization".

Reference: Zhang, Isola and Efros 2016, appendix, table 4: eight blocks of convolutions, no pooling;
blocks 1 to 3 end with a stride of 2, blocks 5 and 6 are dilated, block 8 doubles the size, and a
1x1 convolution gives the logits of the bins at a quarter of the photograph's size.
"""

from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.models.heads import TEMPERATURE, Head, outputs_of, with_head
from colorizer.models.layers import Init, Norm, initialize, normalization

BLOCKS = (  # multiples of `width`, convolutions, stride of the last one, dilation
    (1, 2, 2, 1),
    (2, 2, 2, 1),
    (4, 3, 2, 1),
    (8, 3, 1, 1),
    (8, 3, 1, 2),
    (8, 3, 1, 2),
    (8, 3, 1, 1),
)


class ZhangNetwork(nn.Module):
    """Eight blocks of convolution and ReLU, each ended by a normalization, and a 1x1 head."""

    def __init__(self, width: int, outputs: int, *, norm: Norm, init: Init) -> None:
        super().__init__()
        blocks, inputs = [], 1
        for multiple, convolutions, stride, dilation in BLOCKS:
            channels = multiple * width
            layers: list[nn.Module] = []
            for place in range(convolutions):
                step = stride if place == convolutions - 1 else 1
                conv = nn.Conv2d(inputs, channels, 3, step, padding=dilation, dilation=dilation)
                layers += [conv, nn.ReLU()]
                inputs = channels
            blocks.append(nn.Sequential(*layers, normalization(norm, channels)))
        last = 4 * width
        up: list[nn.Module] = [nn.ConvTranspose2d(inputs, last, 4, stride=2, padding=1), nn.ReLU()]
        for _ in range(2):
            up += [nn.Conv2d(last, last, 3, padding=1), nn.ReLU()]
        self.blocks = nn.Sequential(*blocks, nn.Sequential(*up))
        self.head = nn.Conv2d(last, outputs, 1)
        initialize(self, init)

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to (N, outputs, H / 4, W / 4), rounded up."""
        output: Tensor = self.head(self.blocks(lightness))
        return output


def zhang2016(
    width: int = 64,
    norm: Norm = "batch",
    init: Init = "kaiming",
    head: Head = "bins",
    temperature: float = TEMPERATURE,
) -> nn.Module:
    """Build the network of Zhang et al.; `width` is the first block's channels."""
    if not isinstance(width, int) or width < 1:
        raise ColorizerError(f"zhang2016: width is {width!r}; expected a positive whole number")
    return with_head(ZhangNetwork(width, outputs_of(head), norm=norm, init=init), head, temperature)
