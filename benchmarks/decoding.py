"""What each lever between a flagship's classes and colors brings, without any training.

    python benchmarks/decoding.py [--model shipped] [--profile photos] [--count 500] [--skip 0]
    python benchmarks/decoding.py --test

Scores are those of `evaluate`, on the validation photographs of a profile, whose stages `download`
and `references` have run. Each lever is compared with the plain mean on the same photographs. The
test photographs choose nothing: on them only what the weights say is compared with it.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated

import pandas as pd
import torch
import torch.nn.functional as F
import typer
from rounds import save
from torch import Tensor
from tqdm import tqdm

from colorizer.color.lab import denormalize_ab, normalize_lightness, rgb_to_lab
from colorizer.data.archive import decode_photo
from colorizer.data.references import Reference, References
from colorizer.evaluation.evaluate import Prediction, pair_of
from colorizer.evaluation.predictions import Picture
from colorizer.evaluation.scoring.bootstrap import intervals, paired_differences
from colorizer.evaluation.scoring.measure import measure, scores_of
from colorizer.models.flagship import Flagship
from colorizer.models.layers import crop_to
from colorizer.models.weights import load_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.paths import Paths
from colorizer.photo.resize import resize
from colorizer.tracking.model_uri import find_weights

SHOWN = (
    *("hue_hit", "hue_hit_blue", "hue_hit_green", "hue_hit_warm", "skin_hit", "skin_chroma"),
    *("neutral_leakage", "false_red", "red_share_ratio", "chroma_ratio", "delta_a", "auc", "psnr"),
    "blotches",
)
FLAT = 0.5  # L* between neighbors, at most, where `blotches` looks


@dataclass(frozen=True)
class Lever:
    """A way to look at a photograph, and to make colors of what is seen.

    Attributes:
        size: short side at which it is looked at, pixels.
        twice: whether at half of it too.
        mirrored: whether its mirror image too.
        settings: of `Flagship`, where they are not `PLAIN`.
    """

    size: int = 256
    twice: bool = False
    mirrored: bool = False
    settings: Mapping[str, float] = field(default_factory=dict)


PLAIN = {
    **{"correction": 0.45, "temperature": 1.0, "quantile": 0.0, "smooth": 0},
    "attention": 0.0,
}

LEVERS = {
    "plain: 256, correction .45, mean": Lever(),
    "short side 192": Lever(192),
    "short side 320": Lever(320),
    "short side 384": Lever(384),
    "mirrored too": Lever(mirrored=True),
    "correction 0": Lever(settings={"correction": 0.0}),
    "correction 1": Lever(settings={"correction": 1.0}),
    "temperature .35": Lever(settings={"temperature": 0.35}),
    "quantile .5": Lever(settings={"quantile": 0.5}),
    "smooth": Lever(settings={"smooth": 4}),
    "attention .2": Lever(settings={"attention": 0.2}),
    "256 and 128": Lever(twice=True),
    "320 and 160": Lever(320, twice=True),
    "384 and 192": Lever(384, twice=True),
}


def main(
    model: Annotated[str, typer.Option(help="A flagship, as `colorize` takes it.")] = "shipped",
    profile: Annotated[str, typer.Option(help="Whose photographs.")] = "photos",
    count: Annotated[int, typer.Option(help="Photographs.")] = 1000,
    skip: Annotated[int, typer.Option(help="Photographs left out before them.")] = 0,
    test: Annotated[bool, typer.Option("--test", help="Score what the weights say.")] = False,
) -> None:
    """Score the levers beside the plain mean."""
    network, metadata = load_model(find_weights(model))
    if not isinstance(network, Flagship):
        raise SystemExit(f"{model} is a {metadata.model}; expected a flagship")
    said = {name: getattr(network, name) for name in PLAIN}
    levers = LEVERS | {"as the weights say": Lever(metadata.size, settings=said)}
    if test:
        levers = {name: levers[name] for name in (next(iter(levers)), "as the weights say")}
    paths = Paths(profile)
    photos = References.open(paths.references, "test" if test else "validation")
    places = range(len(photos))[skip : skip + count]
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    for place in tqdm(places, unit="photo"):
        rgb = decode_photo(paths.archives, photos.ids[place])
        for name, ab in decoded(network, metadata, levers, rgb):
            rows[name].append(_score(photos[place], ab))
    report({name: pd.DataFrame(found) for name, found in rows.items()}, len(places))


@torch.no_grad()
def decoded(
    network: Flagship, metadata: WeightsMetadata, levers: Mapping[str, Lever], rgb: Picture
) -> Iterator[tuple[str, Tensor]]:
    """Yield what each lever makes of a photograph: ab, float32 (2, h, w), CIELAB units."""

    @cache
    def seen(size: int) -> Tensor:
        shape = replace(metadata, size=size).shape(*rgb.shape[:2])
        small = resize(rgb, size=shape, resample=metadata.resample)
        return normalize_lightness(torch.from_numpy(rgb_to_lab(small)[None, :1]))

    @cache
    def logits(size: int, twice: bool, mirrored: bool, attention: float) -> Tensor:
        looking = copy.copy(network)
        looking.attention = attention
        with torch.autocast("cpu", torch.bfloat16):
            found = looking.logits(seen(size))
            if twice:
                half = looking.logits(F.avg_pool2d(seen(size), 2, ceil_mode=True))
                half = F.interpolate(half, scale_factor=2.0, mode="bilinear")
                found = (found + crop_to(half, found)) / 2
            if mirrored:
                found = (found + looking.logits(seen(size).flip(-1)).flip(-1)) / 2
        return found

    for name, lever in levers.items():
        decoder = copy.copy(network)
        for setting, value in (PLAIN | dict(lever.settings)).items():
            setattr(decoder, setting, value)
        said = logits(lever.size, lever.twice, lever.mirrored, decoder.attention)
        corrected = decoder.corrected(said)
        yield name, denormalize_ab(decoder.colors(corrected, seen(lever.size)))[0]


def _score(reference: Reference, ab: Tensor) -> dict[str, float]:
    pair = pair_of(reference, Prediction(ab.numpy(), ab.numpy()))
    found = {name: values.item() for name, values in measure(pair, only=SHOWN).items()}
    shown = F.interpolate(ab[None], reference.rgb.shape[:2], mode="bilinear", antialias=True)[0]
    return found | _changes(shown, pair.target[0, 0])


def _changes(ab: Tensor, lightness: Tensor) -> dict[str, float]:
    """Return what `blotches` is of: color's change between neighbors of one lightness, summed."""
    total, count = 0.0, 0
    for axis in (-1, -2):
        flat = lightness.diff(dim=axis).abs() < FLAT
        total += float(ab.diff(dim=axis).norm(dim=0)[flat].sum())
        count += int(flat.sum())
    return {"changes": total, "neighbors": count}


def _scores(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = scores_of(sums)
    found["blotches"] = sums["changes"] / sums["neighbors"]
    return {name: found[name] for name in SHOWN}


def report(tables: Mapping[str, pd.DataFrame], count: int) -> None:
    """Print the levers' scores, and their differences from the first's, with 95% intervals."""
    first, *others = tables
    scores = {name: _cells(intervals(table, _scores)) for name, table in tables.items()}
    differences = {}
    for name in others:
        both = {name: tables[name], first: tables[first]}
        found = paired_differences(both, _scores).set_index("score")
        differences[name] = _cells(found, sign="+")
    for title, rows in {"scores": scores, "differences from the first": differences}.items():
        table = pd.DataFrame.from_dict(rows, orient="index")
        print(f"\n{title}\n{table.to_string()}")
    save("decoding", {"photographs": count, "scores": scores, "differences": differences})


def _cells(found: pd.DataFrame, sign: str = "") -> dict[str, str]:
    return {
        name: f"{row['value']:{sign}.3f} [{row['low']:{sign}.3f}, {row['high']:{sign}.3f}]"
        for name, row in found.loc[list(SHOWN)].iterrows()
    }


if __name__ == "__main__":
    typer.run(main)
