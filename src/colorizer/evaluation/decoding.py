"""Chooses how a network's classes become colors, by photographs that it did not learn from.

A network that says how likely each color is leaves open which of them to show. The mean is dull,
and what makes it vivid raises casts on gray things too. Nothing here is trained: the settings are
tried on some pixels of each validation photograph and weighed by `GOALS`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from colorizer.color.lab import normalize_lightness, rgb_to_lab
from colorizer.data.references import Reference, References
from colorizer.evaluation.predictions import Read
from colorizer.evaluation.scoring import color_bias, skin
from colorizer.evaluation.scoring.pair import COLORED, Pair, hue_error
from colorizer.models.flagship import Flagship
from colorizer.models.hardware import computes_bf16
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.resize import resize

GOALS = {
    "hue_hit": (0.8, 1.0, 16),
    "hue_hit_blue": (0.8, 1.0, 1),
    "hue_hit_green": (0.85, 1.0, 1),
    "skin_hit": (0.8, 1.0, 1),
    "skin_chroma": (0.85, 1.1, 1),
    "chroma_ratio": (0.95, 1.05, 16),
    "red_share_ratio": (0.9, 1.1, 4),
    "false_red": (0.0, 0.04, 1),
    "neutral_leakage": (0.0, 10.0, 1),
}
"""By score, the range that is wanted and how much it counts; `shortfall` adds up what is missed."""

CORRECTIONS = (0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
QUANTILES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)

PIXELS, SKIN = 256, 64  # of a photograph, and of a face, that are looked at


@dataclass(frozen=True)
class Sample:
    """Pixels of some photographs, as many of each, or of some faces.

    Attributes:
        logits: float16 (N, Q, 1, K), what the network says of them.
        lab: float32 (N, 3, 1, K), their true colors, CIELAB.
    """

    logits: Tensor
    lab: Tensor


@dataclass(frozen=True)
class Decoding:
    """How classes become colors: what `Flagship` takes."""

    correction: float
    quantile: float


@torch.no_grad()
def collect(
    network: Flagship,
    metadata: WeightsMetadata,
    photos: References,
    read: Read,
    *,
    places: Sequence[int],
) -> tuple[Sample, Sample]:
    """Ask a network about random pixels of photographs and of their faces.

    Args:
        network: on the CPU, ready for use.
        metadata: its size at use.
        photos: their true colors.
        read: gets the photographs.
        places: which of them.

    Returns:
        The photographs' pixels, and the faces', of the ellipses that `skin_hit` counts.
    """
    random = np.random.default_rng(0)
    found: tuple[list[Sample], list[Sample]] = [], []
    for place in tqdm(places, desc="looks", unit="photo", disable=None):
        rgb, reference = read(photos.ids[place]), photos[place]
        shape = metadata.shape(*rgb.shape[:2])
        seen = rgb_to_lab(resize(rgb, size=shape, resample=metadata.resample))[None, :1]
        with torch.autocast("cpu", torch.bfloat16, enabled=computes_bf16(torch.device("cpu"))):
            logits = network.logits(normalize_lightness(torch.from_numpy(seen)))
        lab = torch.from_numpy(rgb_to_lab(reference.rgb))
        for parts, wanted, count in zip(found, _masks(reference, lab), (PIXELS, SKIN), strict=True):
            for mask in wanted:
                where = random.choice(np.flatnonzero(mask), count)
                parts.append(_look_at(torch.from_numpy(where), logits, lab))
    everywhere, faces = (_together(parts, logits.shape[1]) for parts in found)
    return everywhere, faces


def _masks(reference: Reference, lab: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return which pixels count: of the whole photograph, and of each face in it."""
    whole = torch.ones(lab.shape[1:], dtype=torch.bool)
    colored = torch.hypot(lab[1], lab[2]) > COLORED
    faces = [colored & skin.ellipse(face, whole) for face in reference.faces]
    return [whole], [face for face in faces if face.any()]


