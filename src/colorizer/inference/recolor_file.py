"""A photograph's file to the same file in color; nothing else changes."""

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.monochrome import Verdict, judge
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.options import Options, Tone
from colorizer.inference.sheets import draw_confidence, draw_sheet
from colorizer.methods.hints import Hints
from colorizer.methods.propagation import guide
from colorizer.methods.registry import color_like
from colorizer.photo.large import alone_if_large
from colorizer.photo.marking import Mark
from colorizer.photo.photofile import NO_METADATA, PhotoFile, encode_pages
from colorizer.photo.restoration import restore
from colorizer.photo.visible_mark import draw_mark

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Colorized:
    """A photograph's new file.

    Attributes:
        data: its bytes.
        anew: whether it was colored; one that is in color stays as it is.
        verdict: whether it is black and white.
        message: why it was not colored, a doubt whether it should have been, what of the file is
            lost; or "".
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
    with alone_if_large(data):
        photos = PhotoFile.pages(data)
        first, second = next(photos), next(photos, None)
        format = options.format or first.format_written
        mark = make_mark(data, colorizer, options)
        if mark and format in NO_METADATA:
            _warn_of_no_mark(format)
        new = _color(first, colorizer, options, mark)
        if second is not None:
            return _color_pages(data, new, chain([second], photos), colorizer, options, mark)
        if not new.anew and options.format in (None, first.format):
            return Colorized(data, False, new.verdict, new.message)
        written = new.photo.encode(new.levels, format)
        message = "; ".join(filter(None, (new.message, _losses(first, new.photo, format))))
        return Colorized(written, new.anew, new.verdict, message, new.sheet, new.confidence)


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


def _color(
    photo: PhotoFile, colorizer: Colorizer | None, options: Options, mark: Mark | None
) -> _Picture:
    verdict = judge(photo.rgb)
    asked = options.force or options.guided
    kept = "" if asked else _reason_to_keep(verdict, options.tone)
    if kept:
        return _Picture(photo, photo.levels, anew=False, verdict=verdict, message=kept)
    scan = photo
    if options.restore:
        photo = dataclasses.replace(scan, levels=restore(scan.levels))
    ab, probabilities = _predict(photo.rgb, colorizer, options)
    rgb = recolor(photo.levels, ab)
    if options.visible_mark:
        photo = _draw_mark(photo, rgb)
    sheet = draw_sheet(scan, rgb) if options.compare else None
    size = photo.rgb.shape[:2]
    sure = None if probabilities is None else draw_confidence(probabilities, size)
    doubt = f"was colored but may be in color ({verdict.reason}): look at it"
    message = doubt if verdict.doubtful and not asked else ""
    return _Picture(photo.marked(mark), rgb, True, verdict, message, sheet, sure)


def _losses(photo: PhotoFile, new: PhotoFile, format: str) -> str:
    """Return what a file holds and its result cannot, in words; or "".

    Args:
        photo: the photograph.
        new: the same, marked.
        format: of the result.
    """
    # whose mark is not the photograph's, but may have met damage
    lost = dict.fromkeys((*photo.losses(format), *new.metadata.lost))
    return f"loses its {' and its '.join(lost)}, which the original keeps" if lost else ""


def _draw_mark(photo: PhotoFile, rgb: NDArray[Any]) -> PhotoFile:
    """Write the visible mark into a photograph's new levels; return it opaque there."""
    where = draw_mark(rgb)
    if photo.alpha is None:
        return photo
    alpha = photo.alpha.copy()
    alpha[where] = np.iinfo(alpha.dtype).max
    return dataclasses.replace(photo, alpha=alpha)


def _color_pages(
    data: bytes,
    first: _Picture,
    others: Iterator[PhotoFile],
    colorizer: Colorizer | None,
    options: Options,
    mark: Mark | None,
) -> Colorized:
    """Color a file of several pictures, one in memory at a time."""
    if options.guided:
        raise ColorizerError("hints are of one picture, and the file holds several")
    alone = dataclasses.replace(options, compare=False, confidence=False)
    said: list[tuple[bool, str]] = []
    losses: dict[str, None] = {}  # of all pages, each once, in order
    format = options.format or first.photo.format_written

    def color() -> Iterator[tuple[PhotoFile, NDArray[Any]]]:
        rest = (_color(photo, colorizer, alone, mark) for photo in others)
        for page in chain([first], rest):
            said.append((page.anew, page.message))
            losses[_losses(page.photo, page.photo, format)] = None
            yield page.photo, page.levels

    written = encode_pages(color(), format)
    anew = sum(anew for anew, _ in said)
    same = not anew and options.format in (None, first.photo.format)
    message = (
        f"holds {len(said)} pictures, of which {anew} were colored" if anew < len(said) else ""
    )
    reasons = [f"page {n} {reason}" for n, (_, reason) in enumerate(said, 1) if reason]
    return Colorized(
        data if same else written,
        anew > 0,
        first.verdict,
        "; ".join(filter(None, (message, *reasons, *([] if same else losses)))),
        first.sheet,
        first.confidence,
    )


def make_mark(data: bytes, colorizer: Colorizer | None, options: Options) -> Mark | None:
    """Return the mark of what becomes of a photograph's file, None if it shall have none.

    A result that bears this very mark is of the same file, model and options.
    """
    if not options.mark:
        return None
    model = colorizer.model if colorizer else options.method or "hints alone"
    return Mark.of(data, model, options.parameters)


def _reason_to_keep(verdict: Verdict, tone: Tone) -> str:
    """Return why a photograph is copied and not colored, or ""."""
    if verdict.kind == "color":
        return f"is in color ({verdict.reason}) and was copied: --force colors it"
    if verdict.kind == "toned" and tone == "keep":
        return "is toned and was copied: --tone remove colors it from its lightness"
    return ""


def _predict(
    rgb: NDArray[np.uint8], colorizer: Colorizer | None, options: Options
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Predict a photograph's colors, (2, h, w), by network, method and hints.

    Returns:
        The colors, and the network's classes, (Q, h, w), if its confidence is asked for.

    Raises:
        NoClassesError: if it is asked for and the network predicts no classes.
        ColorizerError: if the hints do not fit the photograph, or nothing gives colors.
    """
    hints = None
    if options.guided:
        height, width = rgb.shape[:2]
        hints = Hints.collect(options.hints, options.strokes, height=height, width=width)
    ab = probabilities = None
    likes = options.like
    if options.similar and colorizer is not None:
        likes = options.similar.choose(colorizer, rgb)
    if options.method:
        ab = color_like(options.method)(rgb, [like.rgb for like in likes])
    elif colorizer is not None and options.confidence:
        ab, probabilities, _ = colorizer.photo_classes(rgb)
    elif colorizer is not None:
        ab = colorizer.predict_photo(rgb, likes)
    ab = None if ab is None else options.strength * ab
    if hints is not None:
        ab = guide(rgb, hints, ab)
    if ab is None:
        raise ColorizerError("without a model, hints alone decide: give some by --hint or --hints")
    return ab, probabilities


@cache
def _warn_of_no_mark(format: str) -> None:
    """Say once of all files that a format holds no mark."""
    logger.warning("%s files cannot say that their colors are invented: PNG files can", format)
