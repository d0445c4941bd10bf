"""Arrays on disk of which many processes, on many machines, write rows."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.paths import atomic_write


@dataclass(frozen=True)
class Rows:
    """The rows of a .npy file.

    Attributes:
        path: of the file.
        start: bytes before the first row.
        length: how many rows there are.
        shape: of a row.
        dtype: of the values.
    """

    path: Path
    start: int
    length: int
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def open(cls, path: Path, length: int, shape: tuple[int, ...], dtype: str) -> "Rows":
        """Return the rows of a file as they are, or of a new one, of zeros."""
        if not path.exists():
            with atomic_write(path) as new:
                np.lib.format.open_memmap(new, mode="w+", dtype=dtype, shape=(length, *shape))
        return cls(path, np.load(path, mmap_mode="r").offset, length, shape, dtype)

    def read(self, first: int, count: int) -> NDArray[Any]:
        """Return some rows: (count, *shape)."""
        size = int(np.prod(self.shape))
        at = self.start + first * size * np.dtype(self.dtype).itemsize
        values = np.fromfile(self.path, self.dtype, count * size, offset=at)
        return values.reshape(count, *self.shape)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[int, NDArray[Any]], None]]:
        """Yield a function that writes rows from an index on, twice as fast as a memory map.

        The file is opened for writing alone: a client of NFS that may read writes whole pages, with
        other machines' rows as it last saw them.
        """
        with os.fdopen(os.open(self.path, os.O_WRONLY), "wb") as file:

            def write(index: int, rows: NDArray[Any]) -> None:
                size = int(np.prod(self.shape)) * rows.itemsize
                file.seek(self.start + index * size)
                file.write(np.ascontiguousarray(rows).data)

            yield write
