"""What the methods share that take their colors from similar pictures."""

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.methods.hints import working_size
from colorizer.photo.resize import resize


def at_working_size(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bring a picture, uint8 (H, W, 3), to the size at which methods work: CIELAB (3, h, w)."""
    return rgb_to_lab(resize(rgb, size=working_size(*rgb.shape[:2]), resample="bicubic"))


def at_size(rgb: NDArray[np.uint8], longer_side: int) -> NDArray[np.float32]:
    """Bring a picture, uint8 (H, W, 3), to a longer side, if it is larger: CIELAB (3, h, w)."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longer_side / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    return rgb_to_lab(resize(rgb, size=shape, resample="bicubic"))


def match_lightness(
    lightness: NDArray[np.float32], other: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Give lightness, any shape, the mean and the deviation of another's.

    Reference: Hertzmann et al. 2001, "Image analogies", section 3.4.
    """
    deviation = max(float(lightness.std()), 1e-3)
    scaled = (lightness - lightness.mean()) * (other.std() / deviation) + other.mean()
    return np.asarray(scaled, np.float32)
