"""What --restore light mends of damage that is made, and what it takes from clean photographs.

    python benchmarks/restoring.py [PHOTOS.zip ...] [--side 900] [--photos 12] [--sheet FILE.png]

Each photograph becomes a scan of a gray print: at the side asked for, with grain. Damage is laid on
it, and the restored scan is compared with the undamaged one.
"""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from photographs import SAMPLE
from PIL import Image, ImageDraw
from scans import Random, to_levels
from skimage.metrics import structural_similarity

from colorizer.color.lab import rgb_to_lab
from colorizer.data.faces import find_skin
from colorizer.photo.decode import decode
from colorizer.photo.pixels import gray_to_rgb
from colorizer.photo.restoration import restore, spread_tones

Gray = NDArray[np.uint8]
Plane = NDArray[np.float32]

SEEN, CHANGED = 12, 4  # levels: damage that is seen, and a pixel that is changed
SHOWN = ("mirflickr/im61.jpg", "mirflickr/im76.jpg", "mirflickr/im4.jpg")


def main(
    photos: Annotated[list[Path] | None, typer.Argument(help="Zip archives.")] = None,
    side: Annotated[int, typer.Option(help="Pixels of a scan's shorter side; 0: as it is.")] = 900,
    count: Annotated[int, typer.Option("--photos", help="Photographs, evenly spread.")] = 12,
    sheet: Annotated[Path | None, typer.Option(help="PNG file: before and after.")] = None,
) -> None:
    """Print a table of all kinds of damage."""
    if sheet:
        _draw_sheet(sheet, side or 900)
        return
    names = [(path, name) for path in photos or [SAMPLE] for name in _names(path)]
    rows = []
    for number in np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int):
        path, name = names[number]
        rows += _measure(_read(path, name), side, np.random.default_rng(number))
    table = pd.DataFrame(rows).groupby("damage", sort=False).mean().round(4)
    print(f"{len(rows) // (1 + len(DAMAGES))} photographs, {side or 'own'} pixels")
    print(table.to_string(na_rep=""))


def dust(scan: Gray, random: Random) -> Gray:
    """Lay 60 specks and hairs on a scan, light and dark."""
    damaged, size = scan.astype(np.float32), min(scan.shape)
    for _ in range(60):
        center = random.uniform(0, scan.shape[::-1])
        mask = np.zeros_like(scan)
        if random.random() < 0.75:
            angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
            corners = np.stack((np.cos(angles), np.sin(angles)), 1) * random.uniform(
                0.6, 1.2, (8, 1)
            )
            radii = np.maximum(random.uniform(0.0007, 0.0025, 2) * size, 0.6)
            cv2.fillPoly(mask, [_fixed(center + corners * radii)], 255, cv2.LINE_AA, 4)
        else:
            turn = random.uniform(0, 2 * np.pi) + random.uniform(-2, 2) * np.linspace(0, 1, 20)
            steps = np.stack((np.cos(turn), np.sin(turn)), 1) * random.uniform(0.001, 0.003) * size
            _draw_line(mask, center + np.cumsum(steps, 0), size / 1000)
        level = random.uniform(225, 255) if random.random() < 0.6 else random.uniform(0, 40)
        _lay(damaged, mask, level, random.uniform(0.7, 1))
    return to_levels(damaged)


def scratches(scan: Gray, random: Random) -> Gray:
    """Draw three long light lines on a scan, nearly upright."""
    damaged, (height, width) = scan.astype(np.float32), scan.shape
    for _ in range(3):
        mask = np.zeros_like(scan)
        top, bottom = sorted(random.uniform(0, height, 2))
        if bottom - top < 0.3 * height:
            top, bottom = 0, height
        x = random.uniform(0, width)
        ends = np.array([(x, top), (x + random.uniform(-0.05, 0.05) * height, bottom)])
        _draw_line(mask, ends, min(scan.shape) / 900)
        _lay(damaged, mask, random.uniform(200, 255), random.uniform(0.6, 1))
    return to_levels(damaged)


def faded(scan: Gray, random: Random) -> Gray:
    """Leave neither black nor white, in paper that yellowed: uint8 (H, W, 3)."""
    dark = random.uniform(20, 90) + random.uniform((0, -8, -25), (8, 0, -5))
    light = random.uniform(190, 235) + random.uniform((0, -10, -50), (10, 0, -15))
    return to_levels(dark + scan[..., None] / 255 * (light - dark))


def all_of_it(scan: Gray, random: Random) -> Gray:
    """Fade a print and lay dust and scratches on its scan."""
    return faded(scratches(dust(scan, random), random), random)


