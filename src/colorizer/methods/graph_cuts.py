"""Labels for all pixels at once: each likely where it is, and neighbors alike."""

from typing import Any

import maxflow
import numpy as np
from numpy.typing import NDArray

LIKELY = 0.002  # of a label's mean probability: rarer ones are not tried
SWEEPS = 2  # over all labels


def cut(
    costs: NDArray[np.floating], apart: NDArray[np.floating], strength: NDArray[np.floating]
) -> NDArray[np.intp]:
    """Choose a label for each pixel by alpha-expansion.

    Args:
        costs: (N, H, W), of each label at each pixel.
        apart: (N, N), what neighbors pay whose labels differ: a metric.
        strength: (H, W), by which that is multiplied; of two neighbors the harmonic mean.

    Returns:
        (H, W), the labels.

    Reference: Boykov, Veksler and Zabih 2001, "Fast approximate energy minimization via graph
    cuts"; the graph of a pair is that of Kolmogorov and Zabih 2004.
    """
    labels: NDArray[np.intp] = costs.argmin(0)
    probable = np.exp(-costs)
    tried = np.flatnonzero(probable.mean((1, 2)) > LIKELY * probable.mean((1, 2)).sum())
    for _ in range(SWEEPS):
        before = labels.copy()
        for label in tried:
            labels = _expand(labels, label, costs, apart, strength)
        if (labels == before).all():
            break
    return labels


def _expand(
    labels: NDArray[np.intp],
    label: np.intp,
    costs: NDArray[np.floating],
    apart: NDArray[np.floating],
    strength: NDArray[np.floating],
) -> NDArray[np.intp]:
    """Let each pixel keep its label or take another one, whichever costs least for all."""
    graph: Any = maxflow.Graph[float](labels.size, 2 * labels.size)
    nodes = graph.add_grid_nodes(labels.shape)
    keep = np.take_along_axis(costs, labels[None], axis=0)[0].astype(np.float64)
    take = costs[label].astype(np.float64)
    for down, right in ((0, 1), (1, 0)):
        first = np.s_[: labels.shape[0] - down, : labels.shape[1] - right]
        second = np.s_[down:, right:]
        share = 2 / (1 / strength[first] + 1 / strength[second])
        both = share * apart[labels[first], labels[second]]  # neither takes it
        one, other = share * apart[labels[first], label], share * apart[label, labels[second]]
        keep[first] += both
        take[first] += other
        keep[second] += other
        weights = np.zeros(labels.shape)
        weights[first] = one + other - both
        structure = np.zeros((3, 3))
        structure[1 + down, 1 + right] = 1
        graph.add_grid_edges(nodes, weights, structure=structure, symmetric=False)
    graph.add_grid_tedges(nodes, take, keep)
    graph.maxflow()
    return np.where(graph.get_grid_segments(nodes), label, labels)
