"""Colors without a trained network: what each of the study's predecessors gives, and its time.

    python benchmarks/methods.py [--photos ARCHIVE.zip] [--count 50] [--method gupta2012 ...]

Photographs in color lose it and get it back from a reference: the photograph itself; an overlapping
part of it, mirrored and relit; or another photograph. "levin2004" gets true hints at random pixels
instead. Scores are the pipeline's, with 95% intervals over photographs.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import photographs
import typer
from numpy.typing import NDArray
from rounds import save

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.tone import is_black_and_white
from colorizer.data.make_references import to_reference
from colorizer.data.references import References, write_references
from colorizer.evaluation.evaluate import Prediction, evaluate, per_image, summable
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.measure import scores_of
from colorizer.methods import charpiat2008, gupta2012, levin2004, reinhard2001, welsh2002
from colorizer.methods.hints import Hints
from colorizer.methods.reference import at_working_size
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

SIDE = 512
SHOWN = ("hue_hit", "delta_e2000", "chroma_ratio", "false_red", "psnr")
HINTS = (0, 20, 100)

Picture = NDArray[np.uint8]
Ab = NDArray[np.float32]
Color = Callable[[Picture, Picture], Ab]
"""From a photograph and its reference, both in color, to predicted ab."""

METHODS = {
    "reinhard2001": reinhard2001.colorize,
    "welsh2002": welsh2002.colorize,
    "gupta2012": gupta2012.colorize,
    "charpiat2008": charpiat2008.colorize,
}


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 50,
    method: Annotated[list[str] | None, typer.Option(help="Default: all.")] = None,
    baselines: Annotated[bool, typer.Option(help="Also gray, hints and the network.")] = True,
) -> None:
    """Score methods, and time them."""
    files = photographs.read(photos, 2 * count, side=SIDE)
    found = (decode(file).rgb for file in files)
    pictures = [rgb for rgb in found if not is_black_and_white(rgb)][:count]
    ways = dict(_with_references(method or METHODS))
    if baselines:
        ways |= _without_references()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        originals = ((str(n), to_reference(rgb)) for n, rgb in enumerate(pictures))
        write_references(Path(folder), "photographs", originals)
        references = References.open(Path(folder), "photographs")
        for name, color in ways.items():
            rows.append({"colors": name, **_score(color, pictures, references)})
            print(pd.DataFrame(rows[-1:]).to_string(index=False, header=len(rows) == 1), flush=True)
    save("methods", {"photographs": len(pictures), "rows": rows})


def _with_references(names: list[str] | dict[str, Color]) -> Iterator[tuple[str, Color]]:
    """Yield each method with each kind of reference."""
    made = {"itself": lambda rgb, _: rgb, "a part": lambda rgb, _: _part(rgb), "another": _other}
    for name in names:
        for kind, reference in made.items():
            yield f"{name}, {kind}", partial(_by, METHODS[name], reference)


def _by(
    colorize: Callable[..., Ab], reference: Callable[[Picture, Picture], Picture], rgb: Picture,
    other: Picture,
) -> Ab:  # fmt: skip
    return colorize(rgb, [reference(rgb, other)])


def _other(_: Picture, other: Picture) -> Picture:
    return other


def _part(rgb: Picture) -> Picture:
    """Cut the middle out of a photograph, with four fifths of its sides; mirror and darken it."""
    height, width = rgb.shape[:2]
    part = rgb[height // 10 : height - height // 10, width // 10 : width - width // 10, :][:, ::-1]
    return np.round(255 * (part / 255) ** 1.2).astype(np.uint8)


def _without_references() -> dict[str, Color]:
    network = Colorizer.load("shipped")
    ways: dict[str, Color] = {
        "gray": lambda rgb, _: np.zeros((2, 1, 1), np.float32),
        "another's mean color": lambda _, other: rgb_to_lab(other)[1:].mean((1, 2), keepdims=True),
        "the network that ships": lambda rgb, _: network.predict_photo(rgb),
    }
    return ways | {f"levin2004, {n} true hints": partial(_levin, n) for n in HINTS if n}


def _levin(count: int, rgb: Picture, _: Picture) -> Ab:
    lab = at_working_size(rgb)
    where = np.zeros(lab.shape[1:], bool)
    where.flat[np.random.default_rng(7).choice(where.size, count, replace=False)] = True
    return levin2004.propagate(lab[0], Hints(where, np.where(where, lab[1:], 0)))


def _score(color: Color, pictures: list[Picture], references: References) -> dict[str, str | float]:
    """Return a method's scores with their intervals, and its median time a photograph."""
    seconds: list[float] = []

    def predict(place: int) -> Prediction:
        rgb, other = pictures[place], pictures[(place + 1) % len(pictures)]
        started = time.thread_time()
        ab = color(rgb, other)
        seconds.append(time.thread_time() - started)
        return Prediction(ab, rgb_to_lab(resize(rgb, size=ab.shape[1:], resample="bicubic"))[1:])

    table = evaluate(predict, references)
    sure = intervals(summable(table), scores_of)
    shown = {
        name: f"{row.iloc[0]:.3f} [{row.iloc[1]:.3f}, {row.iloc[2]:.3f}]"
        for name, row in ((name, sure.loc[name]) for name in SHOWN)
    }
    median = per_image(table)["delta_e2000"].median()
    return {**shown, "median ΔE2000": round(median, 2), "CPU s": round(np.median(seconds), 2)}


if __name__ == "__main__":
    typer.run(main)
