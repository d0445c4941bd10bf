"""Photographs in archives -> LAB arrays on disk, each worker writing its own rows in place."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm import tqdm

from colorizer.archive import read_photo
from colorizer.color import rgb_to_lab, to_planes
from colorizer.dataset import SUBSETS, ab_path, lightness_path, manifest_path
from colorizer.images import ImageError, decode, resize
from colorizer.params import Preprocess


def photo_to_lab(data: bytes, params: Preprocess) -> NDArray[np.float16]:
    """Decode an image file, resize the whole picture to a square and convert it to CIELAB.

    Returns:
        float16 (3, size, size): L* in 0..100, a* and b* in CIELAB units.

    Raises:
        ImageError: if the file cannot be decoded.
    """
    rgb = resize(decode(data).rgb, size=params.image_size, resample=params.resample)
    lab = rgb_to_lab(to_planes(rgb))
    return lab.numpy().astype(np.float16)


def preprocess(
    archives: Path, split: pd.DataFrame, folder: Path, params: Preprocess, *, workers: int
) -> None:
    """Write a split's photographs as float16 arrays, one pair of files a subset.

    Memory does not grow with the number of photographs: rows are written where they belong and
    forgotten.

    Args:
        archives: the folder of zip files that the split's ids name.
        split: columns `id` and `subset`, as `colorizer.split.split` makes it.
        folder: where the arrays go, in the split's order.
        params: size and resampling filter.
        workers: threads; -1 is one a core.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = {subset: split.loc[split["subset"] == subset, "id"].tolist() for subset in SUBSETS}
    for subset in SUBSETS:
        _allocate(folder, subset, len(ids[subset]), params.image_size)
    rows = [(subset, row, photo) for subset in SUBSETS for row, photo in enumerate(ids[subset])]
    jobs = (delayed(_write_row)(archives, folder, *row, params) for row in rows)
    parallel = Parallel(n_jobs=workers, prefer="threads", return_as="generator_unordered")
    for _ in tqdm(parallel(jobs), total=len(rows), unit="photo", desc="lab", disable=None):
        pass
    manifest = {s: {"ids": ids[s], "digest": _digest(folder, s)} for s in SUBSETS}
    manifest_path(folder).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _allocate(folder: Path, subset: str, length: int, size: int) -> None:
    for path, channels in ((lightness_path(folder, subset), 1), (ab_path(folder, subset), 2)):
        shape = (length, channels, size, size)
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _write_row(
    archives: Path, folder: Path, subset: str, row: int, photo_id: str, params: Preprocess
) -> None:
    try:
        lab = photo_to_lab(read_photo(archives, photo_id), params)
    except ImageError as error:
        raise ImageError(f"{photo_id}: {error}") from error
    np.load(lightness_path(folder, subset), mmap_mode="r+")[row] = lab[:1]
    np.load(ab_path(folder, subset), mmap_mode="r+")[row] = lab[1:]


def _digest(folder: Path, subset: str) -> str:
    digest = hashlib.sha256()
    for path in (lightness_path(folder, subset), ab_path(folder, subset)):
        with path.open("rb") as reader:
            digest.update(hashlib.file_digest(reader, "sha256").digest())
    return digest.hexdigest()
