"""Chooses how a network's classes become colors, by photographs that it did not learn from.

A network that says how likely each color is leaves open which of them to show. The mean is dull,
and what makes it vivid raises casts on gray things too. Nothing here is trained: the settings are
tried on some pixels of each validation photograph and weighed by `GOALS`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from colorizer.color.ab_quantization import annealed_mean
from colorizer.color.lab import denormalize_ab, normalize_ab, normalize_lightness, rgb_to_lab
from colorizer.data.references import Reference, References
from colorizer.evaluation.predictions import Read
from colorizer.evaluation.scoring import color_bias, skin
from colorizer.evaluation.scoring.pair import COLORED, Pair, hue_error
from colorizer.models.flagship import Flagship
from colorizer.models.hardware import computes_bf16
from colorizer.models.heads import bend_chroma
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.resize import resize

GOALS = {
    "hue_hit": (0.8, 1.0, 16),
    "hue_hit_blue": (0.8, 1.0, 1),
    "hue_hit_green": (0.85, 1.0, 1),
    "skin_hit": (0.8, 1.0, 1),
    "skin_chroma": (0.85, 1.1, 1),
    "red_share_ratio": (0.9, 1.1, 4),
    "false_red": (0.0, 0.04, 1),
    "neutral_leakage": (0.0, 10.0, 1),
}
"""By score, the range that is wanted and how much it counts; `shortfall` adds up what is missed."""

CHROMA = 0.98
"""Of the originals': the gain is what gives it. Smoothing takes one or two hundredths more."""

CORRECTIONS = (0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
TEMPERATURES = (0.35, 0.5, 0.7, 1.0)  # lower ones gather all in spots of the likeliest color
EXPONENTS = (0.6, 0.7, 0.85, 1.0)

PIXELS, SKIN = 256, 64  # of a photograph, and of a face, that are looked at
STEPS = 8  # of fixed-point iteration for the gain


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
    temperature: float
    exponent: float
    gain: float = 1.0


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
    for decoding, whole, skins in _tried(network, everywhere, faces):
        scores = _scores(whole, everywhere, skins, faces)
        missed = shortfall(scores)
        if best is None or missed < best[0]:
            best = missed, decoding, scores
    assert best is not None
    return best[1:]


@torch.no_grad()
def score(
    network: Flagship, decoding: Decoding, everywhere: Sample, faces: Sample
) -> dict[str, float]:
    """Return the scores of settings on other pixels than those they were chosen by."""
    parts = (
        _bent(_mean(network, sample, decoding), decoding.exponent, decoding.gain)
        for sample in (everywhere, faces)
    )
    return _scores(next(parts), everywhere, next(parts), faces)


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


def _tried(
    network: Flagship, everywhere: Sample, faces: Sample
) -> Iterator[tuple[Decoding, Tensor, Tensor]]:
    """Yield all settings with their colors, of photographs and of faces."""
    grid = list(product(CORRECTIONS, TEMPERATURES))
    for correction, temperature in tqdm(grid, desc="settings", disable=None):
        plain = Decoding(correction, temperature, 1.0)
        means = _mean(network, everywhere, plain), _mean(network, faces, plain)
        for exponent in EXPONENTS:
            gain = _gain(means[0], exponent, everywhere)
            bent = [_bent(mean, exponent, gain) for mean in means]
            yield Decoding(correction, temperature, exponent, gain), bent[0], bent[1]


def _mean(network: Flagship, sample: Sample, decoding: Decoding) -> Tensor:
    """Return the mean colors, normalized ab (N, 2, 1, K)."""
    log_weights = decoding.correction * network.log_weights.view(1, -1, 1, 1)
    parts = [
        annealed_mean(part.float() - log_weights, network.centers, decoding.temperature)
        for part in torch.split(sample.logits, 32)
    ]
    return normalize_ab(torch.cat(parts))


def _bent(mean: Tensor, exponent: float, gain: float) -> Tensor:
    return denormalize_ab(bend_chroma(mean, gain, exponent))


def _gain(mean: Tensor, exponent: float, sample: Sample) -> float:
    """Return the gain at which colors have `CHROMA` of the true chroma."""
    gain = 1.0
    for _ in range(STEPS):
        chroma, true_chroma = color_bias.chroma_ratio(_pair(_bent(mean, exponent, gain), sample))
        gain *= CHROMA * float(true_chroma.sum() / chroma.sum())
    return round(gain, 3)


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
