"""How well black-and-white photographs are told from pictures in color, kind by kind.

    python benchmarks/monochrome.py [PHOTOS.zip|FOLDER ...] [--photos 400] [--seed 0] [--fit]

From each photograph two prints of random kinds are made, and two pictures in color if it has clear
colors itself; each is scanned to a JPEG file at one of several sizes and qualities. A file's
checksum says whether its photograph is one that the rule is chosen on, in some of the kinds, or one
that is reported on, in all of them: `--fit` fits the weights to the first, the table counts the
second; `--blind` counts kinds that nothing was chosen by.
"""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from blind import BLIND_COLORED, BLIND_PRINTS
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
from sklearn.linear_model import LogisticRegression
from surroundings import LATER_COLORED, LATER_PRINTS
from unseen import UNSEEN_COLORED, UNSEEN_PRINTS

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.monochrome import Measures, judge
from colorizer.photo.decode import ImageError, decode

SAMPLE = Path(__file__).parents[1] / "sample" / "sample.zip"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SHORT_SIDES = (192, 256, 320, 448)
SHOWN, SHOWN_SEED = "mirflickr/im72.jpg", 3
SHOWN_AS = (red_stamp, handwriting, tea_stain, yellowed, album_page, cyanotype)
CHOSEN_ON = (
    *(neutral, sepia, split_tone, yellowed, tea_stain, red_stamp, album_page, moire, shoebox),
    *(as_it_is, muted, faded_color, fog, lamplight, product_on_white),
)
"""The kinds that the rule is chosen on: of each way to be hard, some; the others are held out."""
KNOWN = (*PRINTS, *UNSEEN_PRINTS, *COLORED, *UNSEEN_COLORED)
"""The kinds by whose results anything was chosen, if only what to measure."""
LATER = (*LATER_PRINTS, *LATER_COLORED)
BLIND = (*BLIND_PRINTS, *BLIND_COLORED)
HOW = ("chosen on", "held out", "unseen", "later", "blind")


def main(
    photos: Annotated[list[Path] | None, typer.Argument(help="Zip archives, folders.")] = None,
    count: Annotated[int, typer.Option("--photos", help="Photographs, at random.")] = 400,
    seed: Annotated[int, typer.Option(help="Of what is made.")] = 0,
    fit: Annotated[bool, typer.Option("--fit", help="Also fit the weights.")] = False,
    blind: Annotated[
        bool, typer.Option("--blind", help="Kinds by which nothing was chosen.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="CSV file of all cases.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="JPEG file: prints, and colored.")] = None,
    jobs_at_once: Annotated[int, typer.Option("--jobs", help="Processes.")] = 2,
) -> None:
    """Make the set, judge it and print the confusion table."""
    if sheet:
        _draw_sheet(sheet)
        return
    files = [data for data in _read(photos or [SAMPLE]) if _is_chosen_on(data) == fit]
    order = np.random.default_rng(seed).permutation(len(files))[:count]
    halves = (CHOSEN_ON, CHOSEN_ON) if fit else (BLIND, BLIND) if blind else (KNOWN, LATER)
    jobs = (delayed(_cases)(files[i], halves, (seed, number)) for number, i in enumerate(order))
    cases = pd.DataFrame([case for some in Parallel(n_jobs=jobs_at_once)(jobs) for case in some])
    if out:
        cases.to_csv(out, index=False)
    if fit:
        print("weights", *_fit(cases))
    print(_table(cases))
    for name in ("all kinds", *HOW):
        some = cases if name == "all kinds" else cases[cases.how == name]
        if some.empty:
            continue
        right = some.right.groupby(some.print).mean()
        print(
            f"{name}: {right.get(True, 0):.1%} of prints colored, {right.get(False, 0):.1%} of "
            f"pictures in color copied, {some.doubtful.mean():.1%} with a warning "
            f"({len(some):,} cases)"
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


def _is_chosen_on(data: bytes) -> bool:
    """Whether a photograph is of the half that the rule is chosen on."""
    return zlib.crc32(data) % 2 == 0


def _cases(
    data: bytes, halves: Sequence[Sequence[Kind]], seed: tuple[int, int]
) -> list[dict[str, object]]:
    """Make the cases of a photograph and judge them: of either class a kind of each half."""
    random = np.random.default_rng(seed)
    rgb = _sized(data, random)
    if rgb is None:
        return []
    made: list[Kind] = []
    for of_print in (True, False) if _has_clear_colors(rgb) else (True,):
        for half in halves:
            left = [kind for kind in half if _is_print(kind) == of_print and kind not in made]
            made.append(left[random.integers(len(left))])
    return [_case(kind, rgb, random) for kind in made]


def _is_print(kind: Kind) -> bool:
    return kind in (*PRINTS, *UNSEEN_PRINTS, *LATER_PRINTS, *BLIND_PRINTS)


def _case(kind: Kind, rgb: Rgb, random: Random) -> dict[str, object]:
    verdict = judge(decode(scan(kind(rgb, random), random)).rgb)
    of = (CHOSEN_ON, (*PRINTS, *COLORED), (*UNSEEN_PRINTS, *UNSEEN_COLORED), LATER, BLIND)
    return {
        "kind": kind.__name__,
        "print": _is_print(kind),
        "how": next(how for how, kinds in zip(HOW, of, strict=True) if kind in kinds),
        "verdict": verdict.kind,
        "right": (verdict.kind != "color") == _is_print(kind),
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
    lines = ["| kind | | | cases | colored | with a warning |", "|---|---|---|--:|--:|--:|"]
    for (_, kind), some in cases.groupby([~cases.print, "kind"]):
        made = "print" if some.print.iloc[0] else "in color"
        how = some.how.iloc[0]
        colored = (some.verdict != "color").mean()
        lines.append(
            f"| {kind.replace('_', ' ')} | {made} | {how} | {len(some)} | {colored:.1%} "
            f"| {some.doubtful.mean():.1%} |"
        )
    return "\n".join(lines)


def _fit(cases: pd.DataFrame) -> tuple[list[float], float]:
    """Fit the logistic regression's weights and bias, both classes alike in weight."""
    names = Measures.__dataclass_fields__
    x = [Measures(*row).logarithms() for row in cases[list(names)].to_numpy(float)]
    model = LogisticRegression(class_weight="balanced").fit(x, ~cases.print)
    return model.coef_[0].round(2).tolist(), round(float(model.intercept_[0]), 2)


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
