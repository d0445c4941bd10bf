"""Transferring color to grayscale images: each pixel takes the color of one that looks like it.

About 200 pixels of the reference, one in each cell of a grid, are samples. A pixel takes the color
of the sample whose lightness, and whose deviation of lightness around it, are nearest to its own.

Reference: Welsh, Ashikhmin and Mueller 2002, "Transferring color to greyscale images", the global
procedure; swatches, which a person draws, are left out.

Left open there, and chosen here: CIELAB in place of Ruderman's space; the two differences count
half each, as there, and are added as squares; where in its cell a sample lies follows a fixed seed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.spatial import KDTree

from colorizer.methods.reference import at_working_size, match_lightness

SAMPLES = 200  # of all references together
AROUND = 5  # pixels, the side of the square whose deviation is compared
SEED = 7


def colorize(
    rgb: NDArray[np.uint8], references: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float32]:
    """Color a photograph like others.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        references: uint8 (h, w, 3) each, in color.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.
    """
    lightness = at_working_size(rgb)[0]
    features, colors = [], []
    for reference in map(at_working_size, references):
        rows, columns = _jittered_grid(reference.shape[1:], SAMPLES // len(references))
        seen = _features(match_lightness(reference[0], lightness))
        features.append(seen[rows, columns])
        colors.append(reference[1:, rows, columns].T)
    _, nearest = KDTree(np.concatenate(features)).query(_features(lightness).reshape(-1, 2))
    ab = np.concatenate(colors)[nearest].T.reshape(2, *lightness.shape)
    return np.ascontiguousarray(ab, np.float32)


def _features(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return lightness and its deviation around each pixel, (H, W, 2)."""
    mean, squares = (uniform_filter(x, AROUND) for x in (lightness, lightness**2))
    deviation = np.sqrt((squares - mean**2).clip(min=0))
    return np.stack([lightness, deviation], axis=-1)


def _jittered_grid(shape: tuple[int, ...], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns of about `count` pixels, one in each cell of a grid."""
    height, width = shape
    side = max(1.0, np.sqrt(height * width / max(1, count)))
    tops, lefts = np.meshgrid(np.arange(0, height, side), np.arange(0, width, side), indexing="ij")
    moved = np.random.default_rng(SEED).random((2, *tops.shape)) * side
    rows = np.minimum(tops + moved[0], height - 1).astype(np.intp)
    columns = np.minimum(lefts + moved[1], width - 1).astype(np.intp)
    return rows.ravel(), columns.ravel()
