"""The photographs on the page and their colors, without a word of HTTP."""

import io
import logging
import threading
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer import Colorizer
from colorizer.color.recoloring import recolor
from colorizer.color.statistics import is_black_and_white
from colorizer.errors import ColorizerError
from colorizer.methods.hints import Hints, guide
from colorizer.photo.decode import decode, decode_strokes, encode
from colorizer.photo.photofile import PhotoFile
from colorizer.tracking.model_uri import DEFAULT, NO_MODEL, SUFFIXES, list_known

logger = logging.getLogger(__name__)

PREVIEW = 1024
"""Pixels of the longer side of what the page shows."""

FAILED = "not_colored.txt"
"""In an archive: names the photographs that it lacks, and says why."""


MAX_NAME = 255
"""Bytes of a file's name."""


class OutdatedError(ColorizerError):
    """The page does not show what there is."""


@dataclass(frozen=True)
class Choice:
    """A model that the page offers.

    Attributes:
        name: what to ask for.
        label: what people read.
    """

    name: str
    label: str


@dataclass
class Photograph:
    """A photograph on the page.

    Attributes:
        id: its random name here.
        name: of the file that it came as.
        file: where its bytes are kept.
        before: a JPEG file of it as it came, with `PREVIEW` pixels at most.
        shown: width and height of that.
        size: width and height of the photograph itself.
        in_color: whether it is in color already.
        strokes: a PNG file of the size shown, transparent but for what is painted.
        hints: the same, as colors.
        revision: how often it was painted on.
    """

    id: str
    name: str
    file: Path
    before: bytes
    shown: tuple[int, int]
    size: tuple[int, int]
    in_color: bool
    strokes: bytes | None = None
    hints: Hints | None = None
    revision: int = 0


class Session:
    """Photographs, models, and what each makes of the other.

    Args:
        models: names, `NO_MODEL` among them; by default the best. They are loaded at once; what is
            registered besides is offered too, and loaded when it is first asked for.
        folder: an empty one, where photographs' files are kept.

    Raises:
        ColorizerError: if one of `models` cannot be had.
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
        self._guide = lru_cache(maxsize=32)(self._guide_anew)
        for name in models or (DEFAULT,):
            if name != NO_MODEL:
                self._colorizer(name)

    def add(self, name: str, data: bytes) -> Photograph:
        """Take a photograph in.

        Args:
            name: of its file.
            data: the file's bytes, in one of `photofile.FORMATS`.

        Raises:
            ImageError: if they cannot be read.
            ColorizerError: if there is no room to keep them.
        """
        with self._one_large_at_a_time:
            photo = PhotoFile.parse(data)
            shown = photo.on_white
            in_color = not (photo.single_channel or is_black_and_white(shown))
            preview = _reduced(shown)
        known = uuid.uuid4().hex
        file = self._folder / known
        try:
            file.write_bytes(data)
        except OSError as error:
            file.unlink(missing_ok=True)
            raise ColorizerError(f"cannot be kept in {self._folder}: {error.strerror}") from None
        self.photos[known] = Photograph(
            id=known,
            name=PurePath(name).name or "photo",
            file=file,
            before=encode(preview, format="jpeg"),
            shown=preview.shape[1::-1],
            size=photo.rgb.shape[1::-1],
            in_color=in_color,
        )
        return self.photos[known]

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
        """Forget a photograph and its file."""
        self.get(photo_id).file.unlink(missing_ok=True)
        del self.photos[photo_id]

    def paint(self, photo_id: str, strokes: bytes | None, revision: int) -> Photograph:
        """Take the strokes on a photograph instead of earlier ones.

        Args:
            photo_id: which.
            strokes: a PNG file; None for no strokes.
            revision: of the photograph, as whoever painted knows it.

        Raises:
            ColorizerError: if they are no picture of the size shown with something painted.
            OutdatedError: if somebody else has painted meanwhile.
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
        """Return a photograph in color at the size shown: a JPEG file.

        Args:
            photo_id: which.
            model: the name of one of `choices`.
            strength: multiplies the chroma of the model's colors, not of those painted.

        Raises:
            ColorizerError: if there is no such photograph or model.
        """
        photo = self.get(photo_id)
        ab = self._colors(photo, model, strength)
        return encode(recolor(self._preview(photo_id), ab), format="jpeg")

    def finish(self, photo_id: str, model: str, strength: float) -> tuple[str, bytes]:
        """Return a photograph's file in color, at full size with all that it held, and its name.

        Raises:
            ColorizerError: as `after`.
        """
        photo = self.get(photo_id)
        ab = self._colors(photo, model, strength)
        try:
            original = photo.file.read_bytes()
        except OSError as error:
            raise ColorizerError(f"its file is gone: {error.strerror}: add it again") from None
        with self._one_large_at_a_time:
            file = PhotoFile.parse(original)
            data = file.encode(recolor(file.levels, ab))
        path = PurePath(photo.name)
        return _named(path.stem, "_colorized", path.suffix), data

    def finish_all(self, model: str, strength: float, count: int) -> Iterator[bytes]:
        """Return a zip archive of all photographs' files in color, in parts.

        A photograph that cannot be finished is named in the archive's `FAILED`.

        Args:
            model: the name of one of `choices`.
            strength: as of `after`.
            count: how many photographs there are, as whoever asks knows it.

        Raises:
            OutdatedError: if there are more or fewer.
        """
        if count != len(self.photos):
            raise OutdatedError(
                f"this page shows {count} photographs, and there are {len(self.photos)}: load it "
                "again"
            )
        return self._archive(model, strength)

    def _archive(self, model: str, strength: float) -> Iterator[bytes]:
        part, failed = _Part(), ""
        taken = {FAILED}
        with zipfile.ZipFile(part, "w") as archive:
            for photo in list(self.photos.values()):
                try:
                    name, data = self.finish(photo.id, model, strength)
                except ColorizerError as error:
                    failed += f"{photo.name}: {error}\n"
                    continue
                archive.writestr(_untaken(name, taken), data)
                yield part.take()
            if failed:
                archive.writestr(FAILED, failed)
        yield part.take()

    def _colors(self, photo: Photograph, model: str, strength: float) -> NDArray[np.float32]:
        if all(model != choice.name for choice in self.choices):
            raise ColorizerError(f"no model {model!r} here: name it by --model when you begin")
        if photo.hints is None:
            return strength * self._predict(photo.id, model)
        return self._guide(photo.id, photo.revision, model, strength)

    def _predict_anew(self, photo_id: str, model: str) -> NDArray[np.float32]:
        if model == NO_MODEL:
            return np.zeros((2, 1, 1), np.float32)
        return self._colorizer(model).predict_photo(self._preview(photo_id))

    def _guide_anew(
        self, photo_id: str, _revision: int, model: str, strength: float
    ) -> NDArray[np.float32]:
        photo = self.get(photo_id)
        if photo.hints is None:  # wiped away meanwhile
            return strength * self._predict(photo_id, model)
        prior = None if model == NO_MODEL else strength * self._predict(photo_id, model)
        return guide(self._preview(photo_id), photo.hints, prior)

    def _decode(self, photo_id: str) -> NDArray[np.uint8]:
        return decode(self.get(photo_id).before).rgb

    def _colorizer(self, model: str) -> Colorizer:
        with self._one_model_at_a_time:
            return self._load(model)


