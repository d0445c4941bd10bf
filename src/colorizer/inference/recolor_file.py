"""A photograph's file to the same file in color; nothing else changes."""

import contextlib
import dataclasses
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.monochrome import Verdict, judge
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.inference.colorizer import Colorizer
from colorizer.methods.hints import Hint, Hints
from colorizer.methods.propagation import guide
from colorizer.photo.decode import count_pixels
from colorizer.photo.encode import encode
from colorizer.photo.photofile import PhotoFile, encode_pages
from colorizer.photo.pixels import on_white, shrink, to_8_bits
from colorizer.photo.restoration import restore

LARGE = 40_000_000
"""Pixels; of photographs beyond this only one is in memory at a time."""

_one_large_at_a_time = threading.Lock()

Tone = Literal["remove", "keep"]
"""What becomes of a toned print, such as sepia: it is colored from its lightness, or stays."""
TONES: tuple[Tone, ...] = get_args(Tone)

Restoration = Literal["", "light"]
"""What is mended before coloring: nothing, or what `colorizer.photo.restoration` mends."""
RESTORATIONS: tuple[Restoration, ...] = get_args(Restoration)

SHEET_HEIGHT = 1000  # pixels of a sheet that compares


@dataclass(frozen=True)
class Options:
    """How photographs are colored.

    Attributes:
        format: of the files written, one of `FORMATS`' values; None for each file's own.
        strength: the colors' chroma as a multiple of what the network predicts.
        force: also color photographs that are in color, from their lightness.
        tone: "keep" leaves toned prints as they are, unless they are forced.
        overwrite: replace files that exist.
        compare: also write a sheet with both, side by side.
        hints: colors given to pixels of the one photograph that they are of.
        strokes: the same as a picture, uint8 (H, W, 4), as `Hints.collect` takes it.
        confidence: also draw how sure the network is.
        restore: "light" removes dust and scratches and spreads faded tones before coloring; the
            result's lightness is the restored one.
    """

    format: str | None = None
    strength: float = 1.0
    force: bool = False
    tone: Tone = "remove"
    overwrite: bool = False
    compare: bool = False
    hints: tuple[Hint, ...] = ()
    strokes: NDArray[np.uint8] | None = None
    confidence: bool = False
    restore: Restoration = ""

    @property
    def guided(self) -> bool:
        """Whether a person gives some of the colors."""
        return bool(self.hints) or self.strokes is not None


@dataclass(frozen=True)
class Colorized:
    """A photograph's new file.

    Attributes:
        data: its bytes.
        anew: whether it was colored; one that is in color stays as it is.
        verdict: whether it is black and white.
        message: why it was not colored, or a doubt whether it should have been; or "".
        sheet: a JPEG file with both, side by side, if it was asked for.
        confidence: a gray PNG file of the photograph's size, white where the network is sure, if it
            was asked for.
    """

    data: bytes
    anew: bool
    verdict: Verdict
    message: str = ""
    sheet: bytes | None = None
    confidence: bytes | None = None


def colorize_data(data: bytes, colorizer: Colorizer | None, options: Options) -> Colorized:
    """Color a photograph's file; one that stays as it is only if it is forced, or hints are given.

    A file of several pictures becomes one of the same pictures. Sheet and confidence are of the
    first.

    Raises:
        ImageError: if it cannot be read, or cannot be written in the format asked for.
        ColorizerError: if the hints do not fit the photograph, or there are several.
    """
    with _one_large_at_a_time if count_pixels(data) > LARGE else contextlib.nullcontext():
        photos = PhotoFile.pages(data)
        first, second = next(photos), next(photos, None)
        format = options.format or first.format_written
        new = _color(first, colorizer, options)
        if second is not None:
            return _color_pages(data, new, chain([second], photos), colorizer, options)
        same = not new.anew and format == first.format
        written = data if same else first.encode(new.levels, format)
        return Colorized(written, new.anew, new.verdict, new.message, new.sheet, new.confidence)


@dataclass(frozen=True)
class _Picture:
    """A picture of a file, with its levels as they are to be written; else as `Colorized`."""

    photo: PhotoFile
    levels: NDArray[Any]
    anew: bool
    verdict: Verdict
    message: str = ""
    sheet: bytes | None = None
    confidence: bytes | None = None


