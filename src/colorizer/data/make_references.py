"""Photographs in archives -> references: made small, their faces found."""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm import tqdm

from colorizer.data.archive import read_photo
from colorizer.data.faces import find_skin
from colorizer.data.references import LONGEST, SCORED, Reference, write_references
from colorizer.data.witness import at
from colorizer.paths import whole_or_none
from colorizer.photo.decode import decode
from colorizer.photo.faces import find_faces
from colorizer.photo.parallel import one_thread_each
from colorizer.photo.resize import resize


def to_reference(rgb: NDArray[np.uint8]) -> Reference:
    """Make a photograph, uint8 (H, W, 3), a reference."""
    height, width, _ = rgb.shape
    scale = LONGEST / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    small = resize(rgb, size=shape, resample="bicubic")
    return Reference(small, find_skin(small))


def make_references(archives: Path, split: pd.DataFrame, folder: Path) -> None:
    """Write the references of a split's validation and test photographs.

    Args:
        archives: the folder of zip files that the split's ids name.
        split: columns `id` and `subset`.
        folder: where they go. An error leaves none.

    Raises:
        ImageError: if a photograph cannot be decoded; the line says which.
    """
    with whole_or_none(folder):
        for subset in SCORED:
            ids = split.loc[split["subset"] == subset, "id"].tolist()
            if not ids:
                continue
            with at("the start of the detector of faces"):  # not in several threads at once
                find_faces(np.zeros((1, 1, 3), np.uint8))
            jobs = (delayed(_read)(archives, photo_id) for photo_id in ids)
            with one_thread_each():
                found = Parallel(return_as="generator")(jobs)
                bar = tqdm(found, total=len(ids), unit="photo", desc=subset, disable=None)
                write_references(folder, subset, zip(ids, bar, strict=True))


def _read(archives: Path, photo_id: str) -> Reference:
    with at(photo_id):
        return to_reference(decode(read_photo(archives, photo_id)).rgb)
