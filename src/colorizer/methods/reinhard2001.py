"""Color transfer between images: a photograph takes the statistics of a reference's colors.

A channel is given the mean and the deviation of the reference's. A photograph without color has no
deviation of chroma to be scaled, so that a transfer over the whole of it would tint it evenly. The
authors' swatches say more: pairs of regions whose statistics are transferred, each pixel mixing
them by its distance from each. Here the swatches are shares of the reference by lightness.

Reference: Reinhard, Ashikhmin, Gooch and Shirley 2001, "Color transfer between images".

Left open there, and chosen here: CIELAB in place of Ruderman's space; `SWATCHES` shares with as
many pixels each; distance is that in lightness, by the swatch's deviation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from colorizer.methods.reference import at_working_size, match_lightness

SWATCHES = 5
LEAST_DEVIATION = 1.0  # of a swatch' L*


def colorize(
    rgb: NDArray[np.uint8], references: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float32]:
    """Color a photograph like others.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        references: uint8 (h, w, 3) each, in color; their pixels count together.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.
    """
    lightness = at_working_size(rgb)[0]
    labs = [at_working_size(reference).reshape(3, -1) for reference in references]
    matched = np.concatenate([match_lightness(lab[0], lightness) for lab in labs])
    ab = np.concatenate([lab[1:] for lab in labs], axis=1)
    swatches = np.array_split(np.argsort(matched, kind="stable"), SWATCHES)
    means = np.array([matched[swatch].mean() for swatch in swatches])
    deviations = np.array([max(matched[swatch].std(), LEAST_DEVIATION) for swatch in swatches])
    colors = np.stack([ab[:, swatch].mean(1) for swatch in swatches], axis=1)
    distances = np.abs(lightness - means[:, None, None]) / deviations[:, None, None]
    shares = 1 / (distances + 1e-3)
    mixed = np.tensordot(colors, shares / shares.sum(0), 1)
    return np.asarray(mixed, np.float32)
