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
