"""Colors steered by a reference: beside the network alone, by how much the reference is alike.

    python benchmarks/like.py PHOTOS.zip [--count 100] [--figure like.jpg]

The archive has a folder for each class of photographs. Photographs in color lose it and get it back
from the network that ships, steered by: themselves; the most similar of their class; another of
their class; one of another class. Differences from the network alone have 95% intervals over
photographs. Then a search among a million descriptors is timed. The figure is of bundled ones.
"""

import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from photographs import SAMPLE
from PIL import Image, ImageOps
from rounds import save

from colorizer import Colorizer
from colorizer.color.lab import rgb_to_lab
from colorizer.color.tone import is_black_and_white
from colorizer.data.make_references import to_reference
from colorizer.data.references import References, write_references
from colorizer.evaluation.evaluate import Prediction, evaluate, summable
from colorizer.evaluation.scoring.bootstrap import intervals, paired_differences
from colorizer.evaluation.scoring.measure import scores_of
from colorizer.inference.like import Like, look, predict_like
from colorizer.methods.similar import Index, pool
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

SHOWN = ("hue_hit", "chroma_ratio", "neutral_leakage", "delta_e2000", "psnr")
KINDS = ("itself", "most similar of its class", "another of its class", "of another class")
NONE = "no reference"
PAIRS = (90, 86), (72, 61), (32, 83), (90, 92)
"""Bundled photographs and references: three other parts of the same photographs, and a meadow."""
SCENES = (
    *((4, 22), (22, 4), (9, 20), (11, 9), (90, 86), (86, 90), (72, 61), (61, 72), (80, 34)),
    *((34, 80), (7, 12), (12, 8), (32, 83), (31, 92), (36, 29), (28, 48), (45, 44), (27, 70)),
    *((74, 89), (58, 87), (93, 38)),
)
"""Bundled photographs and other parts of the same, or another of the same scene."""
TILE, GAP = (300, 200), 6
MILLION = 1_000_000

Picture = NDArray[np.uint8]


def main(
    photos: Annotated[
        Path, typer.Argument(help="A zip archive with a folder for each class.")
    ] = SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 100,
    figure: Annotated[
        Path | None, typer.Option(help="Draw it, of bundled photographs alone.")
    ] = None,
) -> None:
    """Score steered colors, and time the search."""
    colorizer = Colorizer.load("shipped")
    if figure:
        bundled = dict(photographs_of(SAMPLE))
        _draw(bundled, colorizer).save(figure, quality=75)
        _say_scenes(bundled, colorizer)
        return
    files = [(PurePosixPath(name).parts[0], rgb) for name, rgb in photographs_of(photos)]
    random = np.random.default_rng(7)
    targets = random.permutation(len(files))[:count]
    choices = _choose(files, targets, colorizer, random)
    pictures = [files[target][1] for target in targets]
    tables, alike, moved = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        originals = ((str(n), to_reference(rgb)) for n, rgb in enumerate(pictures))
        write_references(Path(folder), "photographs", originals)
        references = References.open(Path(folder), "photographs")
        for kind in (NONE, *KINDS):
            likes = [files[place][1] for place in choices[kind]] if kind in choices else None
            predict = Steered(colorizer, pictures, likes)
            tables[kind] = summable(evaluate(predict, references))
            alike[kind], moved[kind] = (
                float(np.mean(values or [0])) for values in (predict.alike, predict.moved)
            )
            print(kind, flush=True)
    rows = [_row(kind, tables, alike[kind], moved[kind]) for kind in tables]
    print(pd.DataFrame(rows).to_string(index=False))
    timed = _time_search()
    print(f"the nearest of {MILLION:,}: {timed} ms of a core")
    save("like", {"photographs": len(pictures), "rows": rows, "search_ms": timed})


class Steered:
    """Predicts photographs' colors by their places, and keeps how alike the references are."""

    def __init__(
        self, colorizer: Colorizer, pictures: list[Picture], likes: list[Picture] | None
    ) -> None:
        self.colorizer = colorizer
        self.pictures = pictures
        self.likes = likes
        self.alike: list[float] = []
        self.moved: list[float] = []

    def __call__(self, place: int) -> Prediction:
        """Predict the colors of the photograph at a place."""
        rgb = self.pictures[place]
        ab = self.colorizer.predict_photo(rgb)
        if self.likes is not None:
            plain, like = ab, Like.shrunk(self.likes[place])
            steered = predict_like(self.colorizer.network, rgb, [like])
            ab = steered.ab
            self.alike.append(steered.alike)
            self.moved.append(float(np.hypot(*(ab - plain)).mean()))
        true = rgb_to_lab(resize(rgb, size=ab.shape[1:], resample="bicubic"))[1:]
        return Prediction(ab, true)


