"""How far a few true colors go: scores against how many hints, with a network and without.

    python benchmarks/hinting.py [--photos ARCHIVE.zip] [--count 90] [--corrections] [--short]

Photographs in color lose it and get back the true colors of N pixels at random places; or, as a
person corrects, dabs of true color where the network is most wrong. "Levin" is the optimization of
Levin, Lischinski and Weiss, which needs no network. Then time: the same hints of a photograph of
512 pixels spread by us, and by that.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import levin
import numpy as np
import pandas as pd
import photographs
import torch
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rounds import Way, save, table, take_turns
from scipy.ndimage import uniform_filter
from torch import Tensor

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.tone import is_black_and_white
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.metrics import delta_e2000, psnr
from colorizer.methods import propagation
from colorizer.methods.hints import Hints
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

COUNTS = (0, 1, 5, 20, 100)
SIDE = 512
DAB = 9  # pixels of a correction's side
APART = 20  # pixels between two corrections
Colors = NDArray[np.float32]
Give = Callable[[Colors, int, int, Colors], Hints]
LEVIN, ALONE, GUIDED = "Levin", "hints alone", "network and hints"


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 90,
    model: Annotated[str, typer.Option(help="As `colorize` takes it.")] = "colorizer",
    corrections: Annotated[
        bool, typer.Option(help="Dabs where the network is most wrong, not pixels at random.")
    ] = False,
    compare: Annotated[bool, typer.Option("--levin", help="Also score Levin's method.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Also draw some photographs.")] = None,
    show: Annotated[str, typer.Option(help="Which ones, by number.")] = "0,1,2",
    rounds: int = 9,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Score and time hints."""
    side = SIDE
    if short:
        count, rounds, side = 3, 2, 64
    files = photographs.read(photos, 2 * count, side=side)
    files = [file for file in files if not is_black_and_white(decode(file).rgb)][:count]
    colorizer = Colorizer.load(model)
    give = _corrections if corrections else _random_pixels
    rows = [
        row
        for number, file in enumerate(files)
        for row in _score(file, number, colorizer, give, compare=compare)
    ]
    scores = pd.DataFrame(rows)
    summary = [_summarize(group, *key) for key, group in scores.groupby(["method", "hints"])]
    _print(pd.DataFrame(summary), len(files), side)
    if figure:
        chosen = [files[int(number)] for number in show.split(",")]
        _draw(chosen, colorizer).save(figure, quality=90)
    if not short:
        save("hinting", {"scores": summary, "time": _time(files[0], colorizer, rounds)})


def _score(
    file: bytes, number: int, colorizer: Colorizer, give: Give, *, compare: bool
) -> list[dict[str, Any]]:
    """Score one photograph at each number of hints, with and without the network."""
    rgb = decode(file).rgb
    rows = []
    for how_many, method, result, seconds in _colorings(
        rgb, number, colorizer, give, compare=compare
    ):
        preds, target = _tensor(result), _tensor(rgb)
        lab = [torch.from_numpy(rgb_to_lab(picture))[None] for picture in (result, rgb)]
        rows.append(
            {
                "method": method,
                "hints": how_many,
                "psnr": float(psnr(preds, target)),
                "delta_e2000": float(delta_e2000(*lab).mean()),
                "seconds": seconds,
            }
        )
    return rows


def _colorings(
    rgb: NDArray[np.uint8], seed: int, colorizer: Colorizer, give: Give, *, compare: bool = False
) -> Any:
    """Yield how many hints, the method, the picture and its seconds."""
    true, prior = rgb_to_lab(rgb)[1:], colorizer.predict_photo(rgb)
    for how_many in COUNTS:
        given = give(true, how_many, seed, prior)
        for method in (LEVIN, ALONE, GUIDED) if compare and how_many else (ALONE, GUIDED):
            started = time.perf_counter()
            if not how_many:
                ab = prior if method == GUIDED else np.zeros((2, 1, 1), np.float32)
            elif method == LEVIN:
                ab = levin.solve(rgb_to_lab(rgb)[0], given)
            else:
                ab = propagation.guide(rgb, given, prior if method == GUIDED else None)
            result = recolor(rgb, ab)
            yield how_many, method, result, time.perf_counter() - started


def _random_pixels(ab: Colors, how_many: int, seed: int, _prior: Colors) -> Hints:
    """Give the colors of pixels at random places; more hints are these and others."""
    where = np.zeros(ab.shape[1:], bool)
    places = np.random.default_rng(seed).permutation(where.size)[:how_many]
    where.ravel()[places] = True
    return Hints(where, np.where(where, ab, 0).astype(np.float32))


