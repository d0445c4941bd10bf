"""Colors that a person gives to some pixels, spread over the whole photograph.

Neighboring pixels of similar lightness have similar colors: each pixel's color is the mean of
its neighbors', weighted by how alike their lightness is, and where a hint is it is the hint's.
That is one sparse system of equations, symmetric and positive definite, solved by conjugate
gradients that algebraic multigrid preconditions.

Reference: Levin, Lischinski and Weiss 2004, "Colorization using optimization". Their weights are
normalized row by row, which makes the system unsymmetric; here two pixels share one weight, of the
mean of the lightness' variances around them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.errors import ColorizerError

LONGER_SIDE = 512
"""Pixels of the longer side at which colors are spread; they are then brought to full size."""

PRIOR_WEIGHT = 2e-5
"""How much a network's color counts beside the neighbors' of a pixel: over even ground a hint
reaches about the inverse of its root, 220 pixels. Less, and one stroke colors everything; more,
and many hints leave the network's errors between them."""

VARIANCE_SHARE = 0.3  # sigma^2 of the lightness' variance around a pixel, as in their code
LEAST_VARIANCE = 0.05  # of L*, where lightness is even
LEAST_WEIGHT = 1e-6  # so that no edge cuts a region off
TOLERANCE = 5e-4  # of the error, as multigrid estimates it, to the colors

MULTIGRID: dict[str, Any] = {
    "presmoother": ("gauss_seidel", {"sweep": "forward"}),
    "postsmoother": ("gauss_seidel", {"sweep": "backward"}),
    "smooth": ("jacobi", {"weighting": "local"}),  # the usual weighting draws random numbers
    "improve_candidates": None,
    "max_coarse": 50_000,  # two levels: of a ninth of the pixels, the equations are solved directly
    "coarse_solver": "splu",
}
"""Of pyamg: a third of the time that its defaults take, and the same colors at every run."""

NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns to half of the eight neighbors; the others are these, seen from there."""

OPAQUE = 128  # of 255: a stroke
BAND = 256  # rows of strokes, converted at a time

HINT = re.compile(r"(\d+),(\d+),#([0-9a-fA-F]{6})")

Pixels = tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.uint8]]
"""Their rows and columns, (N,), and their colors, (N, 3), sRGB."""


@dataclass(frozen=True)
class Hint:
    """A color given to one pixel.

    Attributes:
        x: its column, from 0 at the left.
        y: its row, from 0 at the top.
        rgb: sRGB, 0..255 each; its lightness does not count.
    """

    x: int
    y: int
    rgb: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> "Hint":
        """Read a hint as it is typed.

        Raises:
            ColorizerError: if it is not of the form x,y,#rrggbb.

        Example:
            >>> Hint.parse("120,80,#ff8000")
            Hint(x=120, y=80, rgb=(255, 128, 0))
        """
        found = HINT.fullmatch(text.replace(" ", ""))
        if not found:
            raise ColorizerError(
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
        ab: float32 (2, H, W), CIELAB units, what they are given.
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
        """Bring what is given to a photograph to the size at which colors are spread.

        There, a pixel has the mean color of the strokes that it covers, or of the points if it
        covers any.

        Args:
            points: pixels of the photograph.
            strokes: uint8 (height, width, 4), sRGB and opacity; what is at least half opaque is a
                stroke.
            height: of the photograph.
            width: of the photograph.

        Returns:
            Hints of the photograph, with `LONGER_SIDE` pixels at most.

        Raises:
            ColorizerError: if a point lies outside, the strokes' picture is of another size, or
                there is no hint at all.
        """
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
        painted = _reduce(_painted(strokes), height=height, width=width)
        dotted = _reduce(_dotted(points), height=height, width=width)
        found = cls(painted.where | dotted.where, np.where(dotted.where, dotted.ab, painted.ab))
        if not found.where.any():
            raise ColorizerError("no hints: the strokes' picture is transparent everywhere")
        return found


def guide(
    rgb: NDArray[np.uint8], hints: Hints, prior: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Return a photograph's colors as hints would have them.

    Args:
        rgb: uint8 (H, W, 3), of which only the lightness is used.
        hints: of this photograph, as `Hints.collect` makes them.
        prior: (2, h, w), CIELAB units, a network's colors for the whole photograph at any size;
            without it the hints alone decide.

    Returns:
        float32 (2, h, w), CIELAB units, with `LONGER_SIDE` pixels at most.

    Raises:
        ColorizerError: if pyamg is not installed.
        ValueError: if the hints are of a photograph of another size.
    """
    height, width = _working_size(*rgb.shape[:2])
    if hints.where.shape != (height, width):
        raise ValueError(f"hints of {hints.where.shape}; expected {(height, width)}")
    small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX, reducing_gap=3)
    lightness = rgb_to_lab(np.asarray(small))[0]
    if prior is not None:
        size = (width, height)
        planes = (
            Image.fromarray(np.asarray(p, np.float32)).resize(size, Image.Resampling.BICUBIC)
            for p in prior
        )
        prior = np.stack([np.asarray(plane) for plane in planes])
    return spread(lightness, hints, prior)


