"""A photograph on the page."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path, PurePath

from colorizer.apps.web.zip_stream import extend_stem
from colorizer.color.monochrome import Verdict, judge
from colorizer.errors import ColorizerError
from colorizer.inference.options import Restoration, Tone
from colorizer.methods.hints import Hints
from colorizer.photo.decode import ImageError, Photo, decode, split_pages
from colorizer.photo.encode import encode
from colorizer.photo.identify import HEAD, identify
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.pixels import shrink
from colorizer.photo.restoration import restore

PREVIEW = 1024
"""Pixels of the longer side of what the page shows first."""


@dataclass(eq=False)
class Photograph:
    """A photograph on the page.

    Attributes:
        id: a random id.
        name: the name of the original file; of several pages with the page's number.
        file: a copy of the original, which the photographs of its pages share.
        page: its place among them, from 0.
        preview: a JPEG file of it whose longer side has at most `PREVIEW` pixels.
        shown: width and height of the preview.
        size: width and height of the photograph itself.
        verdict: whether it is black and white.
        losses: what the file holds and its result in color does not, in words that follow "its".
        forced: whether it is to be colored although it is in color, or toned and to be kept.
        strokes: a PNG file of the size shown: painted strokes on transparent ground.
        hints: the strokes' colors.
        revision: how often the strokes were replaced.
    """

    id: str
    name: str
    file: Path
    page: int
    preview: Path
    shown: tuple[int, int]
    size: tuple[int, int]
    verdict: Verdict
    losses: tuple[str, ...] = ()
    forced: bool = False
    strokes: bytes | None = None
    hints: Hints | None = None
    revision: int = 0

    def is_copied(self, tone: Tone) -> bool:
        """Whether it stays as it is, since it is in color, or toned and toned prints are kept."""
        if self.forced or self.hints is not None:
            return False
        return self.verdict.kind == "color" or (self.verdict.kind == "toned" and tone == "keep")

    @property
    def before(self) -> bytes:
        """The bytes of the preview; a `ColorizerError` if it is gone."""
        return _read(self.preview)

    def read_file(self) -> bytes:
        """Return the original file, with all its pages.

        Raises:
            ColorizerError: if it is gone.
        """
        return _read(self.file)

    def read(self) -> bytes:
        """Return the original file, or the page as a file of its own.

        Raises:
            ColorizerError: if it is gone.
        """
        return next(islice(split_pages(self.read_file()), self.page, None))

    def decode(self, restoration: Restoration = "") -> Photo:
        """Decode the original file, and restore it if that is wanted.

        Raises:
            ColorizerError: if it is gone, or OpenCV, which restores, is not installed.
        """
        photo = decode(self.read())
        return replace(photo, levels=restore(photo.levels)) if restoration else photo


def store(name: str, data: bytes, folder: Path) -> tuple[list[Photograph], list[str]]:
    """Decode a file's photographs, of which it has one or several pages, and keep the file.

    Args:
        name: the file's name.
        data: the file's bytes, in a format that `decode` reads.
        folder: where the copy goes.

    Returns:
        photographs: of the pages that can be read.
        reasons: why others cannot.

    Raises:
        ImageError: if none can be read.
        ColorizerError: if it is no picture, or there is no room to keep it.
    """
    kind = identify(data[:HEAD])
    if kind.format is None:
        raise ColorizerError(f"{kind.name}, no photograph")
    file = folder / uuid.uuid4().hex
    name = PurePath(name).name or "photo"
    pages = split_pages(data)
    first, second = next(pages), next(pages, None)
    reasons: list[str] = []
    if second is None:
        photos = [_decode(name, first, file)]
    else:
        photos, reasons = _decode_pages(name, chain([first, second], pages), file)
    try:
        _write(file, data)
    except ColorizerError:
        for photo in photos:
            photo.preview.unlink()
        raise
    return photos, reasons


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ColorizerError(f"cannot be kept in {path.parent}: {error.strerror}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ColorizerError(f"its file is gone: {error.strerror}: add it again") from None


def _decode_pages(
    name: str, pages: Iterable[bytes], file: Path
) -> tuple[list[Photograph], list[str]]:
    photos, reasons = [], []
    for number, page in enumerate(pages, 1):
        try:
            photos.append(_decode(extend_stem(name, f"_page{number}"), page, file, number - 1))
        except ImageError as error:
            reasons.append(f"page {number}: {error}")
    if not photos:
        raise ImageError("; ".join(reasons))
    return photos, reasons


def _decode(name: str, data: bytes, file: Path, page: int = 0) -> Photograph:
    photo = PhotoFile.parse(data)
    preview = shrink(photo.rgb, PREVIEW / max(photo.rgb.shape[:2]))
    id = uuid.uuid4().hex
    _write(file.with_name(f"{id}.jpg"), encode(preview, format="jpeg"))
    return Photograph(
        id=id,
        name=name,
        file=file,
        page=page,
        preview=file.with_name(f"{id}.jpg"),
        shown=preview.shape[1::-1],
        size=photo.levels.shape[1::-1],
        verdict=judge(photo.rgb),
        losses=photo.losses(),
    )
