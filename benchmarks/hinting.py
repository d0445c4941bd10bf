"""How far a few true colors go: scores against how many hints, with a network and without.

    python benchmarks/hinting.py [--count 90] [--corrections] [--before CHECKOUT] [--short]

Photographs in color lose it and get back the true colors of N pixels at random places; or, as a
person corrects, dabs of true color where the network is most wrong. "Levin" is the optimization of
Levin, Lischinski and Weiss, which needs no network; "before" is the way of an earlier checkout of
this project, given the same network's colors. Then time: the same hints of a photograph of 512
pixels spread by us, and by Levin's method.
"""

import importlib.util
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import photographs
import torch
import typer
from hints_given import Colors, Give, corrections_of, random_pixels
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rounds import Way, save, table, take_turns
from torch import Tensor

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.tone import is_black_and_white
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.metrics import delta_e2000, psnr
from colorizer.methods import levin2004, propagation
from colorizer.methods.hints import Hints
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

COUNTS = (0, 1, 5, 20, 100)
SIDE = 512
SCORES = ["psnr", "delta_e2000"]
Methods = dict[str, Callable[[NDArray[np.uint8], Hints, Colors], Colors]]
"""By name, from a picture, hints and a network's colors to colors."""
LEVIN, ALONE, GUIDED, BEFORE = "Levin", "hints alone", "network and hints", "the same, before"


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 90,
    model: Annotated[str, typer.Option(help="As `colorize` takes it.")] = "colorizer",
    corrections: Annotated[
        bool, typer.Option(help="Dabs where the network is most wrong, not pixels at random.")
    ] = False,
    compare: Annotated[bool, typer.Option("--levin", help="Also score Levin's method.")] = False,
    before: Annotated[
        Path | None, typer.Option(help="Also score the way of an earlier checkout.")
    ] = None,
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
    give = corrections_of if corrections else random_pixels
    methods = _methods(compare=compare, before=before)
    rows = [
        row
        for number, file in enumerate(files)
        for row in _score(file, number, colorizer, give, methods)
    ]
    scores = pd.DataFrame(rows)
    summary = [_summarize(group, *key) for key, group in scores.groupby(["method", "hints"])]
    _print(pd.DataFrame(summary), len(files), side)
    if before:
        _print_gain(scores)
    if figure:
        chosen = [files[int(number)] for number in show.split(",")]
        _draw(chosen, colorizer).save(figure, quality=90)
    if not short:
        save("hinting", {"scores": summary, "time": _time(files[0], colorizer, rounds)})


def _score(
    file: bytes, number: int, colorizer: Colorizer, give: Give, methods: Methods
) -> list[dict[str, Any]]:
    """Score one photograph at each number of hints, by each method."""
    rgb = decode(file).rgb
    rows = []
    for how_many, method, result, seconds in _colorings(rgb, number, colorizer, give, methods):
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
    rgb: NDArray[np.uint8], seed: int, colorizer: Colorizer, give: Give, methods: Methods
) -> Any:
    """Yield how many hints, the method, the picture and its seconds."""
    true, prior = rgb_to_lab(rgb)[1:], colorizer.predict_photo(rgb)
    for how_many in COUNTS:
        given = give(true, how_many, seed, prior)
        for method, color in methods.items():
            started = time.perf_counter()
            if how_many:
                ab = color(rgb, given, prior)
            else:
                ab = prior if method in (GUIDED, BEFORE) else np.zeros((2, 1, 1), np.float32)
            result = recolor(rgb, ab)
            yield how_many, method, result, time.perf_counter() - started


def _methods(*, compare: bool = False, before: Path | None = None) -> Methods:
    methods: Methods = {
        ALONE: lambda rgb, given, _: propagation.guide(rgb, given),
        GUIDED: propagation.guide,
    }
    if compare:
        methods[LEVIN] = lambda rgb, given, _: levin2004.propagate(rgb_to_lab(rgb)[0], given)
    if before:
        file = before / "src" / "colorizer" / "methods" / "propagation.py"
        spec = importlib.util.spec_from_file_location("propagation_before", file)
        assert spec and spec.loader
        earlier = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(earlier)
        methods[BEFORE] = earlier.guide
    return methods


def _summarize(group: pd.DataFrame, method: str, how_many: int) -> dict[str, Any]:
    found = intervals(group[SCORES].assign(count=1.0).reset_index(drop=True), _means)
    return {
        "method": method,
        "hints": how_many,
        **{f"{score}_{part}": found.loc[score, part] for score in found.index for part in found},
        "seconds": group["seconds"].median(),
    }


def _means(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: sums[name] / sums["count"] for name in SCORES}


def _print(summary: pd.DataFrame, count: int, side: int) -> None:
    print(f"{count} photographs of {side} pixels; means, 95% intervals, and the median time\n")
    for row in summary.sort_values(["hints", "method"]).itertuples():
        print(
            f"{row.hints:4d} {row.method:18s}"
            f"PSNR {row.psnr_value:5.2f} [{row.psnr_low:.2f}, {row.psnr_high:.2f}] dB   "
            f"ΔE2000 {row.delta_e2000_value:5.2f} "
            f"[{row.delta_e2000_low:.2f}, {row.delta_e2000_high:.2f}]   {row.seconds:.2f} s"
        )


def _print_gain(scores: pd.DataFrame) -> None:
    """Print what today's way gains on the one before, photograph by photograph."""
    print(f"\n{GUIDED}, less {BEFORE}: means of the photographs' differences")
    for how_many, group in scores.groupby("hints"):
        now, then = (group[group["method"] == m].reset_index()[SCORES] for m in (GUIDED, BEFORE))
        print(f"{how_many:4d}", end="")
        for name, found in intervals((now - then).assign(count=1.0), _means).iterrows():
            print(f"   {name} {found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]", end="")
        print()


def _draw(files: list[bytes], colorizer: Colorizer) -> Image.Image:
    """Draw photographs: gray with 5 hints, by each method with 0, 5 and 100, and the original."""
    columns: dict[str, list[NDArray[np.uint8]]] = {}
    for number, file in enumerate(files):
        rgb = decode(file).rgb
        columns.setdefault("5 hints", []).append(_square(_marked(rgb, number)))
        ways = _colorings(rgb, number, colorizer, random_pixels, _methods())
        for how_many, method, result, _ in ways:
            if how_many in {GUIDED: (0, 5, 100), ALONE: (5, 100)}[method]:
                name = f"{how_many} and a network" if method == GUIDED else f"{how_many} alone"
                columns.setdefault(name, []).append(_square(result))
        columns.setdefault("original", []).append(_square(rgb))
    order = ["5 hints", "5 alone", "100 alone", "0 and a network", "5 and a network"]
    order += ["100 and a network", "original"]
    return photo_grid({name: columns[name] for name in order}, side=220)


def _marked(rgb: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return a photograph in gray with its 5 hints as discs of their color."""
    where = random_pixels(rgb_to_lab(rgb)[1:], 5, seed, rgb).where
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
    given = random_pixels(lab[1:], 20, 0, prior)
    ways = {
        "colorizer": Way(lambda: propagation.guide(rgb, given)),
        "colorizer with a network's colors": Way(lambda: propagation.guide(rgb, given, prior)),
        "Levin's, by SciPy": Way(lambda: levin2004.propagate(lab[0], given)),
    }
    return table(
        f"20 hints spread over a photograph of {rgb.shape[1]}x{rgb.shape[0]} pixels",
        take_turns(ways, rounds=rounds),
        unit="pictures",
        user="Levin's, by SciPy",
    )


if __name__ == "__main__":
    typer.run(main)
