"""LAB arrays on disk, and batches of them on the training device."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from torch import Tensor

from colorizer.color.lab import normalize_ab, normalize_lightness
from colorizer.data.prefetch import Batch, prefetch, upload
from colorizer.errors import ColorizerError
from colorizer.paths import readable

SUBSETS = ("train", "test", "validation")
"""A split has the first two, and the third if its params ask for one."""

Resident = Literal["auto", "always", "never"]
"""Whether the photographs are copied to a GPU once: if they fit, or always, or never."""


def lightness_path(folder: Path, subset: str) -> Path:
    """Return where a subset's L* lies: float16 (N, 1, side, side), 0..100."""
    return folder / f"{subset}_lightness.npy"


def ab_path(folder: Path, subset: str) -> Path:
    """Return where a subset's a* and b* lie: float16 (N, 2, side, side), CIELAB units."""
    return folder / f"{subset}_ab.npy"


def manifest_path(folder: Path) -> Path:
    """Return where the arrays' ids and digests lie, by subset."""
    return folder / "manifest.json"


@dataclass(frozen=True)
class LabDataset:
    """Photographs as lightness and color, in the order of split.csv, mapped from disk.

    Photographs that keep their proportions lie on square canvases, at the top left; what is beside
    them is no part of them. Who asks for a batch gets their middle squares.

    Attributes:
        lightness: float16 (N, 1, side, side), L* in 0..100.
        ab: float16 (N, 2, side, side), CIELAB units.
        ids: the photographs' names.
        digest: a hash of the arrays' content.
        shapes: int64 (N, 2), height and width of each photograph on its canvas; None if all are
            squares that fill theirs.
        rank: which part of the photographs the arrays hold, 0 .. world - 1.
        world: how many processes share them; 1 if the arrays hold all.
    """

    lightness: Tensor
    ab: Tensor
    ids: list[str]
    digest: str
    shapes: Tensor | None = None
    rank: int = 0
    world: int = 1

    @classmethod
    def open(cls, folder: Path, subset: str) -> "LabDataset":
        """Map a subset, one of `SUBSETS`, that `preprocess` wrote.

        Raises:
            ColorizerError: if `folder` holds no such arrays, or they are damaged.
        """
        try:
            with readable(manifest_path(folder)):
                manifest = json.loads(manifest_path(folder).read_text(encoding="utf-8"))
                if subset not in manifest:
                    raise FileNotFoundError
                about = manifest[subset]
                ids, digest = about["ids"], about["digest"]
                shapes = torch.tensor(about["shapes"]) if "shapes" in about else None
            lightness = _map(lightness_path(folder, subset), len(ids))
            ab = _map(ab_path(folder, subset), len(ids))
        except FileNotFoundError:
            raise ColorizerError(
                f"no {subset} photographs in {folder}: run `dvc repro preprocess` first"
            ) from None
        return cls(lightness, ab, ids, digest, shapes)

    def require_sound(self) -> None:
        """Read all arrays once, and compare them with their digest.

        Raises:
            ColorizerError: if they differ from what `preprocess` wrote.
        """
        if digest_of(self.lightness.numpy(), self.ab.numpy()) != self.digest:
            raise ColorizerError(
                "the LAB arrays are damaged (their digest is not the manifest's): `dvc repro` "
                "makes them anew, after `touch` if it sees no change"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """Pixels of the squares' sides; the short side of photographs that keep their shape."""
        return self.lightness.shape[-1] if self.shapes is None else int(self.shapes.min())

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return self.lightness.nbytes + self.ab.nbytes

    def divide(self, count: int) -> tuple["LabDataset", "LabDataset"]:
        """Return all but the last photographs, and the last `count` of them."""
        rows = slice(None, len(self) - count), slice(len(self) - count, None)
        first, last = (replace(self._at(r), ids=self.ids[r]) for r in rows)
        return first, last

    def shard(self, rank: int, world: int) -> "LabDataset":
        """Return the part of one of several processes: photographs rank, rank + world, ..."""
        return replace(self._at(slice(rank, None, world)), rank=rank, world=world)

    def _at(self, rows: slice) -> "LabDataset":
        shapes = None if self.shapes is None else self.shapes[rows]
        return replace(self, lightness=self.lightness[rows], ab=self.ab[rows], shapes=shapes)

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
        self,
        batch_size: int,
        *,
        device: torch.device,
        order: Tensor | None = None,
        whole: bool = False,
    ) -> Iterator[Batch]:
        """Yield what a network sees and what it should say, as `lab_batches` in a network's scale.

        Yields:
            lightness float32 (B, 1, size, size) in -1..1 and ab float32 (B, 2, size, size)
            divided by `AB_SCALE`.
        """
        parts = self.lab_batches(batch_size, device=device, order=order, whole=whole)
        for lightness, ab in parts:
            yield normalize_lightness(lightness), normalize_ab(ab)

    def lab_batches(
        self,
        batch_size: int,
        *,
        device: torch.device,
        order: Tensor | None = None,
        whole: bool = False,
    ) -> Iterator[Batch]:
        """Yield photographs in CIELAB; the last batch may be smaller.

        Of a dataset that several processes share, each yields its part of every batch. Where the
        arrays are not on the device, the next batch is brought there meanwhile.

        Args:
            batch_size: photographs a batch, of all processes together.
            device: where the batches are wanted.
            order: int64, places of photographs, in the order wanted; by default all as they lie.
            whole: the canvases as they lie, whose `shapes_of` say where the photographs are.

        Yields:
            lightness float32 (B, 1, size, size), L* in 0..100, and ab float32 (B, 2, size, size),
            CIELAB units: the photographs' middle squares.
        """
        order = torch.arange(len(self)) if order is None else order
        parts = [self._own(part) for part in torch.split(order, batch_size)]
        take = self._canvases if whole else self.squares
        if self.lightness.device.type == device.type:
            batches: Iterator[Batch] = map(take, parts)
        else:
            batches = prefetch(lambda rows: upload(take(rows), device), parts)
        for lightness, ab in batches:
            yield lightness.float(), ab.float()

    def squares(self, rows: Tensor) -> Batch:
        """Return the middle squares of the photographs in some rows of the arrays.

        Returns:
            float16 (B, 1, size, size) and (B, 2, size, size), as the arrays are.
        """
        if self.shapes is None:
            return self._canvases(rows)
        side = self.size
        lightness = self.lightness.new_empty((len(rows), 1, side, side))
        ab = self.ab.new_empty((len(rows), 2, side, side))
        for square, row in enumerate(rows.tolist()):
            top, left = ((length - side) // 2 for length in self.shapes[row].tolist())
            place = row, ..., slice(top, top + side), slice(left, left + side)
            lightness[square], ab[square] = self.lightness[place], self.ab[place]
        return lightness, ab

    def shapes_of(self, part: Tensor) -> Tensor | None:
        """Return this process's part of a batch's shapes, int64 (B, 2), or None for squares.

        Args:
            part: int64, the places of a batch's photographs among those of all processes.
        """
        return None if self.shapes is None else self.shapes[self._own(part)]

    def _own(self, part: Tensor) -> Tensor:
        """Return the rows of the arrays that hold this process's part of a batch."""
        return part[part % self.world == self.rank] // self.world

    def _canvases(self, rows: Tensor) -> Batch:
        rows = rows.to(self.lightness.device)
        return self.lightness[rows], self.ab[rows]


def digest_of(lightness: NDArray[np.float16], ab: NDArray[np.float16]) -> str:
    """Return the digest by which `preprocess` knows arrays: of the digests of the photographs."""
    rows = xxhash.xxh3_128()
    for photograph in zip(lightness, ab, strict=True):
        row = xxhash.xxh3_128()
        for values in photograph:
            row.update(np.ascontiguousarray(values).data)
        rows.update(row.digest())
    return rows.hexdigest()


def _map(path: Path, length: int) -> Tensor:
    """Map an array of so many photographs from disk."""
    with readable(path):
        array = np.load(path, mmap_mode="c")
        if len(array) != length:
            raise ValueError(f"{len(array)} photographs instead of {length}")
    return torch.from_numpy(array)
