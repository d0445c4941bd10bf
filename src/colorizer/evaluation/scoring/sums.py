"""What photographs add up to, and how scores are made of it."""

import torch
from torch import Tensor

Sums = tuple[Tensor, ...]
"""What each photograph of a batch adds, (N,) each; or the same added up over sets, (...,) each."""


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole, and NaN where there is no whole."""
    return torch.where(whole > 0, part / whole, torch.nan)


def absolute_ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Return |part / whole|, and NaN where there is no whole."""
    return ratio(part, whole).abs()
