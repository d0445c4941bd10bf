"""How much color a photograph has, how colorful people find it, and whether it is a tint."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab

if TYPE_CHECKING:
    from torch import Tensor

MAX_GRAY_CHROMA = 4.0
"""CIELAB chroma; a photograph is shown gray if 99% of its pixels are below it."""

MAX_TONE_RESIDUAL = 0.15
"""A photograph is toned (sepia, tinted) if less of its color is no function of lightness."""

MAX_SAMPLES = 1 << 16  # pixels that a statistic looks at; a larger photograph is read on a grid


def is_black_and_white(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 (H, W, 3), has no colors but at most a tint, as sepia prints do."""
    lightness, ab = sample_lab(rgb)
    chroma = np.sqrt((ab**2).sum(1, dtype=np.float32))
    if np.percentile(chroma, 99) < MAX_GRAY_CHROMA:
        return True
    return tone_residual(lightness, ab) < MAX_TONE_RESIDUAL


def tone_residual(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> float:
    """Return how far color is from being a function of lightness.

    Args:
        lightness: (N,), L* in 0..100.
        ab: (N, 2), CIELAB units.

    Returns:
        The RMS distance of the pixels' ab from the best cubic in L*, over RMS chroma: 0..1, and 1
        if there is no color at all.
    """
    x, ab = lightness.astype(np.float64) / 50 - 1, ab.astype(np.float64)
    powers = np.stack((np.ones_like(x), x, x * x, x * x * x))  # (4, N)
    gram = powers @ powers.T + 1e-6 * np.eye(4)  # a flat picture has but one lightness
    projected = powers @ ab  # (4, 2)
    whole = float((ab**2).sum())
    cubic = np.linalg.solve(gram, projected)
    unexplained = whole - (cubic * (2 * projected - gram @ cubic)).sum()  # of |ab - powers.T cubic|
    return float(np.sqrt(np.clip(unexplained / whole, 0, 1))) if whole else 1.0


def sample_lab(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the pixels that a statistic looks at: L*, (N,), and ab, (N, 2), CIELAB units."""
    step = int(np.ceil(np.sqrt(rgb.shape[0] * rgb.shape[1] / MAX_SAMPLES)))
    lab = rgb_to_lab(rgb[::step, ::step]).reshape(3, -1)
    return lab[0], lab[1:].T


def colorfulness(rgb: "Tensor") -> "Tensor":
    """Return the colorfulness of each photograph.

    With rg = R - G and yb = (R + G) / 2 - B, it is
    sqrt(var(rg) + var(yb)) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for gray, 33 "averagely colorful", 109 "extremely colorful".

    Reference:
        Hasler and Süsstrunk 2003, "Measuring colorfulness in natural images".
    """
    return _colorfulness(*_opponents(rgb))


def absolute_colorfulness(rgb: "Tensor") -> "Tensor":
    """Return the colorfulness of each photograph as some papers compute it: of |rg| and |yb|.

    Lower than `colorfulness` where opposite hues meet; here to be read beside their figures.

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for gray.

    Reference:
        The code of DDColor (Kang et al. 2023) and CT2 (Weng et al. 2022).
    """
    rg, yb = _opponents(rgb)
    return _colorfulness(rg.abs(), yb.abs())


def _opponents(rgb: "Tensor") -> "tuple[Tensor, Tensor]":
    red, green, blue = rgb.float().flatten(2).unbind(1)
    return red - green, (red + green) / 2 - blue


def _colorfulness(rg: "Tensor", yb: "Tensor") -> "Tensor":
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return spread + 0.3 * (rg.mean(1).square() + yb.mean(1).square()).sqrt()
