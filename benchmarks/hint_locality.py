"""How far a hint goes: what it recolors of its own region, and what beside it.

    python benchmarks/hint_locality.py [--photos ARCHIVE.zip] [--count 60] [--figure FILE.jpg]

A region is one of the segments that Felzenszwalb and Huttenlocher's method finds in the photograph
in color. The hint is a dab in its middle, of the region's mean ab turned by 90 degrees, so that it
is nothing that the network would say.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import photographs
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import felzenszwalb

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.tone import is_black_and_white
from colorizer.methods.hints import Hints
from colorizer.methods.propagation import guide
from colorizer.photo.decode import decode

SIDE = 512
DAB = 9  # pixels of a hint's side
AREA = (0.01, 0.4)  # of the photograph: the regions that are tried
CHROMA = 8  # of a region's mean: less has no hue to turn
CLASS = 10  # CIELAB units: predicted colors this near are of a similar class
FAR, HALF = 0.25, 0.5  # of the diagonal


@dataclass(frozen=True)
class Case:
    """A photograph, one of its regions, and a hint in it.

    Attributes:
        rgb: uint8 (H, W, 3), the photograph in color.
        region: bool (H, W).
        color: (2,), the hint's ab.
        hints: the dab.
    """

    rgb: NDArray[np.uint8]
    region: NDArray[np.bool_]
    color: NDArray[np.float32]
    hints: Hints


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 60,
    model: Annotated[str, typer.Option(help="As `colorize` takes it.")] = "colorizer",
    figure: Annotated[Path | None, typer.Option(help="Also draw the first six.")] = None,
) -> None:
    """Measure how far hints go."""
    colorizer = Colorizer.load(model)
    files = photographs.read(photos, 2 * count, side=SIDE)
    pictures = [rgb for rgb in (decode(file).rgb for file in files) if not is_black_and_white(rgb)]
    found = [_case(rgb, number) for number, rgb in enumerate(pictures[:count])]
    cases = [case for case in found if case is not None]
    rows, drawn = [], []
    for case in cases:
        prior = colorizer.predict_photo(case.rgb)
        before, after = _resized(prior, case.region.shape), guide(case.rgb, case.hints, prior)
        rows.append(_measure(case, before, after))
        if len(drawn) < 6:
            drawn.append(_draw(case, before, after))
    _print(pd.DataFrame(rows))
    if figure:
        Image.fromarray(np.concatenate(drawn)).save(figure, quality=90)


def _case(rgb: NDArray[np.uint8], seed: int) -> Case | None:
    """Choose a region of a photograph by seed; None if no region has a size and color to try."""
    ab = rgb_to_lab(rgb)[1:]
    segments = felzenszwalb(rgb, scale=300, sigma=0.8, min_size=ab[0].size // 200)
    sizes = np.bincount(segments.ravel())
    means = np.stack([np.bincount(segments.ravel(), plane.ravel()) / sizes for plane in ab], 1)
    least, most = (share * segments.size for share in AREA)
    fit = (sizes >= least) & (sizes <= most) & (np.hypot(*means.T) >= CHROMA)
    if not fit.any():
        return None
    chosen = np.random.default_rng(seed).choice(np.flatnonzero(fit))
    region, (a, b) = segments == chosen, means[chosen]
    inwards = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(inwards.argmax(), region.shape)
    reach, where = DAB // 2, np.zeros_like(region)
    where[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    color = np.array([-b, a], np.float32)
    dab = Hints(where & region, np.where(where & region, color[:, None, None], 0))
    return Case(rgb, region, color, dab)


def _measure(case: Case, before: NDArray[Any], after: NDArray[Any]) -> dict[str, float]:
    """Return shares of pixels, and how many pixels they are shares of."""
    away = distance_transform_edt(~case.region) / np.hypot(*case.region.shape)
    moved = np.hypot(*(after - before))
    classes = np.round(before / CLASS)
    own, counts = np.unique(classes[:, case.region], axis=1, return_counts=True)
    usual = own[:, counts.argmax(), None, None]
    far = (away > FAR) & (np.abs(classes - usual).max(0) > 1)
    half, beside = away > HALF, (away > 0) & (away <= FAR)
    reached = np.hypot(*(after - case.color[:, None, None])) < 10
    return {
        "inside: within 10 of the hint": _share(reached, case.region),
        "far, of another class: moved by less than 2": _share(moved < 2, far),
        "all that is far: moved by less than 2": _share(moved < 2, away > FAR),
        "beside the region: moved by less than 5": _share(moved < 5, beside),
        "farther than half the diagonal: moved by more than 5": _share(moved > 5, half),
        "farther than half the diagonal: mean move": float(moved[half].mean())
        if half.any()
        else np.nan,
    }


def _share(true: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(true[among].mean()) if among.any() else np.nan


def _print(rows: pd.DataFrame) -> None:
    print(f"{len(rows)} photographs of {SIDE} pixels, one dab on each; means of the photographs\n")
    random = np.random.default_rng(0)
    for name, values in rows.items():
        known = values.dropna().to_numpy()
        draws = random.choice(known, (2000, len(known))).mean(1)
        low, high = np.quantile(draws, (0.025, 0.975))
        print(f"{name:54s} {known.mean():.3f} [{low:.3f}, {high:.3f}] of {len(known)}")


def _resized(ab: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    planes = (Image.fromarray(plane).resize(shape[::-1], Image.Resampling.BICUBIC) for plane in ab)
    return np.stack([np.asarray(plane) for plane in planes])


def _draw(case: Case, before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.uint8]:
    """Draw a row: the region in the photograph, its colors by the network, and with the hint."""
    outlined = case.rgb.copy()
    outlined[~case.region] //= 3
    colored = [recolor(case.rgb, ab) for ab in (before, after)]
    colored[1][case.hints.where] = 255
    row = Image.fromarray(np.concatenate((outlined, *colored), axis=1))
    return np.asarray(row.resize((960, 240)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    typer.run(main)
