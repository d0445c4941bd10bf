"""Spreads the colors of some pixels over the whole photograph.

Neighboring pixels of similar lightness get similar colors: a pixel's color is the hint's, or else
the mean of its neighbors' colors, weighted by the similarity of their lightness. This is a sparse,
symmetric, positive definite system of equations. Conjugate gradients solve it, with algebraic
multigrid as the preconditioner.

Reference: Levin, Lischinski and Weiss 2004, "Colorization using optimization". Their weights are
normalized row by row, which makes the system unsymmetric. Here two pixels share one weight, which
uses the mean of the variances around them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.errors import MissingExtraError
from colorizer.methods.hints import Hints, working_size

PRIOR_WEIGHT = 2e-5
"""Weight of the network's color beside the neighbors' colors. On even ground a hint reaches about
1 / sqrt(PRIOR_WEIGHT) = 220 pixels. With a smaller weight one stroke colors everything; with a
larger one the network's errors remain between many hints."""

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
"""Options of pyamg: a third of the time of its defaults, and the same colors at every run."""

NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Offsets (rows, columns) to half of the eight neighbors; symmetry gives the other half."""


def guide(
    rgb: NDArray[np.uint8], hints: Hints, prior: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Color a photograph by hints.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        hints: of this photograph, from `Hints.collect`.
        prior: (2, h, w), CIELAB units, a network's colors for the whole photograph, at any size;
            None uses the hints alone.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.

    Raises:
        MissingExtraError: if pyamg is not installed.
        ValueError: if the hints belong to a photograph of another size.
    """
    height, width = working_size(*rgb.shape[:2])
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
        float32 (2, H, W), CIELAB units; a hinted pixel keeps its hint's color.

    Raises:
        MissingExtraError: if pyamg is not installed.
    """
    try:
        import pyamg  # noqa: F401
        from scipy import sparse
    except ModuleNotFoundError as error:
        raise MissingExtraError("coloring by hints", error.name, "hints") from None
    ab = hints.ab.reshape(2, -1).astype(np.float64)
    free = ~hints.where.ravel()
    if not free.any():
        return hints.ab
    links = _link_matrix(lightness)
    sums = np.asarray(links.sum(1)).ravel()
    data = PRIOR_WEIGHT * sums if prior is not None else np.zeros(lightness.size)
    system = (sparse.diags(sums + data) - links)[free][:, free].tocsr()
    right = links[free][:, ~free] @ ab[:, ~free].T
    start = np.broadcast_to(ab[:, ~free].mean(1), right.shape)
    if prior is not None:
        known = np.asarray(prior, np.float64).reshape(2, -1)[:, free].T
        right, start = right + data[free, None] * known, known
    ab[:, free] = _solve(system, right, start).T
    return ab.reshape(2, *lightness.shape).astype(np.float32)


def _solve(
    system: Any, right: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve a sparse, symmetric, positive definite system by conjugate gradients.

    Args:
        system: sparse (N, N).
        right: (N, 2), the right-hand sides of a and b.
        start: (N, 2), where the iteration begins.

    Returns:
        (N, 2), the solutions.
    """
    import pyamg
    from threadpoolctl import threadpool_limits

    found = np.zeros_like(right)
    with threadpool_limits(1, "blas"):  # at dot products, more threads mostly wait for each other
        levels = pyamg.smoothed_aggregation_solver(system, **MULTIGRID)
        for plane, wanted in enumerate(right.T):
            if wanted.any():  # else nothing has color, and no error is small beside that
                found[:, plane], _ = pyamg.krylov.cg(
                    system,
                    wanted,
                    x0=start[:, plane].copy(),
                    tol=TOLERANCE,
                    criteria="MrMr",
                    M=levels.aspreconditioner(),
                )
    return found


def _link_matrix(lightness: NDArray[np.floating]) -> Any:
    """Return the weights of all pairs of neighbors: a sparse symmetric matrix, (H W, H W)."""
    from scipy import sparse

    rows, columns, weights = (np.concatenate(part) for part in zip(*_links(lightness), strict=True))
    shape = lightness.size, lightness.size
    one_way: Any = sparse.coo_matrix((weights, (rows, columns)), shape).tocsr()
    return one_way + one_way.T


def _links(
    lightness: NDArray[np.floating],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Yield pairs of neighbors, as flat indices, and their weights, for each of `NEIGHBORS`."""
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
