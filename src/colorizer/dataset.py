"""LAB arrays on disk, and batches of them on the training device."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from colorizer.color import normalize_ab, normalize_lightness
from colorizer.errors import ColorizerError

SUBSETS = ("train", "test")


def lightness_path(folder: Path, subset: str) -> Path:
    """Return where a subset's L* lies: float16 (N, 1, size, size), 0..100."""
    return folder / f"{subset}_lightness.npy"


def ab_path(folder: Path, subset: str) -> Path:
    """Return where a subset's a* and b* lie: float16 (N, 2, size, size), CIELAB units."""
    return folder / f"{subset}_ab.npy"


def manifest_path(folder: Path) -> Path:
    """Return where the arrays' ids and SHA-256 digests lie."""
    return folder / "manifest.json"


@dataclass(frozen=True)
class LabDataset:
    """Photographs as lightness and colour, in the order of split.csv, mapped from disk.

    Attributes:
        lightness: float16 (N, 1, size, size), L* in 0..100.
        ab: float16 (N, 2, size, size), CIELAB units.
        ids: the photographs' names.
        digest: SHA-256 of the arrays' content.
    """

    lightness: Tensor
    ab: Tensor
    ids: list[str]
    digest: str

    @classmethod
    def open(cls, folder: Path, subset: str) -> "LabDataset":
        """Map a subset ("train" or "test") that `preprocess` wrote.

        Raises:
            ColorizerError: if `folder` holds no such arrays.
        """
        try:
            manifest = json.loads(manifest_path(folder).read_text(encoding="utf-8"))[subset]
            lightness = np.load(lightness_path(folder, subset), mmap_mode="c")
            ab = np.load(ab_path(folder, subset), mmap_mode="c")
        except (FileNotFoundError, KeyError):
            raise ColorizerError(
                f"no {subset} photographs in {folder}: run `dvc repro preprocess` first"
            ) from None
        return cls(
            torch.from_numpy(lightness), torch.from_numpy(ab), manifest["ids"], manifest["digest"]
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """The pictures' side in pixels."""
        return self.lightness.shape[-1]

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return self.lightness.nbytes + self.ab.nbytes

    def to(self, device: torch.device) -> "LabDataset":
        """Copy the arrays to a GPU if half of its free memory holds them; else leave them here."""
        if device.type != "cuda" or self.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
            return self
        lightness, ab = self.lightness.to(device), self.ab.to(device)
        return LabDataset(lightness, ab, self.ids, self.digest)

    def batches(
        self, batch_size: int, *, device: torch.device, order: Tensor | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what a network sees and what it should say; the last batch may be smaller.

        Args:
            batch_size: photographs a batch.
            device: where the batches are wanted.
            order: int64 (N,), the photographs' order; by default as they lie.

        Yields:
            lightness float32 (B, 1, size, size) in -1..1 and ab float32 (B, 2, size, size)
            divided by `AB_SCALE`.
        """
        order = torch.arange(len(self)) if order is None else order
        for indices in torch.split(order.to(self.lightness.device), batch_size):
            lightness = self.lightness[indices].to(device).float()
            ab = self.ab[indices].to(device).float()
            yield normalize_lightness(lightness), normalize_ab(ab)


def permutation(length: int, *, seed: int, epoch: int) -> Tensor:
    """Return an epoch's order, which depends on (seed, epoch) alone: int64 (length,)."""
    state = np.random.RandomState([seed % 2**32, epoch])  # a stream that NumPy keeps frozen
    return torch.from_numpy(state.permutation(length))
