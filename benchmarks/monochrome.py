"""How well black-and-white photographs are told from pictures in color, kind by kind.

    python benchmarks/monochrome.py [PHOTOS.zip|FOLDER ...] [--photos 400] [--seed 0] [--fit]

From each photograph two prints of random kinds are made, and two pictures in color if it has clear
colors itself; each is scanned to a JPEG file at one of several sizes and qualities. Half of the
photographs, in half of the kinds, is what the rule is chosen on: `--fit` fits its weights to them.
The table marks these kinds and counts the other photographs alone.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from colored import (
    COLORED,
    as_it_is,
    faded_color,
    fog,
    lamplight,
    muted,
    product_on_white,
)
from joblib import Parallel, delayed
from PIL import Image, ImageOps
from prints import (
    PRINTS,
    album_page,
    cyanotype,
    handwriting,
    moire,
    neutral,
    red_stamp,
    sepia,
    shoebox,
    split_tone,
    tea_stain,
    yellowed,
)
from scans import Kind, Random, Rgb, scan

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.monochrome import Measures, judge
from colorizer.photo.decode import ImageError, decode

SAMPLE = Path(__file__).parents[1] / "sample" / "sample.zip"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SHORT_SIDES = (192, 256, 320, 448)
SHOWN, SHOWN_SEED = "mirflickr/im72.jpg", 3
SHOWN_AS = (red_stamp, handwriting, tea_stain, yellowed, album_page, cyanotype)
CHOSEN_ON = {
    *(neutral, sepia, split_tone, yellowed, tea_stain, red_stamp, album_page, moire, shoebox),
    *(as_it_is, muted, faded_color, fog, lamplight, product_on_white),
}
"""The kinds that the rule is chosen on: of each way to be hard, some; the others are held out."""
EACH = 2  # cases of either class from a photograph


def main(
    photos: Annotated[list[Path] | None, typer.Argument(help="Zip archives, folders.")] = None,
    count: Annotated[int, typer.Option("--photos", help="Photographs, at random.")] = 400,
    seed: Annotated[int, typer.Option(help="Of what is made.")] = 0,
    fit: Annotated[bool, typer.Option("--fit", help="Also fit the weights.")] = False,
    out: Annotated[Path | None, typer.Option(help="CSV file of all cases.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="JPEG file: prints, and colored.")] = None,
) -> None:
    """Make the set, judge it and print the confusion table."""
    if sheet:
        _draw_sheet(sheet)
        return
    files = _read(photos or [SAMPLE])
    order = np.random.default_rng(seed).permutation(len(files))[:count]
    jobs = (delayed(_cases)(files[i], number, seed) for number, i in enumerate(order))
    cases = pd.DataFrame([case for some in Parallel(n_jobs=2)(jobs) for case in some])
    if out:
        cases.to_csv(out, index=False)
    chosen_on = cases[cases.chosen_kind & cases.chosen_photo]
    if fit:
        print("weights", *_fit(chosen_on))
    held_out = cases[~cases.chosen_photo]
    print(f"{len(cases):,} cases; {len(chosen_on):,} to choose on, {len(held_out):,} to report on")
    print(_table(held_out))
    for name, some in (
        ("chosen on", chosen_on),
        ("other photographs", held_out),
        ("other photographs, other kinds", held_out[~held_out.chosen_kind]),
    ):
        right = some.right.groupby(some.print).mean()
        print(
            f"{name}: {right.get(True, 0):.1%} of prints colored, {right.get(False, 0):.1%} of "
            f"pictures in color copied ({len(some):,} cases)"
        )


def _draw_sheet(path: Path) -> None:
    """Draw prints of some kinds, made from a bundled photograph, above what becomes of them."""
    with zipfile.ZipFile(SAMPLE) as archive:
        rgb = decode(archive.read(SHOWN)).rgb
    random = np.random.default_rng(SHOWN_SEED)
    colorizer = Colorizer.load("shipped")
    sheet = Image.new("RGB", (200 * len(SHOWN_AS), 400), "white")
    for column, kind in enumerate(SHOWN_AS):
        made = kind(rgb, random)
        for row, picture in enumerate((made, colorizer.colorize(made))):
            shown = ImageOps.pad(Image.fromarray(picture), (196, 196), color="white")
            sheet.paste(shown, (200 * column + 2, 200 * row + 2))
    sheet.save(path, quality=90)


def _cases(data: bytes, number: int, seed: int) -> list[dict[str, object]]:
    """Make the cases of a photograph and judge them."""
    random = np.random.default_rng((seed, number))
    rgb = _sized(data, random)
    if rgb is None:
        return []
    kinds: list[Kind] = list(random.choice(np.array(PRINTS), EACH, replace=False))
    if _has_clear_colors(rgb):
        kinds += list(random.choice(np.array(COLORED), EACH, replace=False))
    return [_case(kind, rgb, random, chosen_photo=number % 2 == 0) for kind in kinds]


def _case(kind: Kind, rgb: Rgb, random: Random, *, chosen_photo: bool) -> dict[str, object]:
    verdict = judge(decode(scan(kind(rgb, random), random)).rgb)
    return {
        "kind": kind.__name__,
        "print": kind in PRINTS,
        "chosen_kind": kind in CHOSEN_ON,
        "chosen_photo": chosen_photo,
        "verdict": verdict.kind,
        "right": (verdict.kind != "color") == (kind in PRINTS),
        "doubtful": verdict.doubtful,
        "in_color": verdict.in_color,
    } | dict(zip(verdict.measures.__dataclass_fields__, astuple(verdict.measures), strict=True))


def _sized(data: bytes, random: Random) -> Rgb | None:
    """Decode a photograph at one of several sizes; None if it is too small or no photograph."""
    try:
        image = Image.fromarray(decode(data).rgb)
    except ImageError:
        return None
    if min(image.size) < 140:
        return None
    scale = random.choice(SHORT_SIDES) / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _has_clear_colors(rgb: Rgb) -> bool:
    """Whether a third of a photograph has a chroma over 12, and its colors differ by 9 (RMS)."""
    ab = rgb_to_lab(rgb)[1:].reshape(2, -1)
    return bool((np.hypot(*ab) > 12).mean() > 1 / 3 and np.hypot(*ab.std(1)) > 9)


def _table(cases: pd.DataFrame) -> str:
    """Count by kind: cases, those colored, those colored with a warning."""
    lines = ["| kind | | cases | colored | with a warning |", "|---|---|--:|--:|--:|"]
    for (_, kind), some in cases.groupby([~cases.print, "kind"]):
        made = "print" if some.print.iloc[0] else "in color"
        held = "" if some.chosen_kind.iloc[0] else ", held out"
        colored = (some.verdict != "color").mean()
        lines.append(
            f"| {kind.replace('_', ' ')} | {made}{held} | {len(some)} | {colored:.1%} "
            f"| {some.doubtful.mean():.1%} |"
        )
    return "\n".join(lines)


def _fit(cases: pd.DataFrame) -> tuple[list[float], float]:
    """Fit the logistic regression's weights and bias, both classes alike in weight."""
    names = Measures.__dataclass_fields__
    logarithms = [Measures(*row).logarithms() for row in cases[list(names)].to_numpy(float)]
    x = np.column_stack((logarithms, np.ones(len(cases))))
    y = ~cases.print.to_numpy(bool)
    balance = np.where(y, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = np.zeros(x.shape[1])
    for _ in range(30):  # Newton's method, with a ridge
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (balance * (y - p)) - 0.3 * weights
        curvature = (x.T * (balance * p * (1 - p))) @ x + 0.3 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, gradient)
    return weights[:-1].round(2).tolist(), round(float(weights[-1]), 2)


def _read(paths: Sequence[Path]) -> list[bytes]:
    """Read the photographs' files in zip archives and folders."""
    files: list[bytes] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            files += [p.read_bytes() for p in found]
        else:
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if Path(n).suffix.lower() in SUFFIXES]
                files += [archive.read(name) for name in names]
    return files


if __name__ == "__main__":
    typer.run(main)
