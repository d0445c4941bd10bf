"""This project's own: an encoder that knows objects, a U-Net decoder, color as one of many bins.

The encoder has learned from ImageNet what things are; the decoder learns from photographs what
color they have. What a decoder of this size learns of objects from 8,000 photographs alone is too
little: grass, skies and faces have to be recognized before they can be colored.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.color.ab_quantization import order_by_chroma, vivid_mean
from colorizer.color.lab import normalize_ab
from colorizer.errors import ColorizerError
from colorizer.models.efficientnet_lite import VARIANTS, EfficientNetLite
from colorizer.models.heads import BinsNetwork, outputs_of
from colorizer.models.layers import crop_to
from colorizer.models.spreading import STRIDE, attend, guided, padded

PARTS = {
    "efficientnet_lite.py": "ad286e909db36ca2a58a8ee0656b579e8918d330db3d3dc1b86d3c73a6e6e095",
    "spreading.py": "86c401b86a8ea112a9966b66d17df3f7f6872b112c4dd7f16db0ae651b3d340b",
}
"""SHA-256 of its other files: dvc.yaml names one file a network, this one, so an edit there becomes
an edit here, and makes the flagship's training stale and no other."""

MULTIPLE = 32  # pixels that the sides of what the encoder sees are a multiple of
MEAN, DEVIATION = 127 / 255, 128 / 255  # of the pictures that the encoder was trained on


class UpBlock(nn.Module):
    """Bilinear upsampling to the skip's size, the skip beside it, and two 3x3 convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (inputs + skip, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.convs = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, h, w) and (N, skip, H, W) to (N, outputs, H, W)."""
        x = F.interpolate(x, skip.shape[-2:], mode="bilinear")
        output: Tensor = self.convs(torch.cat((x, skip), dim=1))
        return output


