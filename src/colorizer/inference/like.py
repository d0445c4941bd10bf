"""Photographs in color that others shall look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.color.monochrome import judge
from colorizer.errors import ColorizerError, UsageError
from colorizer.inference.inputs import PhotoLike, to_rgb
from colorizer.inference.network import Network
from colorizer.methods.steering import Reference, Sight, Steered, steer
from colorizer.photo.marking import digest
from colorizer.photo.pixels import shrink
from colorizer.photo.resize import resize

LONGER_SIDE = 1024
"""Pixels that are kept of a reference; more of them would change no color."""

Picture = NDArray[np.uint8]

LikePhotos = PhotoLike | list[Any] | tuple[Any, ...]
"""A photograph in color, or several, that others shall look like."""


@dataclass(frozen=True, eq=False)
class Like:
    """A photograph in color that others shall look like.

    Attributes:
        rgb: uint8 (H, W, 3), sRGB, whose longer side has at most `LONGER_SIDE` pixels.
    """

    rgb: Picture

    @classmethod
    def of(cls, photo: PhotoLike) -> Self:
        """Take a photograph, as `to_rgb` takes it.

        Raises:
            ImageError: if its file is no image, or holds several pictures.
            ColorizerError: if it is black and white.
        """
        rgb = to_rgb(photo)
        verdict = judge(rgb)
        if verdict.kind == "gray" and not verdict.doubtful:
            raise ColorizerError(
                f"a black-and-white photograph ({verdict.reason}): others can only be like one in "
                "color"
            )
        return cls.shrunk(rgb)

    @classmethod
    def shrunk(cls, rgb: Picture) -> Self:
        """Keep what is needed of a photograph in color, uint8 (H, W, 3)."""
        return cls(shrink(rgb, LONGER_SIDE / max(rgb.shape[:2])))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a photograph's file.

        Raises:
            UsageError: if it cannot be read, or is black and white.
        """
        try:
            return cls.of(path)
        except OSError as error:
            raise UsageError(f"--like {path}: {error.strerror}") from None
        except ColorizerError as error:
            raise UsageError(f"--like {path}: {error}") from None

    @cached_property
    def digest(self) -> str:
        """What tells it from all others."""
        return digest(repr(self.rgb.shape).encode() + np.ascontiguousarray(self.rgb).tobytes())


def to_likes(photos: LikePhotos) -> list[Like]:
    """Take one photograph in color, or a list of them.

    Raises:
        ColorizerError: if one is no image, or black and white.
    """
    given = photos if isinstance(photos, list | tuple) else [photos]
    likes = []
    for number, photo in enumerate(given, 1):
        try:
            likes.append(Like.of(photo))
        except ColorizerError as error:
            raise ColorizerError(
                f"photograph {number} that others shall look like: {error}"
            ) from None
    return likes


def predict_like(network: Network, rgb: Picture, likes: Sequence[Like]) -> Steered:
    """Predict a photograph's colors like others'.

    Args:
        network: one that compares photographs.
        rgb: uint8 (H, W, 3), of which only the lightness is used.
        likes: what it shall look like; all count together.

    Raises:
        NoFeaturesError: if the network cannot compare photographs.
    """
    sight, _ = look(network, rgb)
    return steer(sight, [_know(network, like) for like in likes])


@lru_cache(maxsize=16)
def _know(network: Network, like: Like) -> Reference:
    return Reference(*look(network, like.rgb))


def look(network: Network, rgb: Picture) -> tuple[Sight, NDArray[np.float32]]:
    """Return what a network makes of a picture, and its own colors at the same size.

    Raises:
        NoFeaturesError: if the network cannot compare photographs.
    """
    metadata = network.metadata
    shape = metadata.shape(*rgb.shape[:2])
    lightness, *own = rgb_to_lab(resize(rgb, size=shape, resample=metadata.resample))
    ab, features = network.predict_ab_and_features(lightness[None, None])
    return Sight(lightness, ab[0], features[0]), np.stack(own)
