"""Is it a black-and-white photograph? Judged by what is pictured, whatever its paper says.

A print's color is a function of its lightness that changes slowly from place to place: paper
yellows on one side, a scanner adds a cast. That function is fitted, robustly, to the means of
blocks; what it leaves decides. A stamp, a stain or a line of handwriting leaves much on few blocks,
a picture in color leaves much on many.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import compiled
from colorizer.color.lab import check_picture, rgb_to_lab

SHORT_SIDE = 192  # pixels, at least, of the reduced picture that is judged
BLOCK = 8  # pixels of a block's side, in a reduced picture
FRAME = 0.3  # of a side: a frame is at most so wide
FRAME_COLOR = 4.0  # CIELAB units that a frame's pixels differ by
BLANK = 90.0  # L* of paper or of a white ground
ROUNDS = 8  # of the robust fit
SCALE = 2.0  # CIELAB units: a residual that halves a block's weight
MOST = 10.0  # CIELAB units: a larger residual counts as this
WIDEST = 25.0  # CIELAB units: a tone of more spread is no print's; of all prints made, 13
SEEN = 3.0  # CIELAB units from the tone that people see
GRAY = 4.0  # CIELAB chroma of a tone that is shown gray
DOUBT = 0.2  # probability of color above which a black-and-white picture is doubtful

# of the logistic regression that benchmarks/monochrome.py fits
WEIGHTS = (3.55, 3.92, -2.7, 1.67)
BIAS = 2.26

Kind = Literal["gray", "toned", "color"]


@dataclass(frozen=True)
class Measures:
    """What a verdict rests on; colors in CIELAB units.

    Attributes:
        residual: mean distance of the blocks' colors from their tone, each at most `MOST`.
        breadth: RMS distance in the direction in which distances vary least. Stains and fading vary
            along one direction, a picture's colors along two.
        contrast: standard deviation of L*. Fog takes contrast and color alike.
        spread: standard deviation of the tone, in a or b.
        chroma: the tone's median chroma; it tells toned from gray.
        colored: the part of the area, 0..1, that is more than `SEEN` from its tone; it is said.
    """

    residual: float
    breadth: float
    contrast: float
    spread: float
    chroma: float
    colored: float

    def logarithms(self) -> NDArray[np.float64]:
        """Return what the weights multiply, (4,)."""
        return np.log(0.2 + np.array((self.residual, self.breadth, self.contrast, self.spread)))


@dataclass(frozen=True)
class Verdict:
    """Whether a photograph is black and white.

    Attributes:
        measures: what it rests on.
    """

    measures: Measures

    @cached_property
    def in_color(self) -> float:
        """The probability that the picture is in color, 0..1, if both are as frequent."""
        if self.measures.spread > WIDEST:
            return 1.0
        log_odds = self.measures.logarithms() @ WEIGHTS + BIAS
        return float(1 / (1 + np.exp(-log_odds)))

    @property
    def kind(self) -> Kind:
        """Gray, toned (sepia, cyanotype, split tone, a cast) or in color."""
        if self.in_color > 0.5:
            return "color"
        return "gray" if self.measures.chroma < GRAY else "toned"

    @property
    def confidence(self) -> float:
        """How sure the verdict is: 0.5..1."""
        return max(self.in_color, 1 - self.in_color)

    @property
    def doubtful(self) -> bool:
        """Whether the picture is taken for black and white, but may be in color."""
        return DOUBT < self.in_color <= 0.5

    @property
    def reason(self) -> str:
        """What was seen, in a few words."""
        area = f"{self.measures.colored:.0%} of its area"
        if self.kind == "color":
            return f"colors beside its tone on {area}"
        tone = "gray" if self.kind == "gray" else "one tone"
        return f"{tone}, with other colors on {area}" if self.measures.colored >= 0.005 else tone


def judge(rgb: NDArray[np.uint8]) -> Verdict:
    """Judge whether a picture, uint8 (H, W, 3), sRGB, is a black-and-white photograph.

    Raises:
        TypeError: if it is not uint8.
        ValueError: if it has another shape.
    """
    lab = _without_frame(rgb_to_lab(reduce(rgb)))
    side = int(np.clip(min(lab.shape[1:]) // 24, 1, BLOCK))
    means = _block_means(lab, side)  # (3, N)
    tone = _fit_tone(_block_means(_terms(lab[0]), side), means[1:])
    pictured = ~_blank(lab, means, side)
    away = (means[1:] - tone)[:, pictured]
    distances = np.hypot(*away)
    capped = away * np.minimum(1, MOST / np.maximum(distances, 1e-6))
    measures = Measures(
        residual=float(np.minimum(distances, MOST).mean()),
        breadth=float(np.sqrt(max(np.linalg.eigvalsh(np.cov(capped, bias=True))[0], 0))),
        contrast=float(means[0, pictured].std()),
        spread=float(tone[:, pictured].std(1).max()),
        chroma=float(np.median(np.hypot(*tone[:, pictured]))),
        colored=float((distances > SEEN).mean()),
    )
    return Verdict(measures)


def reduce(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average squares of pixels, so many that the shorter side keeps at least `SHORT_SIDE`."""
    check_picture(rgb)
    step = max(1, min(rgb.shape[:2]) // SHORT_SIDE)
    if step == 1:
        return rgb
    reduced = np.empty((rgb.shape[0] // step, rgb.shape[1] // step, 3), np.uint8)
    _reduce_loop(np.ascontiguousarray(rgb).reshape(len(rgb), -1), step, reduced)
    return reduced


def _without_frame(lab: NDArray[np.float32]) -> NDArray[np.float32]:
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
    """Return how many of the first lines, (3, lines, pixels), are of one color."""
    lines = lab[:, :most]
    away = np.sqrt(((lines - np.median(lines, axis=2, keepdims=True)) ** 2).sum(0))
    alike = (away < FRAME_COLOR).mean(1) > 0.8
    return most if alike.all() else int(alike.argmin())


def _terms(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a tone is made of, (10, H, W).

    A cubic of lightness, a plane over the picture, products of both, and lightness's slopes: a
    channel that a scanner moved by part of a pixel differs by the slope, to first order.
    """
    x = lightness / 50 - 1
    axes = (np.linspace(-1, 1, length, dtype=np.float32) for length in x.shape)
    v, u = np.meshgrid(*axes, indexing="ij")
    slopes = (np.diff(x, axis=axis, append=x.take([-1], axis)) for axis in (0, 1))
    tone = (np.ones_like(x), x, x * x, x**3)
    return np.stack((*tone, v, u, x * v, x * u, *slopes))


def _block_means(planes: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """Average blocks of planes (C, H, W): (C, N)."""
    count, rows, columns = len(planes), planes.shape[1] // side, planes.shape[2] // side
    whole = planes[:, : rows * side, : columns * side].astype(np.float64)
    means: NDArray[np.float64] = whole.reshape(count, rows, side, columns, side).mean((2, 4))
    return means.reshape(count, -1)


def _fit_tone(terms: NDArray[np.float64], ab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit ab, (2, N), by terms, (T, N), by reweighted least squares with Cauchy's weights."""
    weights = np.ones(ab.shape[1])
    ridge = 1e-4 * len(weights) * np.eye(len(terms))  # a flat picture has but one lightness
    tone = np.zeros_like(ab)
    for _ in range(ROUNDS):
        weighted = terms * weights
        tone = np.linalg.solve(weighted @ terms.T + ridge, weighted @ ab.T).T @ terms
        weights = 1 / (1 + ((ab - tone) ** 2).sum(0) / SCALE**2)
    return tone


def _blank(lab: NDArray[np.float32], means: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Find the blocks of white ground, (N,); none if there is hardly anything else."""
    variance = _block_means(lab[:1] ** 2, side)[0] - means[0] ** 2
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