DAMAGES: tuple[Callable[[Gray, Random], Gray], ...] = (dust, scratches, faded, all_of_it)


def _measure(rgb: Gray, side: int, random: Random) -> list[dict[str, object]]:
    """Return a row for the clean scan and for each damage."""
    scan = _scan(rgb, side, random)
    clean = restore(scan)
    changed = _apart(clean, spread_tones(scan)) > CHANGED
    rows = [_row("none", scan, scan, clean, changed)]
    rows[0]["of faces changed"] = _in_faces(rgb, changed)
    good = spread_tones(scan)
    for damage in DAMAGES:
        damaged = damage(good, random)
        started = time.process_time()
        restored = restore(damaged)
        seconds = time.process_time() - started
        row = _row(damage.__name__, good, damaged, restored, None)
        if damaged.ndim == 2:
            hurt = _apart(damaged, good) > SEEN
            mended = _apart(restored, good) < _apart(damaged, good) / 2
            around = cv2.dilate(hurt.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            row["mended"] = mended[hurt].mean()
            row["of clean changed"] = (_apart(restored, damaged) > CHANGED)[~around].mean()
        rows.append(row | {"CPU seconds": seconds})
    return rows


def _row(
    damage: str, good: Gray, damaged: Gray, restored: Gray, changed: NDArray[np.bool_] | None
) -> dict[str, object]:
    good, damaged, restored = map(_lightness, (good, damaged, restored))
    row: dict[str, object] = {"damage": damage}
    for name, picture in (("before", damaged), ("after", restored)):
        error = np.mean((picture - good) ** 2)
        row[f"PSNR {name}"] = 20 * np.log10(100 / max(np.sqrt(error), 0.1))  # at most 60 dB
        row[f"SSIM {name}"] = structural_similarity(picture, good, data_range=100)
    if changed is not None:
        row["of clean changed"] = changed.mean()
    return row


def _lightness(levels: Gray) -> Plane:
    return rgb_to_lab(levels if levels.ndim == 3 else gray_to_rgb(levels))[0]


def _apart(one: Gray, other: Gray) -> NDArray[np.int_]:
    return np.abs(one.astype(int) - other)


def _in_faces(rgb: Gray, changed: NDArray[np.bool_]) -> float:
    """Return the share of pixels of faces that is changed; NaN without a face."""
    scale = len(changed) / len(rgb)
    boxes = [[round(scale * side) for side in face] for face in find_skin(rgb)]
    parts = [changed[y : y + height, x : x + width] for y, x, height, width in boxes]
    return float(np.mean([part.mean() for part in parts])) if parts else float("nan")


def _scan(rgb: Gray, side: int, random: Random) -> Gray:
    """Return a photograph's lightness as a scanner has it, with grain: uint8 (H, W)."""
    gray = Image.fromarray(rgb).convert("L")
    if side:
        scale = side / min(gray.size)
        size = round(gray.width * scale), round(gray.height * scale)
        gray = gray.resize(size, Image.Resampling.LANCZOS)
        grain = cv2.GaussianBlur(random.normal(0, 1, size[::-1]), (0, 0), 0.8)
        return to_levels(np.asarray(gray) + 3 * grain / grain.std())
    return np.asarray(gray)


def _draw_line(mask: Gray, points: NDArray[np.floating], width: float) -> None:
    cv2.polylines(mask, [_fixed(points)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return points in sixteenths of a pixel."""
    return np.rint(16 * points).astype(np.int32)


def _lay(damaged: Plane, mask: Gray, level: float, opacity: float) -> None:
    damaged += mask / np.float32(255) * np.float32(opacity) * (np.float32(level) - damaged)


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if name.endswith((".jpg", ".webp"))]


def _read(path: Path, name: str) -> Gray:
    with zipfile.ZipFile(path) as archive:
        return decode(archive.read(name)).rgb


def _draw_sheet(path: Path, side: int) -> None:
    """Draw parts of some bundled photographs: damaged above, restored below."""
    width, height = 480, 480
    sheet = Image.new("RGB", (len(SHOWN) * width, 2 * height), "white")
    for column, name in enumerate(SHOWN):
        random = np.random.default_rng(column)
        damaged = all_of_it(spread_tones(_scan(_read(SAMPLE, name), side, random)), random)
        for row, picture in enumerate((damaged, restore(damaged))):
            left, top = (picture.shape[1] - width) // 2, (len(picture) - height) // 3
            part = picture[top : top + height, left : left + width]
            sheet.paste(Image.fromarray(part), (column * width, row * height))
    ImageDraw.Draw(sheet).line([(0, height), (sheet.width, height)], fill="white", width=4)
    sheet.save(path)


if __name__ == "__main__":
    typer.run(main)
