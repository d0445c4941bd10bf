"""The area of a scan that its color is judged by: reduced, without frames, without white ground."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import compiled
from colorizer.color.lab import check_picture

SHORT_SIDE = 192  # pixels, at least, of the reduced picture
FRAME = 0.3  # of a side: a frame is at most so wide
FRAME_COLOR = 4.0  # CIELAB units that a frame's pixels differ by
MARGIN = 2  # pixels beside a frame that its color bled into, by JPEG's coarser chroma
EVERY = 3  # a line is of one color if every third of its pixels is
BLANK = 90.0  # L* of paper or of a white ground


def reduce(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average squares of pixels, so many that the shorter side keeps at least `SHORT_SIDE`."""
    check_picture(rgb)
    step = max(1, min(rgb.shape[:2]) // SHORT_SIDE)
    if step == 1:
        return rgb
    reduced = np.empty((rgb.shape[0] // step, rgb.shape[1] // step, 3), np.uint8)
    _reduce_loop(np.ascontiguousarray(rgb).reshape(len(rgb), -1), step, reduced)
    return reduced


def without_frame(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut off frames of one color each, such as an album's page and the print's own border."""
    while True:
        height, width = lab.shape[1:]
        top, bottom = (_frame(lab[:, ::step], int(FRAME * height)) for step in (1, -1))
        across = lab[:, top : height - bottom].transpose(0, 2, 1)
        left, right = (_frame(across[:, ::step], int(FRAME * width)) for step in (1, -1))
        if sum(side > 0 for side in (top, bottom, left, right)) < 3:  # or it may be a sky
            return lab
        lab = lab[:, top : height - bottom, left : width - right]


def _frame(lab: NDArray[np.float32], most: int) -> int:
    """Return how many of the first lines, (3, lines, pixels), are of one color, with a margin."""
    lines = lab[:, :most, ::EVERY]
    away = ((lines - np.median(lines, axis=2, keepdims=True)) ** 2).sum(0)
    alike = (away < FRAME_COLOR**2).mean(1) > 0.8
    count = most if alike.all() else int(alike.argmin())
    return min(count + MARGIN, most) if count else 0


def find_blank(means: NDArray[np.floating], variance: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Find the blocks of white ground, (h, w); none if there is hardly anything else.

    Args:
        means: CIELAB of each block, (3, h, w).
        variance: of its pixels' L*, (h, w).
    """
    blank = (means[0] > BLANK) & (variance < 4) & (np.hypot(*means[1:]) < 8)
    return blank if blank.mean() < 0.9 else np.zeros_like(blank)


@compiled
def _reduce_loop(rgb: Any, step: int, out: Any) -> None:
    """Fill uint8 (h, w, 3) with the rounded means of squares of uint8 (H, 3 W)."""
    height, width, _ = out.shape
    column = np.empty(width * step * 3, np.uint32)
    for y in range(height):
        column[:] = 0
        for row in range(y * step, (y + 1) * step):
            line = rgb[row]
            for x in range(column.size):
                column[x] += line[x]
        for x in range(width):
            for channel in range(3):
                total = np.uint32(0)
                for place in range(step):
                    total += column[3 * (x * step + place) + channel]
                out[y, x, channel] = np.uint8((2 * total + step * step) // (2 * step * step))
