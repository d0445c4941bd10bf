"""Photographs in archives -> LAB arrays on disk, each worker writing its own rows in place."""

import json
import math
from collections.abc import Sequence
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
from colorizer.data.rows import Rows
from colorizer.data.unfinished import unfinished
from colorizer.data.witness import at
from colorizer.params import Preprocess
from colorizer.photo.decode import decode
from colorizer.photo.large import alone_if_large
from colorizer.photo.parallel import one_thread_each
from colorizer.photo.resize import resize

CHUNK = 32  # photographs that a worker takes at a time

Written = tuple[NDArray[np.uint8], NDArray[np.int32]]
"""Digests of photographs' rows (N, 16), and the photographs' heights and widths (N, 2)."""


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
    with alone_if_large(data):
        return _to_lab(decode(data).rgb, params)


def _to_lab(rgb: NDArray[np.uint8], params: Preprocess) -> NDArray[np.float32]:
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
    with their number, but for their names: each worker writes its rows where they belong and
    forgets them. A killed run leaves its rows in a hidden folder, with their digests: the next one
    keeps those that still have them.

    Args:
        archives: the folder of zip files that the split's ids name.
        split: columns `id` and `subset`, as `colorizer.data.split.split` makes it.
        folder: where the arrays go, in the split's order. There are all or none.
        params: geometry, size and resampling filter.

    Raises:
        ImageError: if a photograph cannot be decoded; the line says which.
        ColorizerError: if another process is writing them.
    """
    archives, folder = archives.absolute(), folder.absolute()  # workers may run elsewhere
    ids = {subset: split.loc[split["subset"] == subset, "id"] for subset in SUBSETS}
    names = {
        subset: xxhash.xxh3_128_hexdigest("\n".join(own).encode()) for subset, own in ids.items()
    }
    bar = tqdm(total=len(split), unit="photo", desc="lab", disable=None)
    with unfinished(folder, archives, params.model_dump() | names) as work, bar, one_thread_each():
        (work / folder.name).mkdir(exist_ok=True)
        manifest = {
            subset: _write_subset(archives, own, work / folder.name, subset, params, bar)
            for subset, own in ids.items()
            if len(own)
        }
        with manifest_path(work / folder.name).open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
            file.write("\n")


def _write_subset(
    archives: Path,
    ids: "pd.Series[str]",
    folder: Path,
    subset: str,
    params: Preprocess,
    bar: "tqdm[Any]",
) -> dict[str, Any]:
    """Write a subset's arrays, or what is missing of them, and return its manifest entry.

    The digests of the rows that are written, uint8 (N, 16), and the photographs' heights and widths
    lie beside `folder`. Where a digest is zero there is no row yet.
    """
    count, side = len(ids), canvas_side(params)
    lab = (
        Rows.open(lightness_path(folder, subset), count, (1, side, side), "float16"),
        Rows.open(ab_path(folder, subset), count, (2, side, side), "float16"),
    )
    digests = Rows.open(folder.parent / f"{subset}_digests.npy", count, (16,), "uint8")
    shapes = Rows.open(folder.parent / f"{subset}_shapes.npy", count, (2,), "int32")
    known = digests.read(0, count)
    firsts = range(0, count, CHUNK)
    jobs = (
        delayed(_write_rows)(
            archives, lab, i, ids.iloc[i : i + CHUNK].tolist(), params, known[i : i + CHUNK]
        )
        for i in firsts
    )
    with digests.writing() as write_digests, shapes.writing() as write_shapes:
        for first, written in zip(firsts, Parallel(return_as="generator")(jobs), strict=True):
            if written is not None:
                write_shapes(first, written[1])
                write_digests(first, written[0])
            bar.update(min(CHUNK, count - first))
    entry = {
        "ids": ids.tolist(),
        "digest": xxhash.xxh3_128_hexdigest(digests.read(0, count).data),
    }
    if params.geometry == "keep":
        entry["shapes"] = shapes.read(0, count).tolist()
    return entry


def _write_rows(
    archives: Path,
    lab: tuple[Rows, Rows],
    first: int,
    ids: Sequence[str],
    params: Preprocess,
    known: NDArray[np.uint8],
) -> Written | None:
    """Write photographs into rows of a subset's arrays, unless the rows have their digests."""
    if known.any(axis=1).all() and np.array_equal(_read_digests(lab, first, len(ids)), known):
        return None
    digests, shapes = np.empty((len(ids), 16), np.uint8), np.empty((len(ids), 2), np.int32)
    side = canvas_side(params)
    with lab[0].writing() as lightness, lab[1].writing() as ab:
        for row, photo_id in enumerate(ids):
            with at(photo_id):
                image = photo_to_lab(read_photo(archives, photo_id), params)
            height, width = image.shape[1:]
            half = torch.from_numpy(image).half()  # 50 times as fast as NumPy's rounding
            canvas = F.pad(half, (0, side - width, 0, side - height)).numpy()
            lightness(first + row, canvas[:1])
            ab(first + row, canvas[1:])
            digests[row] = np.frombuffer(xxhash.xxh3_128_digest(canvas.data), np.uint8)
            shapes[row] = height, width
    return digests, shapes


def _read_digests(lab: tuple[Rows, Rows], first: int, count: int) -> NDArray[np.uint8]:
    """Return the digests of rows that an earlier run wrote: uint8 (count, 16)."""
    rows = np.concatenate([part.read(first, count) for part in lab], axis=1)
    return np.stack([np.frombuffer(xxhash.xxh3_128_digest(r.data), np.uint8) for r in rows])
