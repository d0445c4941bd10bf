"""The ab plane in squares: color as one of some hundred classes, and back.

Reference: Zhang, Isola and Efros 2016, "Colorful image colorization", sections 2.1 to 2.3: a grid
of step 10, of which the squares inside the sRGB gamut are kept. The paper counts 313; here they are
the squares whose center is the nearest to some color that sRGB has: 260.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from colorizer.color.lab import rgb_to_lab

STEP = 10  # CIELAB units
TINY = 1e-12  # instead of a share of nothing, by which nothing can be divided
FAINT = 0.01  # CIELAB units of chroma, below which a color has ever less of a hue

LEVELS = np.arange(0, 256, 5, dtype=np.uint8)  # of each channel, whose colors find the bins


@lru_cache(maxsize=1)
def bin_centers() -> Tensor:
    """Return the bins' centers: float32 (Q, 2), a* and b* in CIELAB units."""
    channels = np.meshgrid(LEVELS, LEVELS, LEVELS, indexing="ij")
    rgb = np.stack(channels, axis=-1).reshape(-1, 1, 3)
    ab = rgb_to_lab(rgb)[1:].reshape(2, -1).T
    return torch.from_numpy(np.unique(np.round(ab / STEP), axis=0) * STEP).float()


def annealed_mean(logits: Tensor, centers: Tensor, temperature: float) -> Tensor:
    """Return the colors that a distribution over bins stands for.

    Args:
        logits: (N, Q, H, W).
        centers: (Q, 2).
        temperature: 1 gives the mean, which is dull; toward 0 the mode, vivid and spotty.

    Returns:
        At least float32 (N, 2, H, W), a* and b* in CIELAB units.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    shares = torch.softmax(logits / temperature, dim=1)
    a, b = centers.to(shares.dtype).T.view(2, -1, 1, 1)
    # no matrix product, which autocast would compute in bfloat16
    return torch.stack(((shares * a).sum(1), (shares * b).sum(1)), dim=1)


def order_by_chroma(centers: Tensor) -> Tensor:
    """Return the places of bins, (Q, 2), in the order of their chroma, gray first: int64 (Q,)."""
    order: Tensor = torch.linalg.vector_norm(centers, dim=1).argsort(stable=True)
    return order


def vivid_mean(
    logits: Tensor, centers: Tensor, order: Tensor, temperature: float, quantile: float
) -> Tensor:
    """Return the annealed mean's hues at the chroma that `chroma_quantile` gives.

    Args:
        logits: (N, Q, H, W).
        centers: (Q, 2).
        order: (Q,), as `order_by_chroma` gives it.
        temperature: of the annealed mean.
        quantile: of the chroma, in 0..1; 0 leaves the mean as it is.

    Returns:
        At least float32 (N, 2, H, W), a* and b* in CIELAB units.
    """
    ab = annealed_mean(logits, centers, temperature)
    if not quantile:
        return ab
    own: Tensor = torch.linalg.vector_norm(ab, dim=1, keepdim=True).clamp(min=FAINT)
    return ab * (chroma_quantile(logits, centers, order, quantile) / own)


def chroma_quantile(logits: Tensor, centers: Tensor, order: Tensor, quantile: float) -> Tensor:
    """Return the chroma below which a distribution over bins has a share of its weight.

    The mean of colors of unlike hue is gray, however vivid each of them is; this is not. Between
    two bins, in the order of their chroma, it is interpolated: it changes without steps.

    Args:
        logits: (N, Q, H, W).
        centers: (Q, 2).
        order: (Q,), as `order_by_chroma` gives it.
        quantile: in 0..1; 0.5 gives the median.

    Returns:
        At least float32 (N, 1, H, W), CIELAB units.

    Example:
        >>> centers = torch.tensor([[40.0, 0.0], [-40.0, 0.0], [0.0, 0.0]])
        >>> shares = torch.tensor([0.4, 0.4, 0.2]).view(1, 3, 1, 1)
        >>> median = chroma_quantile(shares.log(), centers, order_by_chroma(centers), 0.5)
        >>> round(median.item(), 3)
        30.0
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    below = torch.softmax(logits, dim=1)[:, order].cumsum(1)
    shares = below.diff(dim=1).clamp(min=TINY)
    reached = ((quantile - below[:, :-1]) / shares).clamp(0, 1)
    chromas: Tensor = torch.linalg.vector_norm(centers[order], dim=1).to(logits.dtype)
    return (reached * chromas.diff().view(1, -1, 1, 1)).sum(1, keepdim=True)
