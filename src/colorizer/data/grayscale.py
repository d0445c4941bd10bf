"""Is this photograph gray? Statistics of every photograph, and a verdict with its reason."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from colorizer.color.tone import chroma_and_residual
from colorizer.data.archive import ArchiveError, list_members, read_photo
from colorizer.data.unfinished import unfinished
from colorizer.data.witness import at
from colorizer.params import DropGrayscale
from colorizer.paths import atomic_write
from colorizer.photo.decode import ImageError, Photo, decode
from colorizer.photo.large import alone_if_large

logger = logging.getLogger(__name__)

CHUNK = 16  # photographs that a worker takes at a time
PART = 4096  # photographs whose rows are kept together, should the rest be interrupted

REASONS = ("single_channel", "equal_channels", "near_gray", "toned", "too_small", "unreadable")
"""Why a photograph is dropped, in the order in which reasons are tried (unreadable apart)."""

SUMMARIZED = ("tone_residual", "reason", "kept")
"""The columns of color.csv that `summarize` reads."""


@dataclass(frozen=True)
class ColorStatistics:
    """What is known of one photograph; chroma is CIELAB's sqrt(a^2 + b^2).

    Attributes:
        id: archive and member, as in `mirflickr25k.zip/mirflickr/im1.jpg`.
        width: pixels, upright.
        height: pixels, upright.
        single_channel: the file holds lightness alone.
        equal_channels: red, green and blue are the same everywhere.
        chroma_mean: mean over pixels.
        chroma_p99: 99% of the pixels are less colorful than this.
        tone_residual: the part of the color that is no function of lightness: RMS distance of the
            pixels' ab from the best cubic in L*, over RMS chroma. Near 0 for a tint, such as a
            sepia print's; near 1 where color and lightness have nothing to do with each other.
        error: why it could not be read, or "".
    """

    id: str
    width: int = 0
    height: int = 0
    single_channel: bool = False
    equal_channels: bool = False
    chroma_mean: float = 0.0
    chroma_p99: float = 0.0
    tone_residual: float = 0.0
    error: str = ""


def measure(photo_id: str, data: bytes) -> ColorStatistics:
    """Measure the color of one image file; a file that is no image is measured as an error."""
    with alone_if_large(data):
        try:
            return _measure(photo_id, decode(data))
        except ImageError as error:
            return ColorStatistics(photo_id, error=str(error))


def _measure(photo_id: str, photo: Photo) -> ColorStatistics:
    rgb = photo.rgb
    height, width = rgb.shape[:2]
    chroma, residual = chroma_and_residual(rgb)
    return ColorStatistics(
        id=photo_id,
        width=width,
        height=height,
        single_channel=photo.single_channel,
        equal_channels=all(np.array_equal(rgb[..., 0], rgb[..., i]) for i in (1, 2)),
        chroma_mean=round(float(chroma.mean()), 4),
        chroma_p99=round(float(np.percentile(chroma, 99)), 4),
        tone_residual=round(residual, 4),
    )


def verdict(photo: ColorStatistics, params: DropGrayscale) -> str:
    """Return why a photograph is dropped, one of `REASONS`, or "" if it is kept.

    Gray is what is *shown* gray: a file of one channel, one of three equal channels, and one in
    which only compression noise is left of color.
    """
    toned = params.drop_toned and photo.tone_residual < params.max_tone_residual
    checks = {
        "unreadable": bool(photo.error),
        "single_channel": photo.single_channel,
        "equal_channels": photo.equal_channels,
        "near_gray": photo.chroma_p99 < params.max_gray_chroma,
        "toned": toned,
        "too_small": min(photo.width, photo.height) < params.min_side,
    }
    return next((reason for reason, applies in checks.items() if applies), "")


def survey(folder: Path, ids: Sequence[str]) -> list[ColorStatistics]:
    """Measure photographs of a folder's archives, in the order of their ids."""
    jobs = (
        delayed(_measure_members)(folder, ids[i : i + CHUNK]) for i in range(0, len(ids), CHUNK)
    )
    return [photo for measured in Parallel()(jobs) for photo in measured]


def list_photos(folder: Path, archives: Sequence[str]) -> list[str]:
    """Return the ids of all photographs in archives, in the order of archives and names."""
    return [f"{name}/{member}" for name in archives for member in list_members(folder / name)[0]]


def write_colors(folder: Path, archives: Sequence[str], params: DropGrayscale, out: Path) -> None:
    """Write color.csv of all photographs in a folder's archives.

    Of a million, memory holds the names alone: the table is written in parts. A killed run resumes
    after its last part.

    Args:
        folder: of the archives.
        archives: their names.
        params: when a photograph is dropped.
        out: the file.
    """
    ids = list_photos(folder, archives)
    asked = params.model_dump() | {"archives": list(archives)}
    bar = tqdm(total=len(ids), unit="photo", desc="color", disable=None)
    with unfinished(out, folder, asked) as work, bar:
        parts = {work / f"{i}.csv": ids[i : i + PART] for i in range(0, len(ids) or 1, PART)}
        for part, own in parts.items():
            if not part.exists():
                table = color_table(survey(folder, own), params)
                with atomic_write(part) as new:
                    table.to_csv(new, index=False, header=part.stem == "0")
            bar.update(len(own))
        with (work / out.name).open("wb") as whole:
            for part in parts:
                whole.write(part.read_bytes())


def color_table(photos: Sequence[ColorStatistics], params: DropGrayscale) -> pd.DataFrame:
    """Return color.csv: the statistics, `kept` and the `reason` for what is dropped."""
    names = [field.name for field in fields(ColorStatistics)]
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


def _measure_members(folder: Path, ids: Sequence[str]) -> list[ColorStatistics]:
    return [_measure_member(folder, photo_id) for photo_id in ids]


def _measure_member(folder: Path, photo_id: str) -> ColorStatistics:
    try:
        with at(photo_id):
            return measure(photo_id, read_photo(folder, photo_id))
    except ArchiveError as error:
        return ColorStatistics(photo_id, error=str(error))
