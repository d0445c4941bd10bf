"""Photographs as scores see them: small, in their own proportions, with the faces in them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from numpy.typing import NDArray

from colorizer.errors import ColorizerError
from colorizer.paths import readable

if TYPE_CHECKING:
    from colorizer.photo.face_boxes import Face

LONGEST = 256  # pixels of a reference's longer side

SCORED = ("validation", "test")
"""Those of a split that are scored. Models are chosen by the first alone, if there is one."""


@dataclass(frozen=True)
class Reference:
    """A photograph as scores see it.

    Attributes:
        rgb: uint8 (H, W, 3), sRGB, in the photograph's proportions; the longer side is `LONGEST`.
        faces: boxes around the faces in it.
    """

    rgb: NDArray[np.uint8]
    faces: "list[Face]"


@dataclass(frozen=True)
class References:
    """The references of one subset, mapped from disk.

    Attributes:
        ids: the photographs' names, in the order of split.csv.
        shapes: height and width of each, pixels.
        faces: of each.
        digest: a hash of all pixels.
        pixels: uint8, the references' pixels, one photograph after the other.
    """

    ids: list[str]
    shapes: list[tuple[int, int]]
    faces: "list[list[Face]]"
    digest: str
    pixels: NDArray[np.uint8]

    @classmethod
    def open(cls, folder: Path, subset: str) -> "References":
        """Map a subset that `write_references` wrote.

        Raises:
            ColorizerError: if `folder` holds no such references, or they are damaged.
        """
        try:
            with readable(_table_path(folder, subset)):
                table = json.loads(_table_path(folder, subset).read_text(encoding="utf-8"))
                shapes = [(height, width) for height, width in table["shapes"]]
                faces = [[(r, c, h, w) for r, c, h, w in found] for found in table["faces"]]
            with readable(_pixels_path(folder, subset)):
                pixels = np.memmap(_pixels_path(folder, subset), np.uint8, mode="r")
                if xxhash.xxh3_128_hexdigest(pixels.data) != table["digest"]:
                    raise ValueError(f"its digest is not that of {subset}.json")
        except FileNotFoundError:
            raise ColorizerError(
                f"no {subset} photographs in {folder}: run `dvc repro references` first"
            ) from None
        return cls(table["ids"], shapes, faces, table["digest"], pixels)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> Reference:
        height, width = self.shapes[place]
        start = self._starts[place]
        flat = self.pixels[start : start + 3 * height * width]
        return Reference(np.array(flat).reshape(height, width, 3), self.faces[place])

    def take(self, places: Sequence[int]) -> "References":
        """Return the references at some places, in memory."""
        if list(places) == list(range(len(self))):
            return self
        pixels = np.concatenate([self[place].rgb.ravel() for place in places])
        return References(
            [self.ids[place] for place in places],
            [self.shapes[place] for place in places],
            [self.faces[place] for place in places],
            xxhash.xxh3_128(pixels.data).hexdigest(),
            pixels,
        )

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([3 * height * width for height, width in self.shapes]).tolist()]


def list_subsets(folder: Path) -> list[str]:
    """Return which of `SCORED` a folder has references of.

    Raises:
        ColorizerError: if it has none.
    """
    subsets = [subset for subset in SCORED if _table_path(folder, subset).exists()]
    if not subsets:
        raise ColorizerError(f"no photographs in {folder}: run `dvc repro references` first")
    return subsets


def write_references(folder: Path, subset: str, found: Iterable[tuple[str, Reference]]) -> int:
    """Write references as they come; only their table is kept in memory.

    Args:
        folder: where they go; an existing folder.
        subset: their name.
        found: ids and references.

    Returns:
        How many there are.
    """
    digest = xxhash.xxh3_128()
    ids, shapes, faces = [], [], []
    with _pixels_path(folder, subset).open("wb") as file:
        for photo_id, reference in found:
            pixels = np.ascontiguousarray(reference.rgb).data
            file.write(pixels)
            digest.update(pixels)
            ids.append(photo_id)
            shapes.append(reference.rgb.shape[:2])
            faces.append(reference.faces)
    table = {"digest": digest.hexdigest(), "ids": ids, "shapes": shapes, "faces": faces}
    _table_path(folder, subset).write_text(json.dumps(table) + "\n", encoding="utf-8")
    return len(ids)


def _table_path(folder: Path, subset: str) -> Path:
    return folder / f"{subset}.json"


def _pixels_path(folder: Path, subset: str) -> Path:
    return folder / f"{subset}.rgb"
