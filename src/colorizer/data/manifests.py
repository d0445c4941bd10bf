"""color.csv and split.csv, read: a table that lost lines is noticed as well as a damaged one."""

from pathlib import Path

import pandas as pd

from colorizer.errors import ColorizerError
from colorizer.params import Split
from colorizer.paths import read_json, readable


def read_colors(path: Path) -> pd.DataFrame:
    """Read which photographs color.csv, the table of all, keeps: columns `id` and `kept`.

    Raises:
        ColorizerError: if there is no such file, or it is damaged, or has not as many photographs
            as color.json beside it says.
    """
    if path.exists():
        counts = path.with_suffix(".json")
        with readable(counts):
            expected = int(read_json(counts)["photographs"]) if counts.exists() else None
        with readable(path):
            table = pd.read_csv(path, usecols=["id", "kept"])
            if table["kept"].dtype != bool or table["id"].isna().any():
                raise ValueError("cells are missing or are not True or False")
            if expected not in (None, len(table)):
                raise ValueError(f"{len(table):,} photographs, but {counts.name} says {expected:,}")
            return table
    before = path.with_name("colour.csv")
    renamed = f"{before.name} is now {path.name}" if before.exists() else "no such file"
    raise ColorizerError(f"{path}: {renamed}: run the stage drop_grayscale")


def read_split(path: Path, params: Split) -> pd.DataFrame:
    """Read which photographs split.csv chooses, and for what: columns `id` and `subset`.

    Lines that are lost at its end are test or validation photographs, of which there are as many as
    the params say.

    Raises:
        ColorizerError: if it is damaged, or not of these params.
    """
    with readable(path):
        table = pd.read_csv(path, usecols=["id", "subset"])
        counts = table["subset"].value_counts()
        for subset, wanted in (("test", params.test), ("validation", params.validation)):
            if (found := int(counts.get(subset, 0))) != wanted:
                raise ValueError(
                    f"{found:,} {subset} photographs, but split.{subset} is {wanted:,}"
                )
        return table
