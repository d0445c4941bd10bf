"""LAB arrays on disk, and batches of them on the training device."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from colorizer.color.lab import normalize_ab, normalize_lightness
from colorizer.errors import ColorizerError

SUBSETS = ("train", "test", "validation")
"""A split has the first two, and the third if its params ask for one."""

SHARDS = 8
"""Photograph i is in shard i % SHARDS; a number of devices that divides it can share a training."""

Resident = Literal["auto", "always", "never"]
"""Whether the photographs are copied to a GPU once: if they fit, or always, or never."""

Batch = tuple[Tensor, Tensor]
Part = TypeVar("Part")


def lightness_path(folder: Path, subset: str) -> Path:
    """Return where a subset's L* lies: float16 (N, 1, size, size), 0..100."""
    return folder / f"{subset}_lightness.npy"


def ab_path(folder: Path, subset: str) -> Path:
    """Return where a subset's a* and b* lie: float16 (N, 2, size, size), CIELAB units."""
    return folder / f"{subset}_ab.npy"


def manifest_path(folder: Path) -> Path:
    """Return where the arrays' ids and digests lie."""
    return folder / "manifest.json"


@dataclass(frozen=True)
class LabDataset:
    """Photographs as lightness and color, in the order of split.csv, mapped from disk.

    Attributes:
        lightness: float16 (N, 1, size, size), L* in 0..100.
        ab: float16 (N, 2, size, size), CIELAB units.
        ids: the photographs' names.
        digest: a hash of the arrays' content.
        rank: which part of the photographs the arrays hold, 0 .. world - 1.
        world: how many processes share them; 1 if the arrays hold all.
    """

    lightness: Tensor
    ab: Tensor
    ids: list[str]
    digest: str
    rank: int = 0
    world: int = 1

    @classmethod
    def open(cls, folder: Path, subset: str) -> "LabDataset":
        """Map a subset, one of `SUBSETS`, that `preprocess` wrote.

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

    def divide(self, count: int) -> tuple["LabDataset", "LabDataset"]:
        """Return all but the last photographs, and the last `count` of them."""
        rows = slice(None, len(self) - count), slice(len(self) - count, None)
        first, last = (
            replace(self, lightness=self.lightness[r], ab=self.ab[r], ids=self.ids[r]) for r in rows
        )
        return first, last

    def shard(self, rank: int, world: int) -> "LabDataset":
        """Return the part of one of several processes: photographs rank, rank + world, ..."""
        lightness, ab = self.lightness[rank::world], self.ab[rank::world]
        return replace(self, lightness=lightness, ab=ab, rank=rank, world=world)

    def to(self, device: torch.device, resident: Resident = "auto") -> "LabDataset":
        """Copy the arrays to a GPU, by default if half of its free memory holds them."""
        if device.type == "cpu" or resident == "never":
            return self
        if resident == "auto" and device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.nbytes > free // 2:
                return self
        return replace(self, lightness=self.lightness.to(device), ab=self.ab.to(device))

    def batches(
        self, batch_size: int, *, device: torch.device, order: Tensor | None = None
    ) -> Iterator[Batch]:
        """Yield what a network sees and what it should say, as `lab_batches` in a network's scale.

        Yields:
            lightness float32 (B, 1, size, size) in -1..1 and ab float32 (B, 2, size, size)
            divided by `AB_SCALE`.
        """
        for lightness, ab in self.lab_batches(batch_size, device=device, order=order):
            yield normalize_lightness(lightness), normalize_ab(ab)

    def lab_batches(
        self, batch_size: int, *, device: torch.device, order: Tensor | None = None
    ) -> Iterator[Batch]:
        """Yield photographs in CIELAB; the last batch may be smaller.

        Of a dataset that several processes share, each yields its part of every batch. Where the
        arrays are not on the device, the next batch is brought there meanwhile.

        Args:
            batch_size: photographs a batch, of all processes together.
            device: where the batches are wanted.
            order: int64 (N,), the order of all photographs; by default as they lie.

        Yields:
            lightness float32 (B, 1, size, size), L* in 0..100, and ab float32 (B, 2, size, size),
            CIELAB units.
        """
        order = torch.arange(len(self)) if order is None else order
        parts = [part[part % self.world == self.rank] for part in torch.split(order, batch_size)]
        places = [(part // self.world).to(self.lightness.device) for part in parts]
        if self.lightness.device.type == device.type:
            batches: Iterator[Batch] = ((self.lightness[rows], self.ab[rows]) for rows in places)
        else:
            batches = prefetch(lambda rows: self._upload(rows, device), places)
        for lightness, ab in batches:
            yield lightness.float(), ab.float()

    def _upload(self, rows: Tensor, device: torch.device) -> Batch:
        batch = self.lightness[rows], self.ab[rows]
        if device.type == "cuda":
            batch = batch[0].pin_memory(), batch[1].pin_memory()
        return batch[0].to(device, non_blocking=True), batch[1].to(device, non_blocking=True)


def prefetch(load: Callable[[Part], Batch], parts: Iterable[Part]) -> Iterator[Batch]:
    """Yield `load(part)` of each part, the next one loading in a thread meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        ahead = None
        for part in parts:
            loading = thread.submit(load, part)
            if ahead is not None:
                yield ahead.result()
            ahead = loading
        if ahead is not None:
            yield ahead.result()


def permutation(length: int, *, seed: int, epoch: int) -> Tensor:
    """Return an epoch's order, which depends on (seed, epoch) alone: int64 (length,).

    Each shard is shuffled for itself and place k goes to a photograph of shard k % SHARDS. So a
    process finds its share of every batch among its own photographs, and a batch holds the same
    photographs however many processes there are.

    Example:
        >>> permutation(20, seed=7, epoch=1) % SHARDS
        tensor([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3])
    """
    state = np.random.RandomState([seed % 2**32, epoch])  # a stream that NumPy keeps frozen
    order = np.empty(length, np.int64)
    for shard in range(SHARDS):
        order[shard::SHARDS] = state.permutation(np.arange(shard, length, SHARDS))
    return torch.from_numpy(order)
