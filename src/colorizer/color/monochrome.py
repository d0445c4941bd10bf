"""Is it a black-and-white photograph? Judged by what is pictured, whatever its paper says.

A print's color is a function of its lightness that changes slowly from place to place: paper
yellows, light falls from one side, edges fade. That function, the tone, is fitted robustly to the
means of blocks. A stamp or a stain leaves much on few blocks, in one direction. Things in a picture
in color differ in color where they differ in lightness, each in its own way. What looks like one is
judged once more without its margins, since a print may lie on a table.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.color.picture_area import find_blank, reduce, without_frame
from colorizer.color.tone import MAX_GRAY_CHROMA, fit_tone, powers_of_lightness

BLOCK = 8  # pixels of a block's side, in a reduced picture
WINDOW = 5  # blocks of a window's side
ROUNDS = 8  # of the robust fit
SCALE = 2.0  # CIELAB units: a residual that halves a block's weight
MOST = 10.0  # CIELAB units: a larger residual counts as this
CLEAR = 9.0  # variance of L* in a window that halves its weight
FLOOR = 1.0  # variance of L* that is added: where lightness is flat, it explains no color
WIDEST = 25.0  # CIELAB units: a tone of more spread is no print's; of all prints made, 13
SEEN = 3.0  # CIELAB units from the tone that people see
DOUBT = 0.2  # probability of color above which a black-and-white picture is doubtful
MARGINS = 0.15  # of the shorter side, on each: what a print may lie on
PRINT_WITHIN = 0.1  # probability of color below which a picture without its margins is a print

WEIGHTS = {"follows": 3.08, "breadth": 4.0, "contrast": -1.89, "spread": 1.87}
"""Of the logistic regression that benchmarks/monochrome.py fits; of the logarithms of measures."""
BIAS = 1.92

Kind = Literal["gray", "toned", "color"]
Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Measures:
    """What a verdict rests on; colors in CIELAB units.

    Attributes:
        follows: how much the colors beside the tone vary with lightness in small windows (RMS).
        breadth: how far blocks lie from the tone in the direction in which they vary least (RMS).
            Stains vary along one direction, a picture's colors along two.
        contrast: standard deviation of L*. Fog takes contrast and color alike.
        spread: standard deviation of the tone, in a or b.
        chroma: the tone's median chroma; it tells toned from gray.
        colored: the part of the area, 0..1, that is more than `SEEN` from its tone; it is said.
    """

    follows: float
    breadth: float
    contrast: float
    spread: float
    chroma: float
    colored: float

    @property
    def in_color(self) -> float:
        """The probability of color that they speak for, 0..1."""
        if self.spread > WIDEST:
            return 1.0
        log_odds = self.logarithms() @ list(WEIGHTS.values()) + BIAS
        return float(1 / (1 + np.exp(-log_odds)))

    def logarithms(self) -> NDArray[np.float64]:
        """Return what the weights multiply, (4,)."""
        return np.log(0.2 + np.array([getattr(self, name) for name in WEIGHTS]))


@dataclass(frozen=True)
class Verdict:
    """Whether a photograph is black and white.

    Attributes:
        measures: what it rests on.
        inner: the same without the picture's margins, if as a whole it seems to be in color.
    """

    measures: Measures
    inner: Measures | None = None

    @cached_property
    def in_color(self) -> float:
        """The probability that the picture is in color, 0..1, if both are as frequent.

        It is at most 0.5, a doubt, where all color seems to lie around a print.
        """
        return 0.5 if self.within else self.measures.in_color

    @property
    def within(self) -> bool:
        """Whether the picture is black and white without its margins alone."""
        return self.inner is not None and self.inner.in_color < PRINT_WITHIN

    @property
    def kind(self) -> Kind:
        """Gray, toned (sepia, cyanotype, split tone, a cast) or in color."""
        if self.in_color > 0.5:
            return "color"
        shown = self.inner if self.inner and self.within else self.measures
        return "gray" if shown.chroma < MAX_GRAY_CHROMA else "toned"

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
        if self.within:
            return f"{tone} but for its margins"
        return f"{tone}, with other colors on {area}" if self.measures.colored >= 0.005 else tone


def judge(rgb: NDArray[np.uint8]) -> Verdict:
    """Judge whether a picture, uint8 (H, W, 3), sRGB, is a black-and-white photograph.

    Raises:
        TypeError: if it is not uint8.
        ValueError: if it has another shape.
    """
    lab = rgb_to_lab(reduce(rgb))
    verdict = Verdict(measure(without_frame(lab)))
    if verdict.kind != "color":
        return verdict
    margin = int(MARGINS * min(lab.shape[1:]))
    inner = lab[:, margin : lab.shape[1] - margin, margin : lab.shape[2] - margin]
    return Verdict(verdict.measures, measure(without_frame(inner)))


def measure(lab: NDArray[np.float32]) -> Measures:
    """Compare color with lightness, all over a reduced picture and in small windows of it.

    Args:
        lab: CIELAB, (3, H, W), without frames.
    """
    side = int(np.clip(min(lab.shape[1:]) // 24, 1, BLOCK))
    means = _block_means(lab, side)  # (3, h, w)
    tone = _fit_robustly(_terms(lab[0], side), means[1:])
    away = means[1:] - tone
    distances = np.hypot(*away)
    away *= np.minimum(1, MOST / np.maximum(distances, 1e-6))
    pictured = ~find_blank(means, _block_means(lab[:1] ** 2, side)[0] - means[0] ** 2)
    covariance = np.cov(away[:, pictured], bias=True)
    return Measures(
        follows=_follow_lightness(means[0], away, pictured),
        breadth=float(np.sqrt(max(np.linalg.eigvalsh(covariance)[0], 0))),
        contrast=float(means[0, pictured].std()),
        spread=float(tone[:, pictured].std(1).max()),
        chroma=float(np.median(np.hypot(*tone[:, pictured]))),
        colored=float((distances[pictured] > SEEN).mean()),
    )


def _follow_lightness(lightness: Plane, ab: Plane, pictured: Mask) -> float:
    """Return the RMS of what lightness, (h, w), explains of ab, (2, h, w), window by window.

    In each window ab is fitted by a line over lightness. Windows count as clearly as lightness
    varies in them, if they show some picture.
    """
    planes = np.stack((lightness, lightness**2, *ab, *lightness * ab, pictured))
    mean, square, a, b, product_a, product_b, shown = _window_means(planes)
    variance = np.maximum(square - mean**2, 0)
    explained = ((product_a - mean * a) ** 2 + (product_b - mean * b) ** 2) / (variance + FLOOR)
    clear = (variance + 1e-6) / (variance + CLEAR)
    if (shown > 0.5).any():
        clear *= shown > 0.5
    return float(np.sqrt(np.average(explained, weights=clear)))


def _terms(lightness: NDArray[np.float32], side: int) -> Plane:
    """Return what a tone is made of, (16, h, w), for blocks of a picture, (H, W).

    A cubic of lightness, a quadratic of place and its product with lightness, and lightness's
    slopes: a channel that a scanner moved by part of a pixel differs by the slope, to first order.
    """
    powers = powers_of_lightness(lightness)
    x = powers[1]
    slopes = [np.diff(x, axis=axis, append=x.take([-1], axis)) for axis in (0, 1)]
    of_lightness = _block_means(np.stack((*powers, *slopes)), side)
    v, u = np.meshgrid(*(np.linspace(-1, 1, n) for n in of_lightness.shape[1:]), indexing="ij")
    place = np.stack((u, v, u * u, u * v, v * v))
    return np.concatenate((of_lightness, place, of_lightness[1] * place))


def _fit_robustly(terms: Plane, ab: Plane) -> Plane:
    """Fit ab, (2, h, w), by terms, (T, h, w), by reweighted least squares with Cauchy's weights."""
    terms, colors = terms.reshape(len(terms), -1), ab.reshape(2, -1)
    weights = np.ones(colors.shape[1])
    for _ in range(ROUNDS):
        tone = fit_tone(terms, colors, weights=weights, ridge=1e-4 * len(weights)) @ terms
        weights = 1 / (1 + ((colors - tone) ** 2).sum(0) / SCALE**2)
    return tone.reshape(ab.shape)


def _block_means(planes: NDArray[np.float32], side: int) -> Plane:
    """Average blocks of planes (C, H, W): (C, H // side, W // side)."""
    count, rows, columns = len(planes), planes.shape[1] // side, planes.shape[2] // side
    whole = planes[:, : rows * side, : columns * side].astype(np.float64)
    means: Plane = whole.reshape(count, rows, side, columns, side).mean((2, 4))
    return means


def _window_means(planes: Plane) -> Plane:
    """Average windows of planes, (C, h, w), each at most `WINDOW` blocks wide and high."""
    for axis in (1, 2):
        size = min(WINDOW, planes.shape[axis])
        planes = sliding_window_view(planes, size, axis).mean(-1)
    return planes