class _Part(io.RawIOBase):
    """What a zip archive consists of, to be taken as it comes."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self._written = b"".join(self._written), []
        return data


def choices(named: Sequence[str]) -> list[Choice]:
    """Return the models that the page offers: those named, then all registered ones, then none.

    A registry that does not answer offers no model.
    """
    short = Counter(map(_label, named))
    offered = {
        name: Choice(name, _label(name) if short[_label(name)] == 1 else name) for name in named
    }
    try:
        known = list_known()
    except ColorizerError as error:
        logger.warning("%s", error)
        known = []
    for model in known:
        if model.version:  # what ships is `DEFAULT`
            name = f"{model.name}/{model.version}"
            offered.setdefault(name, Choice(name, f"{name} ({', '.join(model.aliases)})"))
    offered.setdefault(NO_MODEL, Choice(NO_MODEL, _label(NO_MODEL)))
    return list(offered.values())


def _label(name: str) -> str:
    """Return a model's name, or of a weights file the folder and the file."""
    if name == NO_MODEL:
        return "painted colors alone"
    return "/".join(PurePath(name).parts[-2:]) if name.endswith(SUFFIXES) else name


def _reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = PREVIEW / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    return np.array(picture)


def _untaken(name: str, taken: set[str]) -> str:
    """Return a name, with a number if it is taken, and take it."""
    path, number, found = PurePath(name), 1, name
    while found in taken:
        number += 1
        found = _named(path.stem, f"_{number}", path.suffix)
    taken.add(found)
    return found


def _named(stem: str, addition: str, suffix: str) -> str:
    """Return a file's name, its stem cut if it would be too long."""
    ending = f"{addition}{suffix}".encode()
    return (stem.encode()[: MAX_NAME - len(ending)] + ending).decode(errors="ignore")
