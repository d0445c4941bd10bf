"""How the flagship's colors spread: among places that look alike, and up to edges of lightness."""

import torch
import torch.nn.functional as F
from torch import Tensor

from colorizer.models.layers import crop_to

STRIDE = 4  # pixels of the photograph, in each direction, that share a prediction

LOOKED_AT = 16
"""Places on each side of a prediction that `attend` compares every place with: what it costs grows
no faster than the photograph."""

FAINT = 1e-3  # deviation of a feature, below which it tells ever less apart

EDGE = 0.01
"""Variance of normalized lightness, that of 5 L*, from which on `guided` keeps an edge."""


def attend(features: Tensor, temperature: float) -> Tensor:
    """Let places that look alike agree: each takes the mean of features, weighed by likeness.

    A surface of which the network is unsure would have another hue in every corner. Likeness is the
    cosine of features that are standardized over the photograph, of each place and of `LOOKED_AT`
    by `LOOKED_AT` ones that are spread over it.

    Args:
        features: (N, C, h, w).
        temperature: of the softmax over likeness; toward 0 a place listens to its double only.

    Returns:
        float32 (N, C, h, w). A linear head makes the mean's logits of the mean.

    Reference:
        Wang, Girshick, Gupta and He 2018, "Non-local neural networks", which learn what is alike.
    """
    x = features.float()
    mean = x.mean((2, 3), keepdim=True)
    deviation = (x - mean).square().mean((2, 3), keepdim=True).sqrt() + FAINT
    seen = F.interpolate(x, (LOOKED_AT, LOOKED_AT), mode="bilinear")

    def direction(part: Tensor) -> Tensor:
        return F.normalize((part - mean) / deviation, dim=1).flatten(2).mT[:, None]

    values = seen.flatten(2).mT[:, None]  # a dimension of heads, of which there is one
    found = F.scaled_dot_product_attention(
        direction(x), direction(seen), values, scale=1 / temperature
    )
    return found[:, 0].mT.reshape(x.shape)


def guided(lightness: Tensor, ab: Tensor, radius: int) -> Tensor:
    """Enlarge colors so that they are smooth where lightness is, and end at its edges.

    In each window of (2 radius + 1)^2 predictions ab is fitted as a linear function of lightness;
    the functions, averaged and enlarged, give the colors.

    Args:
        lightness: (N, 1, H, W), -1..1.
        ab: (N, 2, H / 4, W / 4), rounded up.
        radius: predictions on each side.

    Returns:
        (N, 2, H, W).

    Reference:
        He and Sun 2015, "Fast guided filter", algorithm 2.
    """
    lightness = lightness.to(ab.dtype)
    small = F.avg_pool2d(padded(lightness, STRIDE), STRIDE)

    def mean(x: Tensor) -> Tensor:
        window = 2 * radius + 1
        return F.avg_pool2d(x, window, 1, radius, count_include_pad=False)

    level, color = mean(small), mean(ab)
    slope = (mean(small * ab) - level * color) / (mean(small * small) - level * level + EDGE)
    functions = torch.cat((mean(slope), mean(color - slope * level)), dim=1)
    functions = F.interpolate(functions, scale_factor=float(STRIDE), mode="bilinear")
    slope, offset = crop_to(functions, lightness).chunk(2, dim=1)
    return slope * lightness + offset


def padded(x: Tensor, multiple: int) -> Tensor:
    """Extend (N, C, H, W) downward and to the right to a multiple, by its last pixels."""
    height, width = x.shape[-2:]
    missing = 0, _missing(width, multiple), 0, _missing(height, multiple)
    return F.pad(x, missing, mode="replicate")


def _missing(side: int, multiple: int) -> int:
    """Return how much a side lacks to a multiple, without negative numbers: ONNX rounds them up."""
    return (multiple - side % multiple) % multiple
