"""Splits photographs into train, test and validation, by a seed and alike on any machine."""

import hashlib
from pathlib import Path

import pandas as pd

from colorizer.errors import ColorizerError
from colorizer.params import Split

SKIPPED = "skipped"


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
    """Choose train, test and validation photographs at random.

    The order of SHA-256("seed/id") is the shuffle: it depends on the seed and the ids alone, so it
    is the same on any machine and under any version of Python or NumPy.

    Args:
        ids: the photographs to choose from, in any order.
        params: the seed, how many of each, and the archives that are for training alone.

    Returns:
        split.csv: columns `id` and `subset` ("train", "test" or "validation", in this order). More
        validation photographs leave the others what they are; as many more of `skip` as fewer of
        `train` leave the test photographs what they are.

    Raises:
        ColorizerError: if there are too few photographs; it says how many are missing.
    """
    shuffled = sorted(ids, key=lambda photo_id: _shuffle_key(photo_id, params.seed))
    extra = [photo_id for photo_id in shuffled if _archive(photo_id) in params.train_only]
    others = [photo_id for photo_id in shuffled if _archive(photo_id) not in params.train_only]
    counts = {
        "train": params.train,
        SKIPPED: params.skip,
        "test": params.test,
        "validation": params.validation,
    }
    wanted = sum(counts.values())
    if len(others) < wanted:
        parts = " + ".join(f"{count:,} {subset}" for subset, count in counts.items() if count)
        raise ColorizerError(
            f"{wanted:,} photographs are needed ({parts}) "
            f"but {len(others):,} remain after the gray ones are dropped: "
            f"{wanted - len(others):,} are missing; lower split.train, test or validation in "
            "params.yaml, or add archives"
        )
    subsets = [subset for subset, count in counts.items() for _ in range(count)]
    rows = list(zip(others[:wanted], subsets, strict=True))
    rows[params.train : params.train] = [(photo_id, "train") for photo_id in extra]
    table = pd.DataFrame(rows, columns=["id", "subset"])
    return table[table["subset"] != SKIPPED].reset_index(drop=True)


def _archive(photo_id: str) -> str:
    return photo_id.split("/", 1)[0]


def _shuffle_key(photo_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{photo_id}".encode()).digest()
