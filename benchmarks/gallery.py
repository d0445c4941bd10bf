"""A sheet of 40 bundled photographs: black and white, colored before and now, and the originals.

    python benchmarks/gallery.py --before WEIGHTS.safetensors [--out SHEET.jpg]

Thirty lose their color; four have none; six are made into prints that look old, then scanned.
"""

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import photographs
import prints
import typer
from numpy.typing import NDArray
from PIL import Image
from scans import Kind, scan

from colorizer import Colorizer
from colorizer.color.recoloring import recolor
from colorizer.evaluation.grids import photo_grid
from colorizer.photo.decode import decode

COLOR = (4, 9, 12, 13, 16, 21, 23, 26, 30, 32, 33, 34, 39, 44, 45)
COLOR += (49, 54, 56, 61, 69, 70, 72, 73, 75, 80, 86, 87, 96, 98, 103)
NONE = (14, 40, 41, 42)
OLD: dict[int, Kind] = {
    5: prints.sepia,
    10: prints.yellowed,
    28: prints.cyanotype,
    57: prints.faded,
    65: prints.sepia,
    97: prints.shoebox,
}
"""Numbers of bundled photographs: im4.jpg and so on."""

SIDE = 140  # pixels of a photograph on the sheet
BLOCKS = 2  # of columns, side by side

Rgb = NDArray[np.uint8]


def main(
    before: Annotated[Path, typer.Option(help="Weights to compare with.")],
    model: Annotated[str, typer.Option(help="As `colorize` takes it.")] = "shipped",
    out: Annotated[Path, typer.Option(help="The sheet.")] = Path("gallery.jpg"),
) -> None:
    """Draw the sheet."""
    pictures = _read((*COLOR, *NONE, *OLD))
    taken = [_as_taken(number, rgb) for number, rgb in pictures.items()]
    columns: dict[str, list[Rgb]] = {"black and white": taken}
    for name, weights in {"before": str(before), "now": model}.items():
        colorizer = Colorizer.load(weights)
        columns[name] = [colorizer.colorize(rgb) for rgb in taken]
    columns["original"] = list(pictures.values())
    rows = len(taken) // BLOCKS
    sheets = [
        photo_grid(
            {name: shown[first : first + rows] for name, shown in columns.items()}, side=SIDE
        )
        for first in range(0, len(taken), rows)
    ]
    sheet = Image.new("RGB", (sum(s.width for s in sheets), max(s.height for s in sheets)), "white")
    for place, part in enumerate(sheets):
        sheet.paste(part, (place * part.width, 0))
    sheet.save(out, quality=78)
    print(f"-> {out}: {len(taken)} photographs")


def _read(numbers: tuple[int, ...]) -> dict[int, Rgb]:
    with zipfile.ZipFile(photographs.SAMPLE) as archive:
        return {n: decode(archive.read(f"mirflickr/im{n}.jpg")).rgb for n in numbers}


def _as_taken(number: int, rgb: Rgb) -> Rgb:
    """Return a photograph without its color, or as an old print's scan."""
    gray = recolor(rgb, np.zeros((2, 1, 1), np.float32))
    if number not in OLD:
        return gray
    random = np.random.default_rng(number)
    return decode(scan(OLD[number](gray, random), random)).rgb


if __name__ == "__main__":
    typer.run(main)
