"""Color bias: how a model's colors lean, photograph by photograph.

There is no standard measure of a colorizer's bias; these are this project's own. CIELAB chroma is
C = sqrt(a^2 + b^2), hue is h = atan2(b, a). Pixels count where 10 < L* < 95, since color is hardly
seen in black and white, and where the color predicted or the true one has C > 8.

A photograph adds to sums and counts, from which `rates` makes the measures of any set of
photographs: photographs can be drawn again, as a bootstrap does, without looking at pixels again.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

DARKEST, BRIGHTEST = 10.0, 95.0  # L* between which color is seen
COLORED = 8.0  # C above which a pixel has a color
SURELY_COLORED = 10.0  # C above which an original's pixel must not turn red
NEUTRAL = 5.0  # C below which an original's pixel has no color
RED = (0.0, 50.0)  # degrees; sRGB's red lies at 40
HUE_BINS = 24

HUES = tuple(f"hue_{bin:02d}" for bin in range(HUE_BINS))
TRUE_HUES = tuple(f"true_{name}" for name in HUES)


def bias_sums(
    preds: Tensor, target: Tensor, *, max_lightness: float = BRIGHTEST
) -> dict[str, Tensor]:
    """Return what each photograph adds to the measures of bias.

    Args:
        preds: float (N, 3, H, W), CIELAB.
        target: the original, of the same shape and lightness.
        max_lightness: only pixels below this L* count; 30 for what lies in the dark.

    Returns:
        Each (N,): counts of pixels (`colored`, `not_red`, `false_red`, `red`,
        `found_red`, `neutral`), sums over pixels of CIELAB units (`delta_a`, `delta_b`, `chroma`,
        `true_chroma`, `neutral_chroma`), and chroma by hue, `HUES` and `TRUE_HUES`, of 15 degrees
        each from 0.
    """
    lightness, a, b = preds.float().unbind(1)
    _, true_a, true_b = target.float().unbind(1)
    chroma, true_chroma = torch.hypot(a, b), torch.hypot(true_a, true_b)
    hue, true_hue = _hue(a, b), _hue(true_a, true_b)
    seen = _is_seen(lightness, max_lightness)
    counted = seen & ((chroma > COLORED) | (true_chroma > COLORED))
    red = _is_red(hue) & (chroma > COLORED)
    sure = seen & (true_chroma > SURELY_COLORED)
    truly_red, not_red = sure & _is_red(true_hue), sure & ~_is_red(true_hue)
    neutral = seen & (true_chroma < NEUTRAL)

    def total(values: Tensor, where: Tensor) -> Tensor:
        return torch.where(where, values, 0.0).flatten(1).sum(1)

    one = torch.ones_like(chroma)
    sums = {
        "colored": total(one, counted),
        "delta_a": total(a - true_a, counted),
        "delta_b": total(b - true_b, counted),
        "chroma": total(chroma, counted),
        "true_chroma": total(true_chroma, counted),
        "not_red": total(one, not_red),
        "false_red": total(one, not_red & red),
        "red": total(one, truly_red),
        "found_red": total(one, truly_red & red),
        "neutral": total(one, neutral),
        "neutral_chroma": total(chroma, neutral),
        "red_chroma": total(chroma, counted & _is_red(hue)),
        "true_red_chroma": total(true_chroma, counted & _is_red(true_hue)),
    }
    by_hue = _histogram(hue, torch.where(counted, chroma, 0.0))
    true_by_hue = _histogram(true_hue, torch.where(counted, true_chroma, 0.0))
    sums |= dict(zip(HUES, by_hue.unbind(1), strict=True))
    sums |= dict(zip(TRUE_HUES, true_by_hue.unbind(1), strict=True))
    return sums


def falsely_red(preds: Tensor, target: Tensor) -> Tensor:
    """Return which pixels `false_red` counts: surely of another color, and red now.

    Args:
        preds: float (N, 3, H, W), CIELAB.
        target: the original, of the same shape and lightness.

    Returns:
        bool (N, H, W).
    """
    lightness, a, b = preds.float().unbind(1)
    _, true_a, true_b = target.float().unbind(1)
    sure = _is_seen(lightness) & (torch.hypot(true_a, true_b) > SURELY_COLORED)
    red = _is_red(_hue(a, b)) & (torch.hypot(a, b) > COLORED)
    return sure & ~_is_red(_hue(true_a, true_b)) & red


def rates(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the measures of bias of sets of photographs.

    Args:
        sums: `bias_sums`, added up over each set's photographs, each (...,); or one photograph's.

    Returns:
        Each (...,), and NaN where no pixel counts:

        - `delta_a`, `delta_b`: mean over pixels of the difference from the original, CIELAB units;
          a positive `delta_a` is a lean toward red;
        - `chroma_ratio`: the chroma predicted over the true one; 1 is right, less is dull;
        - `red_share_ratio`: the share of chroma whose hue is red, 0..50 degrees, over the
          original's; 1 is right;
        - `false_red`: the share of surely colored pixels (C > 10) that are not red and turn red,
          with C > 8;
        - `red_recall`: the share of those that are red and turn red;
        - `neutral_leakage`: mean C predicted where the original has C < 5;
        - `hue_distance`: circular Wasserstein distance between the chroma-weighted histograms of
          hue, degrees.
    """
    hues = torch.stack([sums[name] for name in HUES], -1)
    true_hues = torch.stack([sums[name] for name in TRUE_HUES], -1)
    red_share = _ratio(sums["red_chroma"], sums["chroma"])
    true_red_share = _ratio(sums["true_red_chroma"], sums["true_chroma"])
    return {
        "delta_a": _ratio(sums["delta_a"], sums["colored"]),
        "delta_b": _ratio(sums["delta_b"], sums["colored"]),
        "chroma_ratio": _ratio(sums["chroma"], sums["true_chroma"]),
        "red_share_ratio": _ratio(red_share, true_red_share),
        "false_red": _ratio(sums["false_red"], sums["not_red"]),
        "red_recall": _ratio(sums["found_red"], sums["red"]),
        "neutral_leakage": _ratio(sums["neutral_chroma"], sums["neutral"]),
        "hue_distance": circular_distance(hues, true_hues),
    }


