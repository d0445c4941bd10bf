"""References that nobody has to name: the most similar of many photographs in color."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from colorizer.data.archive import decode_photo
from colorizer.errors import ColorizerError
from colorizer.inference.like import Like, Picture, look
from colorizer.methods.similar import Index, pool
from colorizer.paths import Paths, project_root
from colorizer.photo.marking import digest
from colorizer.photo.parallel import map_photos

if TYPE_CHECKING:
    from colorizer.inference.colorizer import Colorizer

COUNT = 3  # references of a photograph

PROJECT = Path(__file__).parents[3]
"""That this package lies in, in a clone."""

FOLDER = "similar"
"""Of the index, among a profile's models."""


@dataclass(frozen=True, eq=False)
class Similar:
    """Photographs of archives, of which the most similar are found.

    Attributes:
        index: of the photographs, by their ids.
        archives: the folder of the archives that they are in.
    """

    index: Index
    archives: Path

    @classmethod
    def find(cls) -> Self:
        """Open the index that the pipeline fitted last, in this project or the package's.

        Raises:
            ColorizerError: if there is none, or its photographs are gone.
        """
        roots = project_root(), PROJECT
        found = [path for root in roots for path in root.glob(f"models/*/{FOLDER}/photographs.txt")]
        if not found:
            raise ColorizerError(
                "--like auto needs an index of photographs in color, and there is none here: fit "
                "one in a clone of the project (docs/usage.md says how), or name a photograph"
            )
        folder = max(found, key=lambda path: path.stat().st_mtime).parent
        profile, root = folder.parent.name, folder.parents[2]
        archives = root / Paths(profile).archives
        if not archives.is_dir():
            raise ColorizerError(
                f"{archives}: no such folder, and the photographs that {folder} lists lie there"
            )
        return cls(Index.load(folder), archives)

    @cached_property
    def digest(self) -> str:
        """What tells it from all others."""
        return digest("\n".join(self.index.ids).encode())

    def choose(self, colorizer: "Colorizer", rgb: Picture, count: int = COUNT) -> tuple[Like, ...]:
        """Return the photographs that look most like another, uint8 (H, W, 3).

        Raises:
            ColorizerError: if the index is another model's, or a photograph is gone.
        """
        if self.index.model != colorizer.model:
            raise ColorizerError(
                f"the index of photographs is {self.index.model}'s, not {colorizer.model}'s: fit "
                "it anew"
            )
        sight, _ = look(colorizer.network, rgb)
        found = self.index.search(pool(sight.features), count)
        return tuple(_open(self.archives, name) for name, _ in found)


def fit_index(colorizer: "Colorizer", ids: Sequence[str], read: Callable[[str], Picture]) -> Index:
    """Index photographs in color, on all cores.

    Args:
        colorizer: whose network compares them.
        ids: their names, `archive.zip/path/in/the/archive.jpg`.
        read: returns a photograph, uint8 (H, W, 3).

    Raises:
        NoFeaturesError: if the network cannot compare photographs.
        ColorizerError: if there are none.
    """
    with colorizer.network.one_thread_each():
        pooled = map_photos(lambda name: pool(look(colorizer.network, read(name))[0].features), ids)
        rows = list(pooled)
    return Index.fit(ids, np.array(rows, np.float32), model=colorizer.model)


@lru_cache(maxsize=16)
def _open(archives: Path, name: str) -> Like:
    return Like.shrunk(decode_photo(archives, name))