def photographs_of(archive: Path) -> list[tuple[str, Picture]]:
    """Return the names and pixels of an archive's photographs in color."""
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if not name.endswith("/"))
        found = [(name, decode(opened.read(name)).rgb) for name in names]
    return [(name, rgb) for name, rgb in found if not is_black_and_white(rgb)]


def _say_scenes(bundled: Mapping[str, Picture], colorizer: Colorizer) -> None:
    """Print how far colors are from the true ones, alone and with a reference of the scene."""
    away = []
    for pair in SCENES:
        photo, other = (bundled[f"mirflickr/im{number}.jpg"] for number in pair)
        sight, true = look(colorizer.network, photo)
        steered = predict_like(colorizer.network, photo, [Like.of(other)]).ab
        away.append([np.hypot(*(ab - true)).mean() for ab in (sight.ab, steered)])
    alone, alike = np.mean(away, axis=0)
    better = np.mean([after < before for before, after in away])
    print(
        f"{len(SCENES)} pairs of a scene: ab off by {alone:.1f} alone, by {alike:.1f} with the "
        f"reference, nearer in {better:.0%}"
    )


def _draw(bundled: Mapping[str, Picture], colorizer: Colorizer) -> Image.Image:
    """Draw in black and white, by the network, like another, and that other; a row a pair."""
    rows = []
    for pair in PAIRS:
        photo, other = (bundled[f"mirflickr/im{number}.jpg"] for number in pair)
        gray = Image.fromarray(photo).convert("L").convert("RGB")
        shown = gray, colorizer(photo), colorizer(photo, like=other), Image.fromarray(other)
        row = Image.new("RGB", (len(shown) * (TILE[0] + GAP) - GAP, TILE[1]), "white")
        for place, picture in enumerate(shown):
            row.paste(ImageOps.fit(picture, TILE), (place * (TILE[0] + GAP), 0))
        rows.append(row)
    sheet = Image.new("RGB", (rows[0].width, len(rows) * (TILE[1] + GAP) - GAP), "white")
    for place, row in enumerate(rows):
        sheet.paste(row, (0, place * (TILE[1] + GAP)))
    return sheet


def _choose(
    files: list[tuple[str, Picture]],
    targets: NDArray[np.intp],
    colorizer: Colorizer,
    random: np.random.Generator,
) -> dict[str, list[int]]:
    """Return the places of the references of each kind; say how often the nearest is of the class.

    The most similar are those that the index finds.
    """
    classes = np.array([name for name, _ in files])
    pooled = np.stack([pool(look(colorizer.network, rgb)[0].features) for _, rgb in files])
    index = Index.fit([str(n) for n in range(len(files))], pooled, model=colorizer.model)
    choices: dict[str, list[int]] = {kind: [] for kind in KINDS}
    hits = []
    for target in map(int, targets):
        found = [int(name) for name, _ in index.search(pooled[target], len(files))]
        others = [place for place in found if place != target]
        same = [place for place in others if classes[place] == classes[target]]
        unlike = [place for place in others if classes[place] != classes[target]]
        hits.append(others[0] == same[0])
        chosen = target, same[0], int(random.choice(same)), int(random.choice(unlike))
        for kind, place in zip(KINDS, chosen, strict=True):
            choices[kind].append(place)
    print(f"{len(files)} photographs; the most similar is of the same class: {np.mean(hits):.0%}")
    return choices


def _row(
    kind: str, tables: Mapping[str, pd.DataFrame], alike: float, moved: float
) -> dict[str, Any]:
    """Return a kind of reference's scores, as differences from none."""
    if kind == NONE:
        found = intervals(tables[kind], scores_of)
    else:
        both = {kind: tables[kind], NONE: tables[NONE]}
        found = paired_differences(both, scores_of).set_index("score")[["value", "low", "high"]]
    row: dict[str, Any] = {"reference": kind, "alike": round(alike, 2), "moved": round(moved, 1)}
    for name in SHOWN:
        value, low, high = found.loc[name]
        row[name] = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
    return row


def _time_search() -> float:
    """Return the median time of a search among a million descriptors, ms of one core."""
    random = np.random.default_rng(7)
    ids = range(MILLION)
    descriptors = random.normal(size=(MILLION, 64)).astype(np.float32)
    index = Index(ids, descriptors, np.zeros(64, np.float32), np.eye(64, dtype=np.float32), "")  # type: ignore[arg-type]
    seconds = []
    for place in range(9):
        started = time.process_time()
        index.search(descriptors[place], 3)
        seconds.append(time.process_time() - started)
    return round(1000 * float(np.median(seconds)), 1)


if __name__ == "__main__":
    typer.run(main)
