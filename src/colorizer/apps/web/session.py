"""The photographs on the page and their colors; knows nothing of HTTP."""

import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from colorizer import Colorizer
from colorizer.apps.web.choices import choices
from colorizer.apps.web.photograph import Photograph, store_photograph
from colorizer.apps.web.zip_stream import extend_stem, stream_zip
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError, NoClassesError
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import make_mark
from colorizer.methods.hints import Hints
from colorizer.methods.probabilities import likely_colors
from colorizer.methods.propagation import Spread, spread
from colorizer.photo.decode import decode, decode_strokes
from colorizer.photo.encode import encode
from colorizer.photo.photofile import PhotoFile
from colorizer.tracking.names import DEFAULT, NO_MODEL


class OutdatedError(ColorizerError):
    """The page shows an outdated state."""


class Session:
    """The photographs on the page, the models, and the colored results.

    Args:
        models: names, which may include `NO_MODEL`; by default the best model. They are loaded at
            once. Other registered models are offered too, and loaded at their first use.
        folder: an empty folder for copies of the photographs' files.

    Raises:
        ColorizerError: if one of `models` is missing.
    """

    def __init__(self, models: Sequence[str], folder: Path) -> None:
        self.choices = choices(models or (DEFAULT,))
        self.photos: dict[str, Photograph] = {}
        self._folder = folder
        self._one_large_at_a_time = threading.Lock()
        self._one_model_at_a_time = threading.Lock()
        self._one_painter_at_a_time = threading.Lock()
        self._load = lru_cache(maxsize=8)(Colorizer.load)
        self._preview = lru_cache(maxsize=16)(self._decode)
        self._predict = lru_cache(maxsize=256)(self._predict_anew)
        self._classes = lru_cache(maxsize=8)(self._classes_anew)
        self._spread = lru_cache(maxsize=32)(self._spread_anew)
        for name in models or (DEFAULT,):
            if name != NO_MODEL:
                self._colorizer(name)

    def add(self, name: str, data: bytes) -> Photograph:
        """Add a photograph.

        Args:
            name: the file's name.
            data: the file's bytes, in a format that `decode` reads.

        Raises:
            ImageError: if they cannot be read.
            ColorizerError: if there is no room to keep them.
        """
        with self._one_large_at_a_time:
            photo = store_photograph(name, data, self._folder)
        self.photos[photo.id] = photo
        return photo

    def get(self, photo_id: str) -> Photograph:
        """Return a photograph.

        Raises:
            ColorizerError: if it was removed, or was never here.
        """
        try:
            return self.photos[photo_id]
        except KeyError:
            raise ColorizerError("this photograph is not here any more: add it again") from None

    def remove(self, photo_id: str) -> None:
        """Remove a photograph and its file."""
        self.get(photo_id).file.unlink(missing_ok=True)
        del self.photos[photo_id]

    def paint(self, photo_id: str, strokes: bytes | None, revision: int) -> Photograph:
        """Replace the strokes on a photograph.

        Args:
            photo_id: the photograph's id.
            strokes: a PNG file; None removes the strokes.
            revision: the photograph's revision that the painter saw.

        Raises:
            ColorizerError: if the strokes are no picture of the size shown, or nothing is painted.
            OutdatedError: if the strokes were replaced meanwhile.
        """
        photo = self.get(photo_id)
        hints = None
        if strokes is not None:
            width, height = photo.shown
            hints = Hints.collect([], decode_strokes(strokes), height=height, width=width)
        with self._one_painter_at_a_time:
            if revision != photo.revision:
                raise OutdatedError(f"{photo.name} was painted on in another window meanwhile")
            photo.strokes, photo.hints, photo.revision = strokes, hints, revision + 1
        return photo

    def after(self, photo_id: str, model: str, strength: float) -> bytes:
        """Return the colored photograph at the size shown, as a JPEG file.

        Args:
            photo_id: the photograph's id.
            model: the name of one of `choices`.
            strength: multiplies the chroma of the model's colors, not of those painted.

        Raises:
            ColorizerError: if there is no such photograph or model.
        """
        photo = self.get(photo_id)
        ab = self._colors(photo, model, strength)
        return encode(recolor(self._preview(photo_id), ab), format="jpeg")

    def palette(self, photo_id: str, model: str, x: int, y: int) -> list[str]:
        """Return the likely colors of a pixel at the size shown, #rrggbb, the most likely first.

        They have the pixel's own lightness. A model that predicts no classes has none.

        Raises:
            ColorizerError: if there is no such photograph, model or pixel.
        """
        photo = self._offered(photo_id, model)
        width, height = photo.shown
        if not (x < width and y < height):
            raise ColorizerError(f"no pixel {x},{y}: the picture has {width}x{height}")
        if model == NO_MODEL:
            return []
        try:
            probabilities, centers = self._classes(photo_id, model)
        except NoClassesError:
            return []
        hints = self._spread(photo_id, photo.revision, model, 1.0)
        place = (x + 0.5) / width, (y + 0.5) / height
        found = likely_colors(probabilities, centers, place, hints=hints)
        pixel = self._preview(photo_id)[y : y + 1, x : x + 1]
        shown = (recolor(pixel, ab[:, None, None])[0, 0] for ab in found.ab)
        return list(dict.fromkeys(f"#{bytes(rgb).hex()}" for rgb in shown))

    def finish(self, photo_id: str, model: str, strength: float) -> tuple[str, bytes]:
        """Return the name and bytes of a photograph's file in color, at full size, with metadata.

        Raises:
            ColorizerError: see `after`.
        """
        photo = self.get(photo_id)
        ab = self._colors(photo, model, strength)
        with self._one_large_at_a_time:
            original = _read(photo)
            file = PhotoFile.parse(original)
            colorizer = None if model == NO_MODEL else self._colorizer(model)
            strokes = None if photo.strokes is None else decode_strokes(photo.strokes)
            mark = make_mark(original, colorizer, Options(strength=strength, strokes=strokes))
            data = file.marked(mark).encode(recolor(file.levels, ab))
        name = PurePath(photo.name)
        if file.format != file.format_written:
            name = name.with_suffix(".png")
        return extend_stem(name.name, "_colorized"), data

    def finish_all(self, model: str, strength: float, count: int) -> Iterator[bytes]:
        """Return all photographs' files in color as a zip archive, in parts.

        The archive lists photographs that cannot be finished in `zip_stream.FAILED`.

        Args:
            model: the name of one of `choices`.
            strength: see `after`.
            count: the number of photographs that the page shows.

        Raises:
            OutdatedError: if there are more or fewer.
        """
        if count != len(self.photos):
            raise OutdatedError(
                f"this page shows {count} photographs, and there are {len(self.photos)}: load it "
                "again"
            )
        return stream_zip(
            (photo.name, partial(self.finish, photo.id, model, strength))
            for photo in list(self.photos.values())
        )

    def _offered(self, photo_id: str, model: str) -> Photograph:
        if all(model != choice.name for choice in self.choices):
            raise ColorizerError(f"no model {model!r} here: name it with --model when you begin")
        return self.get(photo_id)

    def _colors(self, photo: Photograph, model: str, strength: float) -> NDArray[np.float32]:
        self._offered(photo.id, model)
        colors = strength * self._predict(photo.id, model)
        hints = self._spread(photo.id, photo.revision, model, strength)
        return colors if hints is None else hints.over(colors)

    def _predict_anew(self, photo_id: str, model: str) -> NDArray[np.float32]:
        if model == NO_MODEL:
            return np.zeros((2, 1, 1), np.float32)
        colorizer = self._colorizer(model)
        with self._one_large_at_a_time:
            return colorizer.predict_photo(decode(_read(self.get(photo_id))).rgb)

    def _classes_anew(
        self, photo_id: str, model: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        colorizer = self._colorizer(model)
        with self._one_large_at_a_time:
            return colorizer.photo_classes(decode(_read(self.get(photo_id))).rgb)[1:]

    def _spread_anew(
        self, photo_id: str, _revision: int, model: str, strength: float
    ) -> Spread | None:
        photo = self.get(photo_id)
        if photo.hints is None:  # nothing is painted, or it was wiped away meanwhile
            return None
        prior = None if model == NO_MODEL else strength * self._predict(photo_id, model)
        return spread(self._preview(photo_id), photo.hints, prior)

    def _decode(self, photo_id: str) -> NDArray[np.uint8]:
        return decode(self.get(photo_id).before).rgb

    def _colorizer(self, model: str) -> Colorizer:
        with self._one_model_at_a_time:
            return self._load(model)


def _read(photo: Photograph) -> bytes:
    try:
        return photo.file.read_bytes()
    except OSError as error:
        raise ColorizerError(f"its file is gone: {error.strerror}: add it again") from None
