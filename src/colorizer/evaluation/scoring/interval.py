"""Shared by all bootstraps here: how many draws, and the interval of their results."""

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 10_000
SEED = 7
LEVEL = 0.95


def percentile_interval(drawn: ArrayLike) -> tuple[float, float]:
    """Return the ends of the `LEVEL` percentile interval of values drawn, (N,) with N > 0.

    Example:
        >>> percentile_interval(range(1001))
        (25.0, 975.0)
    """
    low, high = np.quantile(np.asarray(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
