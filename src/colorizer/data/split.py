"""Which photographs teach and which examine: a choice by seed that no machine changes."""

import hashlib
from pathlib import Path

import pandas as pd

from colorizer.errors import ColorizerError
from colorizer.params import Split


def read_colors(path: Path) -> pd.DataFrame:
    """Read color.csv, the table of all photographs.

    Raises:
        ColorizerError: if there is no such file.
    """
    if path.exists():
        return pd.read_csv(path)
    before = path.with_name("colour.csv")
    renamed = f"{before.name} is now {path.name}" if before.exists() else "no such file"
    raise ColorizerError(f"{path}: {renamed}: run the stage drop_grayscale")


def split(ids: list[str], params: Split) -> pd.DataFrame:
    """Choose train and test photographs at random.

    The order of SHA-256("seed/id") is the shuffle: it depends on the seed and the ids alone, so it
    is the same on any machine and under any version of Python or NumPy.

    Args:
        ids: the photographs to choose from, in any order.
        params: the seed, and how many of each.

    Returns:
        split.csv: columns `id` and `subset` ("train" or "test"), the training photographs first.

    Raises:
        ColorizerError: if there are too few photographs; it says how many are missing.
    """
    wanted = params.train + params.test
    if len(ids) < wanted:
        raise ColorizerError(
            f"{wanted:,} photographs are needed ({params.train:,} train + {params.test:,} test) "
            f"but {len(ids):,} remain after the gray ones are dropped: {wanted - len(ids):,} are "
            "missing; lower split.train or split.test in params.yaml, or add archives"
        )
    chosen = sorted(ids, key=lambda photo_id: _shuffle_key(photo_id, params.seed))[:wanted]
    subsets = ["train"] * params.train + ["test"] * params.test
    return pd.DataFrame({"id": chosen, "subset": subsets})


def _shuffle_key(photo_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{photo_id}".encode()).digest()
