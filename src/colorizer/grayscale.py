"""Is this photograph grey? Statistics of every photograph, and a verdict with its reason."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path, PurePosixPath

import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from colorizer.archive import ArchiveError, list_members, read_photo
from colorizer.chroma import ColourStatistics, measure
from colorizer.params import DropGrayscale

logger = logging.getLogger(__name__)

CHUNK = 16  # photographs that a worker takes at a time

REASONS = ("single_channel", "equal_channels", "near_grey", "toned", "too_small", "unreadable")
"""Why a photograph is dropped, in the order in which reasons are tried (unreadable apart)."""


def verdict(photo: ColourStatistics, params: DropGrayscale) -> str:
    """Return why a photograph is dropped, one of `REASONS`, or "" if it is kept.

    Grey is what is *shown* grey: a file of one channel, one of three equal channels, and one in
    which only compression noise is left of colour.
    """
    toned = params.drop_toned and photo.tone_residual < params.max_tone_residual
    checks = {
        "unreadable": bool(photo.error),
        "single_channel": photo.single_channel,
        "equal_channels": photo.equal_channels,
        "near_grey": photo.chroma_p99 < params.max_grey_chroma,
        "toned": toned,
        "too_small": min(photo.width, photo.height) < params.min_side,
    }
    return next((reason for reason, applies in checks.items() if applies), "")


def survey(folder: Path, archives: Sequence[str]) -> list[ColourStatistics]:
    """Measure every photograph in a folder's archives, in the order of archives and names."""
    ids = [f"{name}/{member}" for name in archives for member in list_members(folder / name)[0]]
    jobs = (
        delayed(_measure_members)(folder, ids[i : i + CHUNK]) for i in range(0, len(ids), CHUNK)
    )
    photos: list[ColourStatistics] = []
    with tqdm(total=len(ids), unit="photo", desc="colour", disable=None) as bar:
        for measured in Parallel(return_as="generator")(jobs):
            photos += measured
            bar.update(len(measured))
    return photos


def colour_table(photos: Sequence[ColourStatistics], params: DropGrayscale) -> pd.DataFrame:
    """Return colour.csv: the statistics, `kept` and the `reason` for what is dropped."""
    names = [field.name for field in fields(ColourStatistics)]
    table = pd.DataFrame([asdict(photo) for photo in photos], columns=names)
    table["reason"] = [verdict(photo, params) for photo in photos]
    table["kept"] = table["reason"] == ""
    return table


def summarize(table: pd.DataFrame, params: DropGrayscale) -> dict[str, int]:
    """Count photographs by what became of them; `toned_kept` are those only measured as toned."""
    counts = Counter(table["reason"])
    toned = table["kept"] & (table["tone_residual"] < params.max_tone_residual)
    return {
        "photographs": len(table),
        "kept": int(table["kept"].sum()),
        **{f"dropped_{reason}": counts[reason] for reason in REASONS},
        "toned_kept": int(toned.sum()),
    }


def count_other_files(folder: Path, archives: Sequence[str]) -> dict[str, int]:
    """Count by suffix the members whose names promise no image, such as a collection's notes."""
    others = (PurePosixPath(m) for name in archives for m in list_members(folder / name)[1])
    return dict(Counter(path.suffix.lower() or path.name for path in others).most_common())


def _measure_members(folder: Path, ids: Sequence[str]) -> list[ColourStatistics]:
    return [_measure_member(folder, photo_id) for photo_id in ids]


def _measure_member(folder: Path, photo_id: str) -> ColourStatistics:
    try:
        return measure(photo_id, read_photo(folder, photo_id))
    except ArchiveError as error:
        return ColourStatistics(photo_id, error=str(error))
