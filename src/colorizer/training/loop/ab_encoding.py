"""Color as one of the bins of the ab plane, as training learns it: soft encoding, counts, weights.

Reference: Zhang, Isola and Efros 2016, "Colorful image colorization", sections 2.1 and 2.2. Using a
network needs none of this, and so does not pay for importing PyTorch's compiler.
"""

from functools import lru_cache

import torch
from torch import Tensor

from colorizer.color.ab_quantization import bin_centers

SIGMA = 5.0  # CIELAB units, of the soft encoding and of the prior's smoothing
NEAREST = 5  # bins over which a color is spread
SIDE = 256  # whole CIELAB units of a and of b, -128..127, that the encoding is tabled for


def encode(ab: Tensor) -> tuple[Tensor, Tensor]:
    """Spread colors over their nearest bins, with Gaussian weights.

    Args:
        ab: float (N, 2, H, W), CIELAB units; rounded to whole ones.

    Returns:
        bins int64 (N, K, H, W), the nearest first, and weights float32 (N, K, H, W), which add up
        to 1 for every pixel.
    """
    tables: tuple[Tensor, Tensor] = _encoding(ab.device)
    bins, weights = (table[_cells(ab)].movedim(-1, 1) for table in tables)
    return bins, weights


def nearest_bin(ab: Tensor) -> Tensor:
    """Return each pixel's nearest bin: float (N, 2, H, W), CIELAB units -> int64 (N, H, W)."""
    tables: tuple[Tensor, Tensor] = _encoding(ab.device)
    return tables[0][:, 0][_cells(ab)]


def count_bins(ab: Tensor) -> Tensor:
    """Count pixels by their nearest bin: float (N, 2, H, W), CIELAB units -> int64 (Q,)."""
    return torch.bincount(nearest_bin(ab).flatten(), minlength=len(bin_centers()))


def rebalancing_weights(counts: Tensor, uniform: float) -> Tensor:
    """Return how much each bin's pixels count, so that rare colors are learned too.

    Args:
        counts: (Q,), pixels by bin.
        uniform: lambda, the share of the uniform distribution that is mixed into the smoothed one:
            1 lets all pixels count alike, 0 every color.

    Returns:
        float32 (Q,): 1 / ((1 - lambda) p + lambda / Q), scaled so that the mean over pixels is 1.
    """
    shares = counts.double() / counts.sum()
    distances = torch.cdist(bin_centers().double(), bin_centers().double())
    kernel = torch.exp(-(distances**2) / (2 * SIGMA**2))
    smoothed = shares @ (kernel / kernel.sum(1, keepdim=True))
    smoothed = smoothed / smoothed.sum()
    weights = 1 / ((1 - uniform) * smoothed + uniform / len(shares))
    return (weights / (shares * weights).sum()).float()


def _cells(ab: Tensor) -> Tensor:
    """Return the row of the table that each pixel's color has: (N, 2, H, W) -> int64 (N, H, W)."""
    rows, columns = (ab.round().long() + SIDE // 2).clamp(0, SIDE - 1).unbind(1)
    return SIDE * rows + columns


@torch.compiler.disable  # type: ignore[untyped-decorator]  # which would ignore the cache
@lru_cache
def _encoding(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return of every whole a and b its nearest bins and their weights: (SIDE^2, NEAREST) each."""
    axis = torch.arange(SIDE).float() - SIDE // 2
    cells = torch.cartesian_prod(axis, axis)
    distances, bins = torch.cdist(cells, bin_centers()).topk(NEAREST, largest=False)
    weights = torch.softmax(-(distances**2) / (2 * SIGMA**2), dim=1)
    return bins.to(device), weights.to(device)
