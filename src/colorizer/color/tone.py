"""Is color a function of lightness, as in a toned print? The fit, and what it leaves."""

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab

MAX_GRAY_CHROMA = 4.0
"""CIELAB chroma; a photograph is shown gray if 99% of its pixels are below it."""

MAX_TONE_RESIDUAL = 0.15
"""A photograph is toned (sepia, tinted) if less of its color is no function of lightness."""

MAX_SAMPLES = 1 << 16  # pixels that a statistic looks at; a larger photograph is read on a grid
RIDGE = 1e-6  # a flat picture has but one lightness


def is_black_and_white(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 (H, W, 3), has no colors but at most a tint, as sepia prints do."""
    chroma, residual = chroma_and_residual(rgb)
    return bool(np.percentile(chroma, 99) < MAX_GRAY_CHROMA) or residual < MAX_TONE_RESIDUAL


def chroma_and_residual(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """Measure the color of a picture, uint8 (H, W, 3), on a grid of its pixels.

    Returns:
        The pixels' CIELAB chroma, (N,), and their `tone_residual`.
    """
    step = int(np.ceil(np.sqrt(rgb.shape[0] * rgb.shape[1] / MAX_SAMPLES)))
    lab = rgb_to_lab(rgb[::step, ::step]).reshape(3, -1)
    return np.sqrt((lab[1:] ** 2).sum(0, dtype=np.float32)), tone_residual(lab[0], lab[1:])


def tone_residual(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> float:
    """Return how far color is from being a function of lightness.

    Args:
        lightness: (N,), L* in 0..100.
        ab: (2, N), CIELAB units.

    Returns:
        The RMS distance of the pixels' ab from the best cubic in L*, over RMS chroma: 0..1, and 1
        if there is no color at all.
    """
    powers, ab = powers_of_lightness(lightness.astype(np.float64)), ab.astype(np.float64)
    whole = float((ab**2).sum())
    unexplained = float(((ab - fit_tone(powers, ab) @ powers) ** 2).sum())
    return float(np.sqrt(np.clip(unexplained / whole, 0, 1))) if whole else 1.0


def powers_of_lightness(lightness: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the powers 0 to 3 of L*, scaled to -1..1: (4, ...)."""
    x = lightness / 50 - 1
    return np.stack((np.ones_like(x), x, x * x, x * x * x))


def fit_tone(
    terms: NDArray[np.floating],
    ab: NDArray[np.floating],
    *,
    weights: NDArray[np.floating] | float = 1.0,
    ridge: float = RIDGE,
) -> NDArray[np.float64]:
    """Fit ab, (2, N), by terms, (T, N), by least squares of weights (N,).

    Returns:
        Coefficients, (2, T): the tone is their product with the terms.
    """
    weighted = terms * weights
    gram = weighted @ terms.T + ridge * np.eye(len(terms))
    coefficients: NDArray[np.float64] = np.linalg.solve(gram, weighted @ ab.T).T
    return coefficients
