"""The hints that benchmarks give: true colors at random, or where a network is most wrong."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from colorizer.methods.hints import Hints

DAB = 9  # pixels of a correction's side
APART = 20  # pixels between two corrections

Colors = NDArray[np.float32]
"""(2, H, W), CIELAB units."""

Give = Callable[[Colors, int, int, Colors], Hints]
"""From a photograph's true colors, how many hints, a seed and a network's colors to hints."""


def random_pixels(ab: Colors, how_many: int, seed: int, _prior: Colors) -> Hints:
    """Give the colors of pixels at random places; more hints are these and others."""
    where = np.zeros(ab.shape[1:], bool)
    places = np.random.default_rng(seed).permutation(where.size)[:how_many]
    where.ravel()[places] = True
    return Hints(where, np.where(where, ab, 0).astype(np.float32))


def corrections_of(ab: Colors, how_many: int, _seed: int, prior: Colors) -> Hints:
    """Give dabs of the mean color where the network is most wrong, one after the other."""
    height, width = ab.shape[1:]
    planes = [Image.fromarray(plane).resize((width, height)) for plane in prior]
    error = uniform_filter(np.hypot(*(ab - np.stack([np.asarray(plane) for plane in planes]))), 31)
    given = Hints(np.zeros((height, width), bool), np.zeros_like(ab))
    for _ in range(how_many):
        y, x = np.unravel_index(error.argmax(), error.shape)
        dab = _around(y, x, DAB // 2)
        given.where[dab] = True
        given.ab[:, *dab] = ab[:, *dab].mean((1, 2), keepdims=True)
        error[_around(y, x, APART)] = -1
    return given


def _around(y: int, x: int, reach: int) -> tuple[slice, slice]:
    return slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
