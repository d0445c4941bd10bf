"""How much colour a photograph has, and whether it is a tint."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizer.color import rgb_to_lab
from colorizer.images import ImageError, decode

MAX_GREY_CHROMA = 4.0
"""CIELAB chroma; a photograph is shown grey if 99% of its pixels are below it."""

MAX_TONE_RESIDUAL = 0.15
"""A photograph is toned (sepia, tinted) if less of its colour is no function of lightness."""

MAX_SAMPLES = 1 << 16  # pixels that a statistic looks at; a larger photograph is read on a grid


@dataclass(frozen=True)
class ColourStatistics:
    """What is known of one photograph; chroma is CIELAB's sqrt(a^2 + b^2).

    Attributes:
        id: archive and member, as in `mirflickr25k.zip/mirflickr/im1.jpg`.
        width: pixels, upright.
        height: pixels, upright.
        single_channel: the file holds lightness alone.
        equal_channels: red, green and blue are the same everywhere.
        chroma_mean: mean over pixels.
        chroma_p99: 99% of the pixels are less colourful than this.
        tone_residual: the part of the colour that is no function of lightness: RMS distance of the
            pixels' ab from the best cubic in L*, over RMS chroma. Near 0 for a tint, such as a
            sepia print's; near 1 where colour and lightness have nothing to do with each other.
        error: why it could not be read, or "".
    """

    id: str
    width: int = 0
    height: int = 0
    single_channel: bool = False
    equal_channels: bool = False
    chroma_mean: float = 0.0
    chroma_p99: float = 0.0
    tone_residual: float = 0.0
    error: str = ""


def measure(photo_id: str, data: bytes) -> ColourStatistics:
    """Measure the colour of one image file; a file that is no image is measured as an error."""
    try:
        photo = decode(data)
    except ImageError as error:
        return ColourStatistics(photo_id, error=str(error))
    rgb = photo.rgb
    height, width = rgb.shape[:2]
    lightness, ab = _sample_lab(rgb)
    chroma = np.sqrt((ab**2).sum(1, dtype=np.float32))
    return ColourStatistics(
        id=photo_id,
        width=width,
        height=height,
        single_channel=photo.single_channel,
        equal_channels=all(np.array_equal(rgb[..., 0], rgb[..., i]) for i in (1, 2)),
        chroma_mean=round(float(chroma.mean()), 4),
        chroma_p99=round(float(np.percentile(chroma, 99)), 4),
        tone_residual=round(tone_residual(lightness, ab), 4),
    )


def is_black_and_white(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 (H, W, 3), has no colours but at most a tint, as sepia prints do."""
    lightness, ab = _sample_lab(rgb)
    chroma = np.sqrt((ab**2).sum(1, dtype=np.float32))
    if np.percentile(chroma, 99) < MAX_GREY_CHROMA:
        return True
    return tone_residual(lightness, ab) < MAX_TONE_RESIDUAL


def tone_residual(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> float:
    """Return how far colour is from being a function of lightness.

    Args:
        lightness: (N,), L* in 0..100.
        ab: (N, 2), CIELAB units.

    Returns:
        The RMS distance of the pixels' ab from the best cubic in L*, over RMS chroma: 0..1, and 1
        if there is no colour at all.
    """
    x, ab = lightness.astype(np.float64) / 50 - 1, ab.astype(np.float64)
    powers = np.stack((np.ones_like(x), x, x * x, x * x * x))  # (4, N)
    gram = powers @ powers.T + 1e-6 * np.eye(4)  # a flat picture has but one lightness
    projected = powers @ ab  # (4, 2)
    whole = float((ab**2).sum())
    cubic = np.linalg.solve(gram, projected)
    unexplained = whole - (cubic * (2 * projected - gram @ cubic)).sum()  # of |ab - powers.T cubic|
    return float(np.sqrt(np.clip(unexplained / whole, 0, 1))) if whole else 1.0


def _sample_lab(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    step = int(np.ceil(np.sqrt(rgb.shape[0] * rgb.shape[1] / MAX_SAMPLES)))
    lab = rgb_to_lab(rgb[::step, ::step]).reshape(3, -1)
    return lab[0], lab[1:].T