def circular_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return how far one distribution of hues is from another.

    Args:
        first: (..., B), weights in B equal bins round the circle; they need not add up to 1.
        second: the same.

    Returns:
        (...,), degrees, at most 180: the 1-Wasserstein distance on the circle; NaN if either has no
        weight.

    Reference:
        Rabin, Delon and Gousseau 2011, "Transportation distances on the circle": the distance on a
        line of the cumulative differences less their median.
    """
    shares = (weights / weights.sum(-1, keepdim=True) for weights in (first, second))
    ahead = torch.cumsum(next(shares) - next(shares), -1)
    # of an even number of values the lower median serves as well as any value between the two
    return (ahead - ahead.median(-1, keepdim=True).values).abs().sum(-1) * (360 / first.shape[-1])


def mean_hue(lab: Tensor) -> Tensor:
    """Return the chroma-weighted circular mean hue of each photograph.

    Args:
        lab: float (N, 3, H, W), CIELAB.

    Returns:
        (N,), degrees in 0..360; 0 for a grayscale photograph.
    """
    a, b = lab[:, 1].float().flatten(1).mean(1), lab[:, 2].float().flatten(1).mean(1)
    return _hue(a, b)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole, and NaN where there is no whole."""
    return torch.where(whole > 0, part / whole, torch.nan)


def _hue(a: Tensor, b: Tensor) -> Tensor:
    return torch.rad2deg(torch.atan2(b, a)) % 360


def _is_seen(lightness: Tensor, max_lightness: float = BRIGHTEST) -> Tensor:
    return (lightness > DARKEST) & (lightness < min(max_lightness, BRIGHTEST))


def _is_red(hue: Tensor) -> Tensor:
    return (hue >= RED[0]) & (hue <= RED[1])


def _histogram(hue: Tensor, weights: Tensor) -> Tensor:
    """Return weights by hue: (N, H, W) twice -> (N, HUE_BINS)."""
    bins = (hue.flatten(1) * (HUE_BINS / 360)).long().clamp(max=HUE_BINS - 1)
    empty = torch.zeros(len(hue), HUE_BINS, dtype=weights.dtype, device=weights.device)
    return empty.scatter_add_(1, bins, weights.flatten(1))
