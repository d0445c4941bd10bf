"""Splits photographs into train, test and validation, by a seed and alike on any machine."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from colorizer.errors import ColorizerError
from colorizer.params import Split

SKIPPED = "skipped"


def split(ids: "Sequence[str] | pd.Series[str]", params: Split) -> pd.DataFrame:
    """Choose train, test and validation photographs at random.

    The order of SHA-256("seed/id") is the shuffle: it depends on the seed and the ids alone, so it
    is the same on any machine and under any version of Python or NumPy. Of a million ids, pandas
    holds the names once and NumPy the digests; there is no Python object for each.

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
    photos = pd.Series(ids, dtype=str)
    shuffled = photos.iloc[_shuffle(photos, params.seed)]
    alone = np.zeros(len(shuffled), bool)
    for archive in params.train_only:
        alone |= shuffled.str.startswith(f"{archive}/").to_numpy(bool)
    extra, others = shuffled[alone], shuffled[~alone]
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
    tables, first = [], 0
    for subset, count in counts.items():
        rows = others.iloc[first : first + count]
        first += count
        if subset == "train":
            rows = pd.concat([rows, extra])
        if subset != SKIPPED:
            tables.append(pd.DataFrame({"id": rows, "subset": subset}))
    return pd.concat(tables, ignore_index=True)


def _shuffle(photos: "pd.Series[str]", seed: int) -> NDArray[np.intp]:
    """Return the order of SHA-256("seed/id")."""
    digests = b"".join(hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in photos)
    words = np.frombuffer(digests, ">u8").reshape(-1, 4)
    return np.lexsort(words.T[::-1])