def _corrections(ab: Colors, how_many: int, _seed: int, prior: Colors) -> Hints:
    """Give dabs of the mean color where the network is most wrong, one after the other."""
    height, width = ab.shape[1:]
    planes = [Image.fromarray(plane).resize((width, height)) for plane in prior]
    error = uniform_filter(np.hypot(*(ab - np.stack([np.asarray(plane) for plane in planes]))), 31)
    given = Hints(np.zeros((height, width), bool), np.zeros_like(ab))
    for _ in range(how_many):
        y, x = np.unravel_index(error.argmax(), error.shape)
        dab = _around(y, x, DAB // 2)
        given.where[dab] = True
        given.ab[:, *dab] = ab[:, *dab].mean((1, 2), keepdims=True)
        error[_around(y, x, APART)] = -1
    return given


def _around(y: int, x: int, reach: int) -> tuple[slice, slice]:
    return slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)


def _summarize(group: pd.DataFrame, method: str, how_many: int) -> dict[str, Any]:
    columns = group[["psnr", "delta_e2000"]].assign(count=1.0)

    def means(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: sums[name] / sums["count"] for name in ("psnr", "delta_e2000")}

    found = intervals(columns.reset_index(drop=True), means)
    return {
        "method": method,
        "hints": how_many,
        **{f"{score}_{part}": found.loc[score, part] for score in found.index for part in found},
        "seconds": group["seconds"].median(),
    }


def _print(summary: pd.DataFrame, count: int, side: int) -> None:
    print(f"{count} photographs of {side} pixels; means, 95% intervals, and the median time\n")
    for row in summary.sort_values(["hints", "method"]).itertuples():
        print(
            f"{row.hints:4d} {row.method:18s}"
            f"PSNR {row.psnr_value:5.2f} [{row.psnr_low:.2f}, {row.psnr_high:.2f}] dB   "
            f"ΔE2000 {row.delta_e2000_value:5.2f} "
            f"[{row.delta_e2000_low:.2f}, {row.delta_e2000_high:.2f}]   {row.seconds:.2f} s"
        )


def _draw(files: list[bytes], colorizer: Colorizer) -> Image.Image:
    """Draw photographs: gray with 5 hints, by each method with 0, 5 and 100, and the original."""
    columns: dict[str, list[NDArray[np.uint8]]] = {}
    for number, file in enumerate(files):
        rgb = decode(file).rgb
        columns.setdefault("5 hints", []).append(_square(_marked(rgb, number)))
        for how_many, method, result, _ in _colorings(rgb, number, colorizer, _random_pixels):
            if how_many in {GUIDED: (0, 5, 100), ALONE: (5, 100), LEVIN: ()}[method]:
                name = f"{how_many} and a network" if method == GUIDED else f"{how_many} alone"
                columns.setdefault(name, []).append(_square(result))
        columns.setdefault("original", []).append(_square(rgb))
    order = ["5 hints", "5 alone", "100 alone", "0 and a network", "5 and a network"]
    order += ["100 and a network", "original"]
    return photo_grid({name: columns[name] for name in order}, side=220)


def _marked(rgb: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return a photograph in gray with its 5 hints as discs of their color."""
    where = _random_pixels(rgb_to_lab(rgb)[1:], 5, seed, rgb).where
    picture = Image.fromarray(recolor(rgb, np.zeros((2, 1, 1), np.float32)))
    draw, radius = ImageDraw.Draw(picture), 12
    for y, x in zip(*np.nonzero(where), strict=True):
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=tuple(rgb[y, x].tolist()), outline="white", width=3)
    return np.asarray(picture)


def _square(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut the middle square out: uint8 (340, 340, 3)."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    middle = rgb[top : top + side, left : left + side]
    return resize(middle, size=340, resample="bicubic")


def _tensor(rgb: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]


def _time(file: bytes, colorizer: Colorizer, rounds: int) -> dict[str, Any]:
    """Time 20 hints of one photograph: ours, and Levin's equations as they are written."""
    rgb = decode(file).rgb
    lab, prior = rgb_to_lab(rgb), colorizer.predict_photo(rgb)
    given = _random_pixels(lab[1:], 20, 0, prior)
    ways = {
        "colorizer": Way(lambda: propagation.guide(rgb, given)),
        "colorizer with a network's colors": Way(lambda: propagation.guide(rgb, given, prior)),
        "Levin's, by SciPy": Way(lambda: levin.solve(lab[0], given)),
    }
    return table(
        f"20 hints spread over a photograph of {rgb.shape[1]}x{rgb.shape[0]} pixels",
        take_turns(ways, rounds=rounds),
        unit="pictures",
        user="Levin's, by SciPy",
    )


if __name__ == "__main__":
    typer.run(main)
