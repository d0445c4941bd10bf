"""A fitted method's colors, and which photographs they are scored on."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colorizer.data.references import References
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.evaluate import Predict
from colorizer.evaluation.fit_method import NETWORKS, SIMILAR, fit_method
from colorizer.evaluation.predictions import Colors, Picture, Read, by_colors
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.like import Like, look, predict_like
from colorizer.inference.network import Network
from colorizer.methods.hints import Hints
from colorizer.methods.reference import at_working_size
from colorizer.methods.registry import color_like, load_module
from colorizer.methods.similar import Index, pool
from colorizer.params import Methods
from colorizer.paths import SHIPPED


def load_method(
    name: str, folder: Path, read: Read, load: Callable[[], Encoder], knobs: Methods
) -> Colors:
    """Return a fitted method.

    Args:
        name: one of `METHODS`.
        folder: that `fit_method` wrote.
        read: reads the photographs that it was fitted on.
        load: loads the encoder that it was fitted with.
        knobs: how many references or hints it gets.

    Raises:
        UsageError: if there is no such method.
        MissingExtraError: if what it needs is not installed.
    """
    method = load_module(name)
    if name == "levin2004":
        return partial(from_hints, count=knobs.hints, seed=knobs.seed)
    if name == "similar":
        return partial(
            _steered,
            network=Colorizer.from_file(SHIPPED).network,
            index=method.Index.load(folder),
            read=read,
            count=knobs.references,
        )
    encoder = load()
    if name == "cheng2015":
        networks = method.Networks.open(folder / NETWORKS)
        return partial(method.colorize, networks=networks, describe=encoder.features)
    with np.load(folder / SIMILAR) as file:
        ids, descriptors = file["ids"].tolist(), file["descriptors"]
    colorize = color_like(name)

    def colors(rgb: Picture) -> NDArray[np.float32]:
        nearest = np.argsort(-(descriptors @ encoder.descriptor(rgb)), kind="stable")
        return colorize(rgb, [read(ids[place]) for place in nearest[: knobs.references]])

    return colors


def _steered(
    rgb: Picture, *, network: Network, index: Index, read: Read, count: int
) -> NDArray[np.float32]:
    """Return a network's colors, steered by the photographs of an index that look most alike."""
    sight, _ = look(network, rgb)
    likes = [Like.shrunk(read(name)) for name, _ in index.search(pool(sight.features), count)]
    return predict_like(network, rgb, likes).ab


def cross_fitted(
    name: str, photos: References, read: Read, load: Callable[[], Encoder], folder: Path
) -> Predict:
    """Fit a method on each half of photographs; return what it gives those of the other half.

    Args:
        name: one of `METHODS`.
        photos: every other one is of one half.
        read: reads them.
        load: loads the encoder.
        folder: where what is fitted is kept.

    Raises:
        UsageError: if there is no such method.
        MissingExtraError: if what it needs is not installed.
    """
    by_half = []
    for half in range(2):
        fitted = folder / f"{name}.{half}"
        fit_method(name, photos.ids[half::2], read, fitted, load)
        colors = load_method(name, fitted, read, load, Methods())
        by_half.append(by_colors(colors, photos, read))
    return lambda place: by_half[1 - place % 2](place)


def from_hints(rgb: Picture, *, count: int, seed: int) -> NDArray[np.float32]:
    """Spread a photograph's own colors by levin2004 from some of its pixels, drawn by seed.

    Returns:
        float32 (2, h, w), CIELAB units; gray if there are no hints.
    """
    lab = at_working_size(rgb)
    where = np.zeros(lab.shape[1:], bool)
    drawn = np.random.default_rng(seed).choice(where.size, min(count, where.size), replace=False)
    where.flat[drawn] = True
    hints = Hints(where, np.where(where, lab[1:], np.float32(0)))
    spread = load_module("levin2004").propagate if count else lambda _, hints: hints.ab
    return np.asarray(spread(lab[0], hints))


def draw_places(photos: References, knobs: Methods) -> list[int]:
    """Return the places of the photographs that methods are scored on, in their order."""
    count = min(knobs.photos, len(photos))
    drawn = np.random.default_rng(knobs.seed).choice(len(photos), count, replace=False)
    return sorted(drawn.tolist())
