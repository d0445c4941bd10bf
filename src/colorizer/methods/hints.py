"""Colors that a person gives to some pixels of a photograph."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.errors import ColorizerError, UsageError

LONGER_SIDE = 512
"""Longer side, in pixels, of the picture that colors are spread over before they are enlarged."""

OPAQUE = 128  # of 255: a stroke
BAND = 256  # rows of strokes, converted at a time

HINT = re.compile(r"(\d+),(\d+),#([0-9a-fA-F]{6})")

Pixels = tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.uint8]]
"""Rows and columns, (N,), and sRGB colors, (N, 3)."""


@dataclass(frozen=True)
class Hint:
    """A color given to one pixel.

    Attributes:
        x: its column, from 0 at the left.
        y: its row, from 0 at the top.
        rgb: sRGB, 0..255 each; only its hue and chroma count.
    """

    x: int
    y: int
    rgb: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> "Hint":
        """Parse a hint from the command line.

        Raises:
            ColorizerError: if it is not of the form x,y,#rrggbb.

        Example:
            >>> Hint.parse("120,80,#ff8000")
            Hint(x=120, y=80, rgb=(255, 128, 0))
        """
        found = HINT.fullmatch(text.replace(" ", ""))
        if not found:
            raise UsageError(
                f"hint {text!r}: expected x,y,#rrggbb, such as 120,80,#ff8000: column and row in "
                "pixels from the top left, and a color"
            )
        red, green, blue = bytes.fromhex(found[3])
        return cls(int(found[1]), int(found[2]), (red, green, blue))


@dataclass(frozen=True)
class Hints:
    """Colors given to some pixels of a picture.

    Attributes:
        where: bool (H, W), which pixels.
        ab: float32 (2, H, W), CIELAB units, their colors.
    """

    where: NDArray[np.bool_]
    ab: NDArray[np.float32]

    @classmethod
    def collect(
        cls,
        points: Sequence[Hint],
        strokes: NDArray[np.uint8] | None,
        *,
        height: int,
        width: int,
    ) -> "Hints":
        """Collect points and strokes at the size at which colors are spread.

        A pixel of that size gets the mean color of the points that it covers, or else of the
        strokes.

        Args:
            points: pixels of the photograph.
            strokes: uint8 (height, width, 4), sRGB and opacity. Pixels of at least half opacity are
                strokes.
            height: of the photograph.
            width: of the photograph.

        Returns:
            Hints whose longer side has at most `LONGER_SIDE` pixels.

        Raises:
            ColorizerError: if a point lies outside, the strokes' picture is of another size, or
                there is no hint at all.
        """
        _require_inside(points, strokes, height=height, width=width)
        painted = _reduce(_painted(strokes), height=height, width=width)
        dotted = _reduce(_dotted(points), height=height, width=width)
        found = cls(painted.where | dotted.where, np.where(dotted.where, dotted.ab, painted.ab))
        if not found.where.any():
            raise ColorizerError("no hints: the strokes' picture is transparent everywhere")
        return found


def _require_inside(
    points: Sequence[Hint], strokes: NDArray[np.uint8] | None, *, height: int, width: int
) -> None:
    """Raise if hints do not fit a photograph."""
    if strokes is not None and strokes.shape[:2] != (height, width):
        raise ColorizerError(
            f"the strokes' picture has {strokes.shape[1]}x{strokes.shape[0]} pixels; "
            f"expected {width}x{height}, as the photograph"
        )
    for hint in points:
        if not (hint.x < width and hint.y < height):
            raise ColorizerError(
                f"hint at {hint.x},{hint.y}: the photograph has {width}x{height} pixels, "
                "counted from 0"
            )


def _painted(strokes: NDArray[np.uint8] | None) -> Iterator[Pixels]:
    """Yield the pixels of strokes, some rows at a time to save memory."""
    if strokes is None:
        return
    for top in range(0, len(strokes), BAND):
        band = strokes[top : top + BAND]
        rows, columns = np.nonzero(band[..., 3] >= OPAQUE)
        yield rows + top, columns, band[rows, columns, :3]


def _dotted(points: Sequence[Hint]) -> Iterator[Pixels]:
    for hint in points:
        yield np.array([hint.y]), np.array([hint.x]), np.array([hint.rgb], np.uint8)


def _reduce(pixels: Iterable[Pixels], *, height: int, width: int) -> Hints:
    """Average pixels at a photograph's working size."""
    rows_to, columns_to = working_size(height, width)
    counts, sums = np.zeros(rows_to * columns_to), np.zeros((2, rows_to * columns_to))
    for rows, columns, rgb in pixels:
        places = rows * rows_to // height * columns_to + columns * columns_to // width
        counts += np.bincount(places, minlength=counts.size)
        for total, plane in zip(sums, rgb_to_lab(rgb[None])[1:, 0], strict=True):
            total += np.bincount(places, plane, minlength=total.size)
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    shape = rows_to, columns_to
    return Hints((counts > 0).reshape(shape), means.reshape(2, *shape))


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width at which a photograph's colors are spread."""
    scale = min(1.0, LONGER_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
