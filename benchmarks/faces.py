"""What a second look at faces brings, alone and in groups.

    python benchmarks/faces.py [--model shipped] [--profile photos] [--subset test]

Faces are those of the references, so the stages `download` and `references` of the profile have
run. A group is a square of 2 to 4 photographs on each side, as pictures of 256 pixels: the more
there are, the smaller the network sees each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rounds import save
from torch import Tensor
from tqdm import tqdm

from colorizer import Colorizer
from colorizer.color.recoloring import recolor
from colorizer.data.references import LONGEST, Reference, References
from colorizer.evaluation.evaluate import Prediction, pair_of
from colorizer.evaluation.scoring.bootstrap import intervals, paired_differences
from colorizer.evaluation.scoring.measure import measure, scores_of
from colorizer.inference.network import seen
from colorizer.paths import Paths

SHOWN = "skin_hit", "skin_chroma", "hue_hit", "neutral_leakage", "false_red", "auc", "psnr"
SKIN = SHOWN[:2]
GROUPS = 2, 3, 4


def main(
    model: Annotated[str, typer.Option(help="As `colorize` takes it.")] = "shipped",
    profile: Annotated[str, typer.Option(help="Whose photographs.")] = "photos",
    subset: Annotated[str, typer.Option(help="validation or test.")] = "test",
) -> None:
    """Score one look beside two."""
    colorizer = Colorizer.load(model)
    photos = References.open(Paths(profile).references, subset)
    everyone = [photos[place] for place in range(len(photos))]
    people = [photo for photo in everyone if photo.faces]
    compare(colorizer, everyone, f"all {len(everyone)} photographs", SHOWN)
    count = sum(len(photo.faces) for photo in people)
    compare(colorizer, people, f"{len(people)} with {count} faces", SHOWN)
    for side in GROUPS:
        groups = list(grouped(people, side))
        count = sum(len(group.faces) for group in groups)
        compare(colorizer, groups, f"{side}x{side}: {len(groups)} groups, {count} faces", SKIN)


def grouped(people: Sequence[Reference], side: int) -> Iterator[Reference]:
    """Yield squares of photographs, each photograph once, the last filled with the first."""
    order = np.random.default_rng(side).permutation(len(people))
    for first in range(0, len(order), side * side):
        rgb = np.full((side * LONGEST, side * LONGEST, 3), 128, np.uint8)
        faces = []
        for place in range(side * side):
            photo = people[order[(first + place) % len(order)]]
            height, width, _ = photo.rgb.shape
            top, left = (LONGEST * part for part in divmod(place, side))
            rgb[top : top + height, left : left + width] = photo.rgb
            faces += [(top + row, left + column, *sides) for row, column, *sides in photo.faces]
        yield replace(people[0], rgb=rgb, faces=faces)


def compare(
    colorizer: Colorizer, photos: Sequence[Reference], title: str, shown: Sequence[str]
) -> None:
    """Print scores of both, and their difference, with 95% intervals by photograph."""
    rows: dict[str, list[dict[str, float]]] = {"one look": [], "two looks": []}
    for photo in tqdm(photos, unit="photo", desc=title):
        gray = recolor(photo.rgb, np.zeros((2, 1, 1), np.float32))
        first = colorizer.predict_ab(seen(colorizer.metadata, gray))[0]
        for way, ab in zip(rows, (first, colorizer.predict_photo(gray)), strict=True):
            pair = pair_of(photo, Prediction(ab, ab))
            found = measure(pair, only=shown)
            rows[way].append({name: values.item() for name, values in found.items()})
    tables = {way: pd.DataFrame(found) for way, found in rows.items()}

    def scores(sums: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: scores_of(sums)[name] for name in shown}

    printed = {way: cells(intervals(table, scores), shown) for way, table in tables.items()}
    both = dict(reversed(tables.items()))
    difference = paired_differences(both, scores).set_index("score")
    printed["difference"] = cells(difference, shown, sign="+")
    print(f"\n{title}\n{pd.DataFrame(printed).T.to_string()}", flush=True)
    save(f"faces_{title.split()[0].strip(':')}", {"title": title, "scores": printed})


def cells(found: pd.DataFrame, shown: Sequence[str], sign: str = "") -> dict[str, str]:
    """Return a score's value and interval in a cell each."""
    return {
        name: f"{row['value']:{sign}.3f} [{row['low']:{sign}.3f}, {row['high']:{sign}.3f}]"
        for name, row in found.loc[list(shown)].iterrows()
    }


if __name__ == "__main__":
    typer.run(main)
