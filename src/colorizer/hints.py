"""Colours that a person gives to some pixels, spread over the whole photograph.

Neighbouring pixels of similar lightness have similar colours: each pixel's colour is the mean of
its neighbours', weighted by how alike their lightness is, and where a hint is it is the hint's.
That is one sparse system of equations, symmetric and positive definite, solved by conjugate
gradients that algebraic multigrid preconditions.

Reference: Levin, Lischinski and Weiss 2004, "Colorization using optimization". Their weights are
normalized row by row, which makes the system unsymmetric; here two pixels share one weight, of the
mean of the lightness' variances around them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color import rgb_to_lab
from colorizer.errors import ColorizerError

LONGER_SIDE = 512
"""Pixels of the longer side at which colours are spread; they are then brought to full size."""

PRIOR_WEIGHT = 2e-5
"""How much a network's colour counts beside the neighbours' of a pixel: over even ground a hint
reaches about the inverse of its root, 220 pixels. Less, and one stroke colours everything; more,
and many hints leave the network's errors between them."""

VARIANCE_SHARE = 0.3  # sigma^2 of the lightness' variance around a pixel, as in their code
LEAST_VARIANCE = 0.05  # of L*, where lightness is even
LEAST_WEIGHT = 1e-6  # so that no edge cuts a region off
TOLERANCE = 2e-3  # of the error, as multigrid estimates it, to the colours

MULTIGRID: dict[str, Any] = {
    "presmoother": ("gauss_seidel", {"sweep": "forward"}),
    "postsmoother": ("gauss_seidel", {"sweep": "backward"}),
    "smooth": ("jacobi", {"weighting": "local"}),  # the usual weighting draws random numbers
    "improve_candidates": None,
    "max_coarse": 50_000,  # two levels: of a ninth of the pixels, the equations are solved directly
    "coarse_solver": "splu",
}
"""Of pyamg: a third of the time that its defaults take, and the same colours at every run."""

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns to half of the eight neighbours; the others are these, seen from there."""

HINT = re.compile(r"(\d+),(\d+),#([0-9a-fA-F]{6})")


@dataclass(frozen=True)
class Hint:
    """A colour given to one pixel.

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
                "pixels from the top left, and a colour"
            )
        red, green, blue = bytes.fromhex(found[3])
        return cls(int(found[1]), int(found[2]), (red, green, blue))


@dataclass(frozen=True)
class Hints:
    """Colours given to some pixels of a picture.

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
        """Put single pixels and strokes together; where both are, the pixel counts.

        Args:
            points: pixels of the photograph.
            strokes: uint8 (height, width, 4), sRGB and opacity; what is at least half opaque is a
                stroke.
            height: of the photograph.
            width: of the photograph.

        Raises:
            ColorizerError: if a point lies outside, the strokes' picture is of another size, or
                there is no hint at all.
        """
        where = np.zeros((height, width), bool)
        ab = np.zeros((2, height, width), np.float32)
        if strokes is not None:
            if strokes.shape[:2] != (height, width):
                raise ColorizerError(
                    f"the strokes' picture has {strokes.shape[1]}x{strokes.shape[0]} pixels; "
                    f"expected {width}x{height}, as the photograph"
                )
            where = strokes[..., 3] >= 128
            ab[:] = np.where(where, rgb_to_lab(np.ascontiguousarray(strokes[..., :3]))[1:], 0)
        for hint in points:
            if not (hint.x < width and hint.y < height):
                raise ColorizerError(
                    f"hint at {hint.x},{hint.y}: the photograph has {width}x{height} pixels, "
                    "counted from 0"
                )
            where[hint.y, hint.x] = True
            ab[:, hint.y, hint.x] = rgb_to_lab(np.array(hint.rgb, np.uint8)[None, None])[1:, 0, 0]
        if not where.any():
            raise ColorizerError("no hints: the strokes' picture is transparent everywhere")
        return cls(where, ab)

    def reduce(self, height: int, width: int) -> "Hints":
        """Bring hints to a smaller picture: a pixel has the mean of the hints that it covers."""
        rows, columns = np.nonzero(self.where)
        cells = (rows * height // self.where.shape[0]) * width
        cells += columns * width // self.where.shape[1]
        counts = np.bincount(cells, minlength=height * width)
        sums = [
            np.bincount(cells, plane[self.where], minlength=height * width) for plane in self.ab
        ]
        means = np.stack(sums) / np.maximum(counts, 1)
        shape = height, width
        return Hints((counts > 0).reshape(shape), means.reshape(2, *shape).astype(np.float32))


def guide(
    rgb: NDArray[np.uint8], hints: Hints, prior: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Return a photograph's colours as hints would have them.

    Args:
        rgb: uint8 (H, W, 3), of which only the lightness is used.
        hints: of a picture of this size.
        prior: (2, h, w), CIELAB units, a network's colours for the whole photograph at any size;
            without it the hints alone decide.

    Returns:
        float32 (2, h, w), CIELAB units, with `LONGER_SIDE` pixels at most.

    Raises:
        ColorizerError: if pyamg is not installed.
    """
    height, width = _working_size(*rgb.shape[:2])
    small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX, reducing_gap=3)
    lightness = rgb_to_lab(np.asarray(small))[0]
    if prior is not None:
        size = (width, height)
        planes = (
            Image.fromarray(np.asarray(p, np.float32)).resize(size, Image.Resampling.BICUBIC)
            for p in prior
        )
        prior = np.stack([np.asarray(plane) for plane in planes])
    return spread(lightness, hints.reduce(height, width), prior)


def spread(
    lightness: NDArray[np.floating],
    hints: Hints,
    prior: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Spread hints over a picture.

    Minimizes, over the colours u of all pixels without a hint, the sum over neighbours r, s of
    w_rs (u_r - u_s)^2 plus, with a prior p, that over pixels of `PRIOR_WEIGHT` w_r (u_r - p_r)^2,
    where w_r is the sum of a pixel's weights and w_rs = exp(-(L_r - L_s)^2 / (2 sigma^2)).

    Args:
        lightness: (H, W), L* in 0..100.
        hints: of this size; at least one.
        prior: (2, H, W), CIELAB units.

    Returns:
        float32 (2, H, W), CIELAB units; of each hint its own colour.

    Raises:
        ColorizerError: if pyamg is not installed.
    """
    try:
        import pyamg
        from scipy import sparse
    except ModuleNotFoundError as error:
        raise ColorizerError(f"hints need {error.name}: pip install pyamg") from None
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
    levels = pyamg.smoothed_aggregation_solver(system, **MULTIGRID)
    for plane, wanted in enumerate(right.T):
        if wanted.any():  # else nothing has colour, and no error is small beside that
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
    """Yield pairs of neighbours, as flat places, and their weights, for each of `NEIGHBOURS`."""
    from scipy.ndimage import uniform_filter

    level = lightness.astype(np.float64)
    height, width = level.shape
    mean = uniform_filter(level, 3, mode="nearest")
    variance = (uniform_filter(level**2, 3, mode="nearest") - mean**2).clip(min=0)
    variance = VARIANCE_SHARE * variance + LEAST_VARIANCE
    places = np.arange(level.size).reshape(level.shape)
    for down, right in NEIGHBOURS:
        first = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        second = np.s_[down:, max(0, right) : width + min(0, right)]
        apart = (level[first] - level[second]) ** 2
        weight = np.exp(-apart / (variance[first] + variance[second])) + LEAST_WEIGHT
        yield places[first].ravel(), places[second].ravel(), weight.ravel()


def _working_size(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, LONGER_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
