"""This project's own network: residual blocks, attention where the picture is small, bins."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.models.bins import TEMPERATURE, Head, outputs_of, with_head
from colorizer.models.blocks import Init, Norm, crop_to, initialize, normalization
from colorizer.models.registry import register_model

HEAD_CHANNELS = 64  # of an attention head
SOFT = 0.1  # of the weights that end what is added


class ResidualBlock(nn.Module):
    """Twice normalization, SiLU and a 3x3 convolution, added to what came in (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, *, norm: Norm) -> None:
        super().__init__()
        self.norm1 = normalization(norm, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = normalization(norm, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def soften(self) -> None:
        """Let the block begin near its skip, which trains steadily."""
        with torch.no_grad():
            self.conv2.weight *= SOFT

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        y = self.conv1(F.silu(self.norm1(x)))
        added: Tensor = self.skip(x) + self.conv2(F.silu(self.norm2(y)))
        return added


class Attention(nn.Module):
    """Self-attention of all places with all, added to what came in (Vaswani et al. 2017)."""

    def __init__(self, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.heads = max(1, channels // HEAD_CHANNELS)
        if channels % self.heads:
            raise ColorizerError(
                f"flagship: the last width is {channels}; expected a multiple of {HEAD_CHANNELS}"
            )
        self.norm = normalization(norm, channels)
        self.into = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def soften(self) -> None:
        """Let it begin near the identity."""
        with torch.no_grad():
            self.out.weight *= SOFT

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        count, channels, height, width = x.shape
        shape = (count, self.heads, channels // self.heads, height * width)
        queries, keys, values = (
            part.reshape(shape).transpose(2, 3) for part in self.into(self.norm(x)).chunk(3, dim=1)
        )
        mixed = F.scaled_dot_product_attention(queries, keys, values)  # (N, heads, H W, C / heads)
        added: Tensor = x + self.out(mixed.transpose(2, 3).reshape(x.shape))
        return added


class ResidualUNet(nn.Module):
    """A U-Net of residual blocks, whose decoder ends at half of the photograph's size."""

    def __init__(
        self,
        widths: Sequence[int],
        outputs: int,
        *,
        blocks: int,
        norm: Norm,
        init: Init,
        attention: bool,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, widths[0], 3, stride=2, padding=1)
        self.encoder = nn.ModuleList(_stack(n, n, blocks, norm) for n in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(n, m, 3, stride=2, padding=1) for n, m in pairwise(widths)
        )
        self.middle = Attention(widths[-1], norm=norm) if attention else nn.Identity()
        self.decoder = nn.ModuleList(
            _stack(n + m, m, blocks, norm) for n, m in pairwise(reversed(widths))
        )
        self.last = normalization(norm, widths[0])
        self.head = nn.Conv2d(widths[0], outputs, 1)
        initialize(self, init)
        for module in self.modules():  # which begin nearly as what they are added to
            if isinstance(module, ResidualBlock | Attention):
                module.soften()

    def forward(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to (N, outputs, H / 2, W / 2), rounded up."""
        x, skips = self.stem(lightness), []
        for level, down in zip(self.encoder, self.down, strict=False):
            skips.append(level(x))
            x = down(skips[-1])
        x = self.middle(self.encoder[-1](x))
        for level, skip in zip(self.decoder, reversed(skips), strict=True):
            x = crop_to(F.interpolate(x, scale_factor=2.0, mode="nearest"), skip)
            x = level(torch.cat((x, skip), dim=1))
        output: Tensor = self.head(F.silu(self.last(x)))
        return output


@register_model
def flagship(
    widths: Sequence[int] = (32, 96, 192, 256, 256),
    blocks: int = 1,
    norm: Norm = "group",
    init: Init = "kaiming",
    attention: bool = True,
    head: Head = "ab",
    temperature: float = TEMPERATURE,
    curve: bool = True,
) -> nn.Module:
    """Build this project's own network.

    Colour needs less detail than lightness, which a photograph keeps: all layers work at half of
    its size and below, and only the lowest level, a 32nd of it, looks everywhere at once.
    """
    if len(widths) < 2 or blocks < 1:
        raise ColorizerError(
            f"flagship: widths is {widths!r}, blocks {blocks!r}; expected at least 2 and 1"
        )
    body = ResidualUNet(
        widths, outputs_of(head), blocks=blocks, norm=norm, init=init, attention=attention
    )
    return with_head(body, head, temperature, curved=curve)


def _stack(inputs: int, outputs: int, blocks: int, norm: Norm) -> nn.Sequential:
    channels = [inputs, *[outputs] * blocks]
    return nn.Sequential(*(ResidualBlock(n, m, norm=norm) for n, m in pairwise(channels)))
