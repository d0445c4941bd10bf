"""Photographs in archives -> LAB arrays on disk, each worker writing its own rows in place."""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import xxhash
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm import tqdm

from colorizer.color.lab import rgb_to_lab
from colorizer.data.archive import read_photo
from colorizer.data.dataset import SUBSETS, ab_path, lightness_path, manifest_path
from colorizer.params import Preprocess
from colorizer.paths import whole_or_none
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.parallel import one_thread_each
from colorizer.photo.resize import resize

CHUNK = 32  # photographs that a worker takes at a time

Written = tuple[bytes, tuple[int, int]]
"""The digest of a photograph's row, and its height and width."""


LONGEST = 1.5
"""Of a photograph that keeps its proportions, the middle is taken if it is longer than this many
times its short side."""


def photo_to_lab(data: bytes, params: Preprocess) -> NDArray[np.float32]:
    """Decode an image file, resize it as `params.geometry` says and convert it to CIELAB.

    Returns:
        float32 (3, H, W): L* in 0..100, a* and b* in CIELAB units. A square of `params.side`, or
        that on the short side and at most `canvas_side` on the other.

    Raises:
        ImageError: if the file cannot be decoded.
    """
    rgb = decode(data).rgb
    if params.geometry == "square":
        return rgb_to_lab(resize(rgb, size=params.side, resample=params.resample))
    short = min(rgb.shape[:2])
    rgb = _middle(rgb, math.ceil(LONGEST * short))
    longest = canvas_side(params)
    height, width = (min(round(params.side / short * n), longest) for n in rgb.shape[:2])
    return rgb_to_lab(resize(rgb, size=(height, width), resample=params.resample))


def canvas_side(params: Preprocess) -> int:
    """Return the side in pixels of the square in which a photograph's arrays are stored."""
    return params.side if params.geometry == "square" else math.ceil(LONGEST * params.side)


def _middle(rgb: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Crop a side to at most so many pixels, equally at both ends."""
    top, left = (max(0, side - longest) // 2 for side in rgb.shape[:2])
    return rgb[top : top + longest, left : left + longest]


def preprocess(archives: Path, split: pd.DataFrame, folder: Path, params: Preprocess) -> None:
    """Write a split's photographs as float16 arrays, one pair of files a subset.

    Photographs that keep their proportions lie at the top left of their canvases, all of one size;
    the manifest has their shapes.

    Joblib hands the photographs out, to whom `colorizer.data.workers` says. Memory does not grow
    with their number: each worker writes its rows where they belong and forgets them.

    Args:
        archives: the folder of zip files that the split's ids name.
        split: columns `id` and `subset`, as `colorizer.data.split.split` makes it.
        folder: where the arrays go, in the split's order. An error leaves none.
        params: geometry, size and resampling filter.

    Raises:
        ImageError: if a photograph cannot be decoded; the line says which.
    """
    with whole_or_none(folder):
        _preprocess(archives, split, folder, params)


def _preprocess(archives: Path, split: pd.DataFrame, folder: Path, params: Preprocess) -> None:
    subsets = [subset for subset in SUBSETS if (split["subset"] == subset).any()]
    ids = {subset: split.loc[split["subset"] == subset, "id"].tolist() for subset in subsets}
    for subset in subsets:
        _allocate(folder, subset, len(ids[subset]), canvas_side(params))
    jobs = (
        delayed(_write_rows)(
            archives, folder, subset, first, ids[subset][first : first + CHUNK], params
        )
        for subset in subsets
        for first in range(0, len(ids[subset]), CHUNK)
    )
    written: dict[str, list[Written]] = {subset: [] for subset in subsets}
    bar = tqdm(total=len(split), unit="photo", desc="lab", disable=None)
    with bar, one_thread_each():
        for subset, rows in Parallel(return_as="generator")(jobs):  # in the split's order
            written[subset] += rows
            bar.update(len(rows))
    manifest = {s: {"ids": ids[s]} | _summarize(written[s], params) for s in subsets}
    manifest_path(folder).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _summarize(written: Sequence[Written], params: Preprocess) -> dict[str, Any]:
    """Return a subset's manifest entry: its arrays' digest, and their shapes if they differ."""
    digest = xxhash.xxh3_128(b"".join(row for row, _ in written)).hexdigest()
    shapes = {"shapes": [shape for _, shape in written]} if params.geometry == "keep" else {}
    return {"digest": digest} | shapes


def _allocate(folder: Path, subset: str, length: int, size: int) -> None:
    for path, channels in ((lightness_path(folder, subset), 1), (ab_path(folder, subset), 2)):
        shape = (length, channels, size, size)
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _write_rows(
    archives: Path,
    folder: Path,
    subset: str,
    first: int,
    ids: Sequence[str],
    params: Preprocess,
) -> tuple[str, list[Written]]:
    """Write photographs into rows of a subset's arrays; return the subset and what was written."""
    written = []
    side = canvas_side(params)
    with _rows(lightness_path(folder, subset)) as lightness, _rows(ab_path(folder, subset)) as ab:
        for row, photo_id in enumerate(ids, start=first):
            try:
                lab = photo_to_lab(read_photo(archives, photo_id), params)
            except ImageError as error:
                raise ImageError(f"{photo_id}: {error}") from error
            height, width = lab.shape[1:]
            half = torch.from_numpy(lab).half()  # 50 times as fast as NumPy's rounding
            canvas = F.pad(half, (0, side - width, 0, side - height)).numpy()
            lightness(row, canvas[:1])
            ab(row, canvas[1:])
            written.append((xxhash.xxh3_128_digest(canvas.data), (height, width)))
    return subset, written


@contextlib.contextmanager
def _rows(path: Path) -> Iterator[Callable[[int, NDArray[np.float16]], None]]:
    """Yield a function that writes rows of an array on disk, twice as fast as a memory map."""
    start = np.load(path, mmap_mode="r").offset
    with path.open("r+b") as file:

        def write(index: int, row: NDArray[np.float16]) -> None:
            file.seek(start + index * row.nbytes)
            file.write(row.data)

        yield write
