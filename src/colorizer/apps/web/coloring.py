"""Photographs on the page to pictures in color; remembers what took long."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from colorizer import Colorizer
from colorizer.apps.web.choices import choices
from colorizer.apps.web.look import Look, Size
from colorizer.apps.web.photograph import PREVIEW, Photograph
from colorizer.color.recoloring import Part, recolor
from colorizer.errors import ColorizerError, NoClassesError
from colorizer.inference.like import Like
from colorizer.inference.options import Restoration
from colorizer.methods.probabilities import confidence, likely_colors
from colorizer.methods.propagation import Spread, spread
from colorizer.photo.decode import decode
from colorizer.photo.pixels import gray_to_rgb, shrink
from colorizer.tracking.names import DEFAULT, NO_MODEL

THUMBNAIL = 256
"""Pixels of the longer side of a picture in the strip."""

DETAIL = 2560
"""Pixels of the longer side of a part of a photograph, at most."""


class Coloring:
    """The models, and what they make of photographs.

    Args:
        models: names, which may include `NO_MODEL`; by default the best model. They are loaded at
            once. Other registered models are offered too, and loaded at their first use.

    Raises:
        ColorizerError: if one of `models` is missing.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self.choices = choices(models or (DEFAULT,))
        self.likes: dict[str, Like] = {}
        self.one_large_at_a_time = threading.Lock()
        self._one_model_at_a_time = threading.Lock()
        self._load = lru_cache(maxsize=8)(Colorizer.load)
        self._preview = lru_cache(maxsize=32)(self._preview_anew)
        self._whole = lru_cache(maxsize=2)(_decode_whole)
        self._predict = lru_cache(maxsize=32)(self._predict_anew)
        self._classes = lru_cache(maxsize=8)(self._classes_anew)
        self._spread = lru_cache(maxsize=32)(self._spread_anew)
        for name in models or (DEFAULT,):
            self.colorizer(name)

    def add_like(self, data: bytes) -> str:
        """Take the file of a photograph in color that others shall look like; return its id.

        Raises:
            ColorizerError: if it cannot be read, holds several pictures, or is black and white.
        """
        with self.one_large_at_a_time:
            like = Like.of(data)
        self.likes[name := uuid.uuid4().hex] = like
        return name

    def get_likes(self, like: str) -> tuple[Like, ...]:
        """Return the photograph that others shall look like; none for "".

        Raises:
            ColorizerError: if it is not here.
        """
        if not like:
            return ()
        try:
            return (self.likes[like],)
        except KeyError:
            raise ColorizerError(
                "the photograph that others shall look like is not here any more: choose it again"
            ) from None

    def colors(self, photo: Photograph, look: Look) -> NDArray[np.float32]:
        """Return a photograph's colors by model and strokes: ab, (2, h, w), CIELAB units.

        Raises:
            ColorizerError: if there is no such model.
        """
        self._check_model(look.model)
        colors = look.strength * self._predict(photo, look.model, look.restore, look.like)
        hints = self._spread(photo, photo.revision, look)
        return colors if hints is None else hints.over(colors)

    def draw(
        self, photo: Photograph, look: Look | None, size: Size = "preview"
    ) -> NDArray[np.uint8]:
        """Return a photograph, uint8 (H, W, 3), as it was or as it looks in color.

        Raises:
            ColorizerError: if there is no such model.
        """
        look = _unless_copied(photo, look)
        picture = self._preview(photo, look.restore if look else "")
        if size == "thumbnail":
            picture = shrink(picture, THUMBNAIL / max(picture.shape[:2]))
        return recolor(picture, self.colors(photo, look)) if look else picture

    def draw_part(self, photo: Photograph, look: Look | None, part: Part) -> NDArray[np.uint8]:
        """Return a part of a photograph as `draw`, in its own pixels, or at most `DETAIL`.

        Raises:
            ColorizerError: if there is no such model, or the photograph's file is gone.
        """
        look = _unless_copied(photo, look)
        ab = self.colors(photo, look) if look else None
        with self.one_large_at_a_time:
            whole = self._whole(photo, look.restore if look else "")
        drawn = whole[part] if ab is None else recolor(whole, ab, part=part)
        return shrink(drawn, DETAIL / max(drawn.shape[:2]))

    def draw_confidence(self, photo: Photograph, look: Look) -> NDArray[np.uint8]:
        """Return how sure the model is of a photograph: uint8 (h, w, 3), white where it is.

        Raises:
            NoClassesError: if it predicts no classes.
            ColorizerError: if there is no such model.
        """
        self._check_model(look.model)
        probabilities, _ = self._classes(photo, look.model, look.restore)
        return gray_to_rgb(np.round(255 * confidence(probabilities)).astype(np.uint8))

    def palette(self, photo: Photograph, look: Look, x: int, y: int) -> list[str]:
        """Return the likely colors of a pixel at the size shown, #rrggbb, the most likely first.

        They have the pixel's own lightness. A model that predicts no classes has none.

        Raises:
            ColorizerError: if there is no such model or pixel.
        """
        self._check_model(look.model)
        width, height = photo.shown
        if not (x < width and y < height):
            raise ColorizerError(f"no pixel {x},{y}: the picture has {width}x{height}")
        try:
            probabilities, centers = self._classes(photo, look.model, look.restore)
        except NoClassesError:
            return []
        hints = self._spread(photo, photo.revision, replace(look, strength=1.0))
        place = (x + 0.5) / width, (y + 0.5) / height
        found = likely_colors(probabilities, centers, place, hints=hints)
        pixel = self._preview(photo, look.restore)[y : y + 1, x : x + 1]
        shown = (recolor(pixel, ab[:, None, None])[0, 0] for ab in found.ab)
        return list(dict.fromkeys(f"#{bytes(rgb).hex()}" for rgb in shown))

    def _check_model(self, model: str) -> None:
        if all(model != choice.name for choice in self.choices):
            raise ColorizerError(f"no model {model!r} here: name it with --model when you begin")

    def _preview_anew(self, photo: Photograph, restoration: Restoration) -> NDArray[np.uint8]:
        if not restoration:
            return decode(photo.before).rgb
        with self.one_large_at_a_time:
            whole = self._whole(photo, restoration)
        return shrink(whole, PREVIEW / max(whole.shape[:2]))

    def _predict_anew(
        self, photo: Photograph, model: str, restoration: Restoration, like: str
    ) -> NDArray[np.float32]:
        colorizer = self.colorizer(model)
        if colorizer is None:
            return np.zeros((2, 1, 1), np.float32)
        with self.one_large_at_a_time:
            return colorizer.predict_photo(self._whole(photo, restoration), self.get_likes(like))

    def _classes_anew(
        self, photo: Photograph, model: str, restoration: Restoration
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        colorizer = self.colorizer(model)
        if colorizer is None:
            raise NoClassesError(model)
        with self.one_large_at_a_time:
            return colorizer.photo_classes(self._whole(photo, restoration))[1:]

    def _spread_anew(self, photo: Photograph, _revision: int, look: Look) -> Spread | None:
        if photo.hints is None:  # nothing is painted, or it was wiped away meanwhile
            return None
        prior = None
        if look.model != NO_MODEL:
            prior = look.strength * self._predict(photo, look.model, look.restore, look.like)
        return spread(self._preview(photo, look.restore), photo.hints, prior)

    def colorizer(self, model: str) -> Colorizer | None:
        """Return a model; None for `NO_MODEL`."""
        if model == NO_MODEL:
            return None
        with self._one_model_at_a_time:
            return self._load(model)


def _unless_copied(photo: Photograph, look: Look | None) -> Look | None:
    return None if look is None or photo.is_copied(look.tone) else look


def _decode_whole(photo: Photograph, restoration: Restoration) -> NDArray[np.uint8]:
    return photo.decode(restoration).rgb