def _look_at(where: Tensor, logits: Tensor, lab: Tensor) -> Sample:
    """Return what (1, Q, h, w) logits and true colors, (3, H, W), say of flat places, (K,)."""
    height, width = lab.shape[1:]
    down = (2 * (where // width) + 1) / height - 1
    across = (2 * (where % width) + 1) / width - 1
    grid = torch.stack((across, down), dim=-1)[None, None].float()
    found = F.grid_sample(logits.float(), grid, padding_mode="border", align_corners=False)
    return Sample(found.half(), lab.flatten(1)[None, :, None, where])


def _together(parts: list[Sample], classes: int) -> Sample:
    if not parts:
        return Sample(torch.zeros(0, classes, 1, 1).half(), torch.zeros(0, 3, 1, 1))
    return Sample(torch.cat([p.logits for p in parts]), torch.cat([p.lab for p in parts]))


@torch.no_grad()
def choose(
    network: Flagship, everywhere: Sample, faces: Sample
) -> tuple[Decoding, dict[str, float]]:
    """Return the settings whose scores fall the least short of `GOALS`, and the scores."""
    best: tuple[float, Decoding, dict[str, float]] | None = None
    grid = [Decoding(*settings) for settings in product(CORRECTIONS, QUANTILES)]
    for decoding in tqdm(grid, desc="settings", disable=None):
        scores = score(network, decoding, everywhere, faces)
        missed = shortfall(scores)
        if best is None or missed < best[0]:
            best = missed, decoding, scores
    assert best is not None
    return best[1:]


@torch.no_grad()
def score(
    network: Flagship, decoding: Decoding, everywhere: Sample, faces: Sample
) -> dict[str, float]:
    """Return the scores of settings."""
    colors = (_decoded(network, sample, decoding) for sample in (everywhere, faces))
    return _scores(next(colors), everywhere, next(colors), faces)


def shortfall(scores: dict[str, float]) -> float:
    """Return how far scores are from `GOALS`: the squares of what they miss, in the goals, weighed.

    Example:
        >>> goals = {name: low or high for name, (low, high, _) in GOALS.items()}
        >>> shortfall(goals), round(shortfall(goals | {"false_red": 0.06}), 9)
        (0.0, 0.25)
    """
    missed = 0.0
    for name, (low, high, weight) in GOALS.items():
        if not math.isnan(scores.get(name, math.nan)):  # some need a pixel that there may not be
            least = max(0.0, 1 - scores[name] / low) if low else 0.0
            missed += weight * max(least, scores[name] / high - 1) ** 2
    return missed


def _decoded(network: Flagship, sample: Sample, decoding: Decoding) -> Tensor:
    """Return the colors, (N, 2, 1, K), CIELAB units."""
    log_weights = decoding.correction * network.log_weights.view(1, -1, 1, 1)
    parts = [
        network.typical(part.float() - log_weights, decoding.quantile)
        for part in torch.split(sample.logits, 32)
    ]
    return torch.cat(parts)


def _pair(ab: Tensor, sample: Sample) -> Pair:
    preds = torch.cat((sample.lab[:, :1], ab), dim=1)
    nothing = torch.empty(0)
    return Pair(preds, sample.lab, (nothing, nothing), own_ab=(nothing, nothing), faces=())


def _scores(ab: Tensor, everywhere: Sample, of_faces: Tensor, faces: Sample) -> dict[str, float]:
    pair, face = _pair(ab, everywhere), _pair(of_faces, faces)
    found = {
        "hue_hit": color_bias.hue_hit(pair),
        "hue_hit_blue": color_bias.hue_hit(pair, sector=(200, 300)),
        "hue_hit_green": color_bias.hue_hit(pair, sector=(100, 170)),
        "chroma_ratio": color_bias.chroma_ratio(pair),
        "neutral_leakage": color_bias.neutral_leakage(pair),
        "false_red": color_bias.false_red(pair),
    }
    scores = {name: float(part.sum() / whole.sum()) for name, (part, whole) in found.items()}
    sums = (part.sum() for part in color_bias.red_shares(pair))
    scores["red_share_ratio"] = float(color_bias.red_share_ratio(*sums))
    if len(of_faces):
        hit = (face.chroma[0] > COLORED) & (hue_error(*face.hue) <= skin.HIT)
        scores["skin_hit"] = float(hit.float().mean())
        scores["skin_chroma"] = float(face.chroma[0].mean() / face.chroma[1].mean())
    return scores
