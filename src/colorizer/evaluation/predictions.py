"""A network's colors, as `evaluate` takes them; `baselines` are the colors that none predicts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.data.references import References
from colorizer.evaluation.evaluate import Predict, Prediction
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.network import Network
from colorizer.photo.resize import resize

Picture = NDArray[np.uint8]  # (H, W, 3), sRGB

Read = Callable[[str], Picture]
"""From a photograph's id to the photograph itself."""


Colors = Callable[[Picture], NDArray[np.float32]]
"""From a photograph to the ab, (2, h, w) in CIELAB units, that it gets."""


def by_network(network: Network, photos: References, read: Read) -> Predict:
    """Return what users get of a network, which sees the photographs, not the references."""
    colors = Colorizer(network).predict_photo
    return by_colors(colors, photos, read, resample=network.metadata.resample)


def by_colors(
    colors: Colors, photos: References, read: Read, *, resample: str = "bicubic"
) -> Predict:
    """Return what `colors` gives photographs, beside their own ab, resampled to as many pixels."""

    def predict(place: int) -> Prediction:
        rgb = read(photos.ids[place])
        ab = colors(rgb)
        seen = resize(rgb, size=ab.shape[1:], resample=resample)
        return Prediction(ab, rgb_to_lab(seen)[1:])

    return predict


def show(
    predict: Mapping[str, Predict], photos: References, places: Sequence[int]
) -> dict[str, list[Picture]]:
    """Return photographs as scores see them: "gray", in each one's colors, and "original"."""
    pictures = [photos[place].rgb for place in places]
    none = np.zeros((2, 1, 1), np.float32)
    versions = {"gray": [recolor(rgb, none) for rgb in pictures]}
    for name, predicted in predict.items():
        colors = (predicted(place).ab for place in places)
        versions[name] = [recolor(rgb, ab) for rgb, ab in zip(pictures, colors, strict=True)]
    return versions | {"original": pictures}


def first_places(photos: References, count: int) -> range:
    """Return the places of the first photographs, of all if there are fewer than `count`."""
    return range(min(count, len(photos)))