def _color(photo: PhotoFile, colorizer: Colorizer | None, options: Options) -> _Picture:
    verdict = judge(photo.rgb)
    asked = options.force or options.guided
    kept = "" if asked else _reason_to_keep(verdict, options.tone)
    if kept:
        return _Picture(photo, photo.levels, anew=False, verdict=verdict, message=kept)
    scan = photo
    if options.restore:
        photo = dataclasses.replace(scan, levels=restore(scan.levels))
    rgb = recolor(photo.levels, _predict(photo.rgb, colorizer, options))
    sheet = _side_by_side(scan, rgb) if options.compare else None
    sure = draw_confidence(photo.rgb, colorizer) if colorizer and options.confidence else None
    doubt = f"was colored but may be in color ({verdict.reason}): look at it"
    message = doubt if verdict.doubtful and not asked else ""
    return _Picture(photo, rgb, True, verdict, message, sheet, sure)


def _color_pages(
    data: bytes,
    first: _Picture,
    others: Iterator[PhotoFile],
    colorizer: Colorizer | None,
    options: Options,
) -> Colorized:
    """Color a file of several pictures, one in memory at a time."""
    if options.guided:
        raise ColorizerError("hints are of one picture, and the file holds several")
    alone = dataclasses.replace(options, compare=False, confidence=False)
    said: list[tuple[bool, str]] = []

    def color() -> Iterator[tuple[PhotoFile, NDArray[Any]]]:
        for page in chain([first], (_color(photo, colorizer, alone) for photo in others)):
            said.append((page.anew, page.message))
            yield page.photo, page.levels

    format = options.format or first.photo.format_written
    written = encode_pages(color(), format)
    anew = sum(anew for anew, _ in said)
    same = not anew and format == first.photo.format
    message = (
        f"holds {len(said)} pictures, of which {anew} were colored" if anew < len(said) else ""
    )
    reasons = [f"page {n} {reason}" for n, (_, reason) in enumerate(said, 1) if reason]
    return Colorized(
        data if same else written,
        anew > 0,
        first.verdict,
        "; ".join([message, *reasons] if message else reasons),
        first.sheet,
        first.confidence,
    )


def _reason_to_keep(verdict: Verdict, tone: Tone) -> str:
    """Return why a photograph is copied and not colored, or ""."""
    if verdict.kind == "color":
        return f"is in color ({verdict.reason}) and was copied: --force colors it"
    if verdict.kind == "toned" and tone == "keep":
        return "is toned and was copied: --tone remove colors it from its lightness"
    return ""


def draw_confidence(rgb: NDArray[np.uint8], colorizer: Colorizer) -> bytes:
    """Draw how sure the network is: a gray PNG file of the photograph's size, white where it is.

    Raises:
        NoClassesError: if the network predicts no classes.
    """
    levels = np.round(255 * colorizer.confidence(rgb)).astype(np.uint8)
    size = rgb.shape[1], rgb.shape[0]
    buffer = io.BytesIO()
    Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).save(buffer, "png")
    return buffer.getvalue()


def _predict(
    rgb: NDArray[np.uint8], colorizer: Colorizer | None, options: Options
) -> NDArray[np.float32]:
    """Return a photograph's colors, (2, h, w), by the network, the hints, or both."""
    hints = None
    if options.guided:
        height, width = rgb.shape[:2]
        hints = Hints.collect(options.hints, options.strokes, height=height, width=width)
    ab = None if colorizer is None else options.strength * colorizer.predict_photo(rgb)
    if hints is not None:
        return guide(rgb, hints, ab)
    if ab is None:
        raise ColorizerError("without a model, hints alone decide: give some by --hint or --hints")
    return ab


def _side_by_side(photo: PhotoFile, colored: NDArray[Any]) -> bytes:
    """Return a JPEG file of a photograph before and after, no higher than `SHEET_HEIGHT`."""
    after = colored if colored.dtype == np.uint8 else to_8_bits(colored)
    if photo.alpha is not None:
        after = on_white(after, photo.alpha)
    pictures = [shrink(picture, SHEET_HEIGHT / len(after)) for picture in (photo.rgb, after)]
    return encode(np.concatenate(pictures, axis=1), format="jpeg")