class EncoderDecoder(nn.Module):
    """An EfficientNet-Lite encoder and a decoder up to a quarter of the photograph's size.

    Args:
        encoder: a name in `VARIANTS`.
        widths: channels of the decoder's three blocks, at strides 16, 8 and 4.
        outputs: channels of the 1x1 head.
        dropout: share of the head's input channels that training leaves out.
    """

    def __init__(
        self, encoder: str, widths: Sequence[int], outputs: int, *, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = EfficientNetLite(encoder)
        *_, first, second, third, deepest = self.encoder.channels
        steps = pairwise((deepest, *widths))
        self.decoder = nn.ModuleList(
            UpBlock(inputs, skip, width)
            for (inputs, width), skip in zip(steps, (third, second, first), strict=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[-1], outputs, 1)

    def forward(self, lightness: Tensor, attention: float = 0.0) -> Tensor:
        """Map lightness to outputs, with `attend` at a temperature above 0 before the head.

        Args:
            lightness: (N, 1, H, W), -1..1.
            attention: the temperature; 0 leaves each place to itself.

        Returns:
            (N, outputs, H / 4, W / 4), rounded up.
        """
        x = (padded(lightness, MULTIPLE) + 1) / 2
        x = (x - MEAN) / DEVIATION
        _, *skips, x = self.encoder(x.expand(-1, 3, -1, -1))
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            x = block(x, skip)
        rows, columns = ((side + STRIDE - 1) // STRIDE for side in lightness.shape[-2:])
        x = x[..., :rows, :columns]
        if attention:
            x = attend(x, attention)
        output: Tensor = self.head(self.dropout(x))
        return output


class Flagship(BinsNetwork):
    """Bins whose re-balancing is taken back in part before they become a color.

    Training counts rare colors more, so that they are learned at all; what the network then says is
    as if photographs had as many of them. `correction` times the logarithm of the weights is
    subtracted from the logits: 0 leaves vivid colors, of which too many are wrong, 1 dull ones.

    Args:
        body: from lightness to logits at a quarter of the size.
        temperature: of the annealed mean.
        correction: alpha, the share of the re-balancing that is taken back.
        quantile: of the chroma that is likely, which colors are brought to; 0 leaves them the
            mean's, which is dull where the hue is in doubt.
        smooth: cells of a prediction on each side, over which colors follow lightness; 0 none.
        attention: how unlike places may look and still agree on their color, as the temperature of
            `attend`; 0 leaves each to itself, as training does.
    """

    log_weights: Tensor
    order: Tensor

    def __init__(
        self,
        body: nn.Module,
        temperature: float,
        correction: float,
        *,
        quantile: float = 0.0,
        smooth: int = 0,
        attention: float = 0.0,
    ) -> None:
        super().__init__(body, temperature, nn.Identity())
        self.correction = correction
        self.quantile = quantile
        self.smooth = smooth
        self.attention = attention
        self.register_buffer("log_weights", torch.zeros(len(self.centers)))
        self.register_buffer("order", order_by_chroma(self.centers), persistent=False)

    def take_back(self, weights: Tensor) -> None:
        """Note how much a pixel of each bin counts in training, (Q,): `correction` needs it."""
        self.log_weights.copy_(weights.log())

    def logits(self, lightness: Tensor) -> Tensor:
        """Map lightness (N, 1, H, W) in -1..1 to logits (N, Q, h, w); in use, by `attend`."""
        if self.training or not self.attention:
            return super().logits(lightness)
        logits: Tensor = self.body(lightness, self.attention)
        return logits

    def class_logits(self, lightness: Tensor) -> Tensor:
        """Map lightness as `logits` does, with the re-balancing taken back in part."""
        return self.corrected(self.logits(lightness))

    def corrected(self, logits: Tensor) -> Tensor:
        """Take the re-balancing back in part: (N, Q, h, w) to the same, float32."""
        return logits.float() - self.correction * self.log_weights.view(1, -1, 1, 1)

    def typical(self, logits: Tensor, quantile: float) -> Tensor:
        """Map `class_logits`, (N, Q, h, w), to the colors they stand for, ab in CIELAB units."""
        return vivid_mean(logits, self.centers, self.order, self.temperature, quantile)

    def colors(self, logits: Tensor, lightness: Tensor) -> Tensor:
        """Map `class_logits`, (N, Q, h, w), to normalized ab, (N, 2, H, W), of lightness's size."""
        ab = normalize_ab(self.typical(logits, self.quantile))
        if self.smooth:
            return guided(lightness, ab, self.smooth)
        return crop_to(F.interpolate(ab, scale_factor=float(STRIDE), mode="bilinear"), lightness)


def flagship(
    encoder: str = "lite2",
    widths: Sequence[int] = (224, 144, 96),
    temperature: float = 1.0,
    correction: float = 0.45,
    dropout: float = 0.1,
    quantile: float = 0.0,
    smooth: int = 0,
    attention: float = 0.0,
) -> nn.Module:
    """Build the encoder, the decoder and the head of bins; the encoder's weights are random.

    The arguments are those of `EncoderDecoder` and of `Flagship`, whose colors are decoded plainly
    until `colorizer calibrate` chooses how.

    Raises:
        ColorizerError: if there is no such encoder, or a number is out of its range.
    """
    if encoder not in VARIANTS:
        raise ColorizerError(
            f"flagship: encoder is {encoder!r}; choose one of {', '.join(VARIANTS)}"
        )
    if len(widths) != 3 or min(widths) < 1:
        raise ColorizerError(f"flagship: widths is {list(widths)}; expected three positive numbers")
    if not temperature > 0:
        raise ColorizerError(f"temperature is {temperature!r}; expected a number above 0")
    shares = {"correction": correction, "dropout": dropout, "quantile": quantile}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ColorizerError(f"flagship: {name} is {share!r}; expected a number in 0..1")
    if not 0 <= attention < math.inf:
        raise ColorizerError(f"flagship: attention is {attention!r}; expected a number from 0")
    if smooth < 0:
        raise ColorizerError(f"flagship: smooth is {smooth!r}; expected 0 or more cells")
    body = EncoderDecoder(encoder, widths, outputs_of("bins"), dropout=dropout)
    return Flagship(
        body, temperature, correction, quantile=quantile, smooth=smooth, attention=attention
    )
