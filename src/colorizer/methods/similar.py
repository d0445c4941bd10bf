"""An index of photographs in color: which of many look most like a given one.

A photograph's descriptor is the mean of its encoder's features over all places, standardized over
the indexed photographs, projected to their main directions and brought to unit length; what is most
alike has the largest cosine. A product with all descriptors is exact, and fast enough for millions:
no approximate index is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import ColorizerError

DIRECTIONS = 64  # of a descriptor

Rows = NDArray[np.float32]


def pool(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of features, (C, h, w), over all places: (C,)."""
    return np.asarray(features.mean((1, 2)), np.float32)


@dataclass(frozen=True, eq=False)
class Index:
    """Photographs that can be searched for those that look like another.

    Attributes:
        ids: of N photographs.
        descriptors: float32 (N, D), of unit length.
        mean: float32 (C,), of pooled features.
        projection: float32 (C, D), from pooled features less their mean to descriptors.
        model: whose features they are, as `Colorizer.model`: others' cannot be compared.
    """

    ids: Sequence[str]
    descriptors: Rows
    mean: NDArray[np.float32]
    projection: NDArray[np.float32]
    model: str

    @classmethod
    def fit(cls, ids: Sequence[str], pooled: Rows, *, model: str) -> Self:
        """Index photographs.

        Args:
            ids: N names, by which the photographs are found again.
            pooled: (N, C), what `pool` returns of each.
            model: whose features they are.

        Raises:
            ColorizerError: if there are none, or not as many of both.
        """
        if not len(ids) or len(ids) != len(pooled):
            raise ColorizerError(
                f"an index of {len(ids)} photographs by {len(pooled)} descriptors: expected as "
                "many of both, and one at least"
            )
        mean = pooled.mean(0)
        deviation = pooled.std(0) + 1e-6
        standard = (pooled - mean) / deviation
        _, axes = np.linalg.eigh(standard.T @ standard)
        projection = axes[:, ::-1][:, :DIRECTIONS] / deviation[:, None]
        descriptors = _to_unit_length((pooled - mean) @ projection)
        return cls(list(ids), descriptors, mean, projection.astype(np.float32), model)

    def search(self, pooled: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """Return the photographs that look most like another, and how much: cosines.

        Args:
            pooled: (C,), what `pool` returns of the other.
            count: how many, at most; the most alike come first.
        """
        descriptor = _to_unit_length(((pooled - self.mean) @ self.projection)[None])[0]
        alike = self.descriptors @ descriptor
        count = min(count, len(alike))
        best = np.argpartition(-alike, count - 1)[:count]
        best = best[np.argsort(-alike[best], kind="stable")]
        return [(self.ids[place], float(alike[place])) for place in best]

    def save(self, folder: Path) -> None:
        """Write the index into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "descriptors.npy", self.descriptors)
        np.savez(folder / "projection.npz", mean=self.mean, projection=self.projection)
        (folder / "photographs.txt").write_text("\n".join([self.model, *self.ids]), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote.

        Raises:
            ColorizerError: if it is not there, or not whole.
        """
        try:
            model, *ids = (folder / "photographs.txt").read_text("utf-8").splitlines()
            descriptors = np.load(folder / "descriptors.npy")
            with np.load(folder / "projection.npz") as stored:
                return cls(ids, descriptors, stored["mean"], stored["projection"], model)
        except (OSError, ValueError, KeyError) as error:
            raise ColorizerError(
                f"{folder} holds no index of similar photographs: {error}"
            ) from None


def _to_unit_length(rows: NDArray[np.floating]) -> Rows:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12), np.float32)