def spread(
    lightness: NDArray[np.floating],
    hints: Hints,
    prior: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Spread hints over a picture.

    Minimizes, over the colors u of all pixels without a hint, the sum over neighbors r, s of
    w_rs (u_r - u_s)^2 plus, with a prior p, that over pixels of `PRIOR_WEIGHT` w_r (u_r - p_r)^2,
    where w_r is the sum of a pixel's weights and w_rs = exp(-(L_r - L_s)^2 / (2 sigma^2)).

    Args:
        lightness: (H, W), L* in 0..100.
        hints: of this size; at least one.
        prior: (2, H, W), CIELAB units.

    Returns:
        float32 (2, H, W), CIELAB units; of each hint its own color.

    Raises:
        ColorizerError: if pyamg is not installed.
    """
    try:
        import pyamg
        from scipy import sparse
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise ColorizerError(f"hints need {error.name}: pip install {error.name}") from None
    ab = hints.ab.reshape(2, -1).astype(np.float64)
    free = ~hints.where.ravel()
    if not free.any():
        return hints.ab
    rows, columns, weights = (np.concatenate(part) for part in zip(*_links(lightness), strict=True))
    count = lightness.size
    links: Any = sparse.coo_matrix((weights, (rows, columns)), (count, count)).tocsr()
    links = links + links.T
    sums = np.asarray(links.sum(1)).ravel()
    data = PRIOR_WEIGHT * sums if prior is not None else np.zeros(count)
    system = (sparse.diags(sums + data) - links)[free][:, free].tocsr()
    right = links[free][:, ~free] @ ab[:, ~free].T
    start = np.broadcast_to(ab[:, ~free].mean(1), right.shape)
    if prior is not None:
        known = np.asarray(prior, np.float64).reshape(2, -1)[:, free].T
        right, start = right + data[free, None] * known, known
    with threadpool_limits(1, "blas"):  # at dot products, more threads mostly wait for each other
        levels = pyamg.smoothed_aggregation_solver(system, **MULTIGRID)
        for plane, wanted in enumerate(right.T):
            if wanted.any():  # else nothing has color, and no error is small beside that
                ab[plane, free], _ = pyamg.krylov.cg(
                    system,
                    wanted,
                    x0=start[:, plane].copy(),
                    tol=TOLERANCE,
                    criteria="MrMr",
                    M=levels.aspreconditioner(),
                )
    return ab.reshape(2, *lightness.shape).astype(np.float32)


def _links(
    lightness: NDArray[np.floating],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Yield pairs of neighbors, as flat places, and their weights, for each of `NEIGHBORS`."""
    from scipy.ndimage import uniform_filter

    level = lightness.astype(np.float64)
    height, width = level.shape
    mean = uniform_filter(level, 3, mode="nearest")
    variance = (uniform_filter(level**2, 3, mode="nearest") - mean**2).clip(min=0)
    variance = VARIANCE_SHARE * variance + LEAST_VARIANCE
    places = np.arange(level.size).reshape(level.shape)
    for down, right in NEIGHBORS:
        first = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        second = np.s_[down:, max(0, right) : width + min(0, right)]
        apart = (level[first] - level[second]) ** 2
        weight = np.exp(-apart / (variance[first] + variance[second])) + LEAST_WEIGHT
        yield places[first].ravel(), places[second].ravel(), weight.ravel()


def _painted(strokes: NDArray[np.uint8] | None) -> Iterator[Pixels]:
    """Yield the pixels of strokes, some rows at a time: all at once could fill the memory."""
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
    """Bring a photograph's pixels to its working size: there, each has the mean that it covers."""
    rows_to, columns_to = _working_size(height, width)
    counts, sums = np.zeros(rows_to * columns_to), np.zeros((2, rows_to * columns_to))
    for rows, columns, rgb in pixels:
        places = rows * rows_to // height * columns_to + columns * columns_to // width
        counts += np.bincount(places, minlength=counts.size)
        for total, plane in zip(sums, rgb_to_lab(rgb[None])[1:, 0], strict=True):
            total += np.bincount(places, plane, minlength=total.size)
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    shape = rows_to, columns_to
    return Hints((counts > 0).reshape(shape), means.reshape(2, *shape))


def _working_size(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, LONGER_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
