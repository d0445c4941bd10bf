"""The study's predecessors and the networks, on the same photographs, with the pipeline's scores.

    python benchmarks/methods.py                                     # the bundled photographs
    python benchmarks/methods.py --archives FOLDER --split split.csv # a pipeline's own split

Methods are fitted on training photographs, and color others; what takes references gets the most
similar training photographs. "itself" and "a part" are checks: the reference is the photograph, or
its middle, mirrored and relit. Intervals are 95%, by bootstrap over photographs; times are seconds
of one core. Rows are printed, and kept in benchmarks/results/methods.csv, as they come.
"""

import tempfile
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import photographs
import typer
from numpy.typing import NDArray
from rounds import RESULTS

from colorizer.color.lab import rgb_to_lab
from colorizer.color.tone import is_black_and_white
from colorizer.data.archive import decode_photo, list_members
from colorizer.data.make_references import to_reference
from colorizer.data.references import References, write_references
from colorizer.evaluation.by_method import from_hints, load_method
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.evaluate import Predict, evaluate, per_image, summable
from colorizer.evaluation.fit_method import fit_method
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.predictions import Colors, Picture, by_colors, show
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.measure import scores_of
from colorizer.inference.torch_network import TorchNetwork
from colorizer.methods import gupta2012
from colorizer.methods.registry import BY_REFERENCE
from colorizer.params import Methods
from colorizer.paths import SHIPPED

STUDY = Path("models/pretrained/study")
SHOWN = ("hue_hit", "delta_e2000", "chroma_ratio", "false_red", "neutral_leakage", "psnr")
SEED = 7

Ab = NDArray[np.float32]


def main(
    archives: Annotated[Path, typer.Option(help="A folder of zips.")] = photographs.SAMPLE.parent,
    split: Annotated[Path | None, typer.Option(help="Default: every other photograph.")] = None,
    count: Annotated[int, typer.Option(help="Photographs that are colored.")] = 50,
    library: Annotated[int, typer.Option(help="Training photographs.")] = 1500,
    show_ids: Annotated[
        list[str] | None, typer.Option("--show", help="Color these instead, into a picture.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Rows. Default: all.")] = None,
) -> None:
    """Score methods, and time them."""
    tested, learned = _choose(archives, split, count, library)
    learned = [photo for photo in learned if photo not in (show_ids or ())]
    read = lru_cache(200)(partial(decode_photo, archives))
    encoder = Encoder.from_file(SHIPPED)
    rows: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        found = ((photo, to_reference(read(photo))) for photo in show_ids or tested)
        write_references(Path(folder), "photographs", found)
        photos = References.open(Path(folder), "photographs")
        predict = {}
        ways = _ways(Path(folder), learned, read, encoder)
        for name in only or ways:
            seconds: list[float] = []
            predict[name] = by_colors(_timed(ways[name](), seconds), photos, read)
            if not show_ids:
                rows.append(_score(name, predict[name], photos, seconds))
                pd.concat(rows).to_csv(RESULTS / "methods.csv", index=False)
        if show_ids:
            sheet = photo_grid(show(predict, photos, range(len(photos))), side=160)
            sheet.save(RESULTS / "methods.png")


def _choose(
    archives: Path, split: Path | None, count: int, library: int
) -> tuple[list[str], list[str]]:
    """Return the ids of the photographs that are colored, and of those that are learned from."""
    if split is not None:
        table = pd.read_csv(split)
        test, train = (table.loc[table["subset"] == s, "id"].tolist() for s in ("test", "train"))
        return test[:count], [i for i in train if (archives / i.split("/")[0]).exists()][:library]
    names = [f"{z.name}/{n}" for z in sorted(archives.glob("*.zip")) for n in list_members(z)[0]]
    names = [name for name in names if not is_black_and_white(decode_photo(archives, name))]
    return names[::2][:count], names[1::2][:library]


def _ways(
    folder: Path, learned: list[str], read: Callable[[str], Picture], encoder: Encoder
) -> dict[str, Callable[[], Colors]]:
    """Return by name what makes, or fits, what gives color."""

    def fitted(name: str) -> Colors:
        kind = folder / ("similar" if name in BY_REFERENCE else name)
        if not kind.exists():
            fit_method(name, learned, read, kind, lambda: encoder)
        return load_method(name, kind, read, lambda: encoder, Methods())

    def mean_color() -> Colors:
        mean = np.mean([rgb_to_lab(read(i))[1:].mean((1, 2)) for i in learned[:300]], axis=0)
        return lambda rgb: np.tile(mean[:, None, None], (1, *rgb.shape[:2]))

    networks = {m: STUDY / m / "weights.safetensors" for m in ("model1", "model2", "model3")}
    networks["flagship"] = SHIPPED
    return {
        "gray": lambda: lambda rgb: np.zeros((2, *rgb.shape[:2]), np.float32),
        "mean color": mean_color,
        **{name: partial(_network, weights) for name, weights in networks.items()},
        **{name: partial(fitted, name) for name in (*BY_REFERENCE, "cheng2015")},
        **{
            f"levin2004, {n} true hints": lambda n=n: partial(from_hints, count=n, seed=SEED)
            for n in (20, 100)
        },
        "gupta2012, itself": lambda: lambda rgb: gupta2012.colorize(rgb, [rgb]),
        "gupta2012, a part": lambda: lambda rgb: gupta2012.colorize(rgb, [_part(rgb)]),
    }


def _network(weights: Path) -> Colors:
    from colorizer.inference.colorizer import Colorizer

    return Colorizer(TorchNetwork.from_file(weights, precision="float32")).predict_photo


def _part(rgb: Picture) -> Picture:
    """Cut the middle out of a photograph, with four fifths of its sides; mirror and darken it."""
    height, width = rgb.shape[:2]
    part = rgb[height // 10 : height - height // 10, width // 10 : width - width // 10, :][:, ::-1]
    return np.round(255 * (part / 255) ** 1.2).astype(np.uint8)


def _timed(colors: Colors, seconds: list[float]) -> Colors:
    def timed(rgb: Picture) -> Ab:
        started = time.thread_time()
        ab = colors(rgb)
        seconds.append(time.thread_time() - started)
        return ab

    return timed


def _score(name: str, predict: Predict, photos: References, seconds: list[float]) -> pd.DataFrame:
    """Return a row: scores with their intervals, and the median time."""
    table = evaluate(predict, photos)
    sure = intervals(summable(table), scores_of)
    row = {"colors": name, "photographs": len(table)}
    for score in SHOWN:
        value, low, high = sure.loc[score]
        row[score] = f"{value:.3g} [{low:.3g}, {high:.3g}]"
    row["median ΔE2000"] = round(per_image(table)["delta_e2000"].median(), 2)
    row["s"] = round(float(np.median(seconds)), 2)
    table.to_csv(RESULTS / f"methods_{name.replace(', ', '_').replace(' ', '_')}.csv", index=False)
    print(" | ".join(map(str, row.values())), flush=True)
    return pd.DataFrame([row])


if __name__ == "__main__":
    typer.run(main)
