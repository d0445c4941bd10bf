"""Color bias: how a model's colors lean, photograph by photograph.

There is no standard measure of a colorizer's bias; these are this project's own. CIELAB chroma is
C = sqrt(a^2 + b^2), hue is h = atan2(b, a). Pixels count where 10 < L* < 95, since color is hardly
seen in black and white, and where the color predicted or the true one has C > 8.

Each function returns what a photograph adds: sums, each (N,), of which the score is usually the
first over the second. So photographs can be drawn again, as a bootstrap does, without looking at
pixels again. The sums are shares of the photograph's pixels: photographs weigh the same, whatever
their proportions.
"""

import torch
from torch import Tensor

from colorizer.evaluation.scoring.pair import COLORED, Pair, hue_error
from colorizer.evaluation.scoring.sums import Sums, ratio

SURELY_COLORED = 10.0  # C above which an original's pixel must not turn red
VIVID = 15.0  # C above which an original's hue is to be hit
NEUTRAL = 5.0  # C below which an original's pixel has no color
RED = (0.0, 50.0)  # degrees; sRGB's red lies at 40
HIT = 45.0  # degrees from the original's hue
HUE_BINS = 24


def delta_a(pair: Pair) -> Sums:
    """Return the mean over pixels of a* less the original's; positive is a lean toward red."""
    difference = pair.preds[:, 1] - pair.target[:, 1]
    return _total(difference, pair.colored), _share(pair.colored)


def delta_b(pair: Pair) -> Sums:
    """Return the mean over pixels of b* less the original's; positive is a lean toward yellow."""
    difference = pair.preds[:, 2] - pair.target[:, 2]
    return _total(difference, pair.colored), _share(pair.colored)


def chroma_ratio(pair: Pair) -> Sums:
    """Return the chroma predicted over the true one; 1 is right, less is dull."""
    chroma, true_chroma = pair.chroma
    return _total(chroma, pair.colored), _total(true_chroma, pair.colored)


def neutral_leakage(pair: Pair) -> Sums:
    """Return the mean C predicted where the original has C < 5."""
    chroma, true_chroma = pair.chroma
    neutral = pair.seen & (true_chroma < NEUTRAL)
    return _total(chroma, neutral), _share(neutral)


def false_red(pair: Pair) -> Sums:
    """Return the share of surely colored pixels (C > 10), not red, that turn red, with C > 8."""
    return _share(falsely_red(pair)), _share(_surely_colored(pair) & ~_is_red(pair.hue[1]))


def falsely_red(pair: Pair) -> Tensor:
    """Return which pixels `false_red` counts: bool (N, H, W)."""
    return _surely_colored(pair) & ~_is_red(pair.hue[1]) & _turned_red(pair)


def red_recall(pair: Pair) -> Sums:
    """Return the share of the surely red pixels that turn red."""
    truly_red = _surely_colored(pair) & _is_red(pair.hue[1])
    return _share(truly_red & _turned_red(pair)), _share(truly_red)


def red_shares(pair: Pair) -> Sums:
    """Return red chroma and all chroma, and the same of the originals, for `red_share_ratio`."""
    sums: Sums = ()
    for chroma, hue in zip(pair.chroma, pair.hue, strict=True):
        sums += _total(chroma, pair.colored & _is_red(hue)), _total(chroma, pair.colored)
    return sums


def red_share_ratio(red: Tensor, chroma: Tensor, true_red: Tensor, true_chroma: Tensor) -> Tensor:
    """Return red's share of the chroma over that of the originals; 1 is right."""
    return ratio(ratio(red, chroma), ratio(true_red, true_chroma))


def hue_histograms(pair: Pair) -> Sums:
    """Return the chroma in each of `HUE_BINS` equal bins of hue from 0°, then the originals'."""
    sums: Sums = ()
    for chroma, hue in zip(pair.chroma, pair.hue, strict=True):
        bins = (hue.flatten(1) * (HUE_BINS / 360)).long().clamp(max=HUE_BINS - 1)
        counted = torch.where(pair.colored, chroma, 0.0).flatten(1)
        empty = torch.zeros(len(hue), HUE_BINS, dtype=chroma.dtype, device=chroma.device)
        sums += (empty.scatter_add_(1, bins, counted) / counted.shape[1]).unbind(1)
    return sums


def hue_distance(*sums: Tensor) -> Tensor:
    """Return the `circular_distance` of what is predicted from the originals, of histograms."""
    return circular_distance(torch.stack(sums[:HUE_BINS], -1), torch.stack(sums[HUE_BINS:], -1))


def hue_hit(pair: Pair, *, sector: tuple[float, float] | None = None) -> Sums:
    """Return the share of vivid pixels (C > 15) that get their hue within 45°, with C > 8.

    It is what a person means by "the right color", and can be bought with too much color: read it
    beside `chroma_ratio`, `red_share_ratio` and `neutral_leakage`.

    Args:
        pair: the batch.
        sector: hues of the originals' pixels that count, degrees, from the first to the last; all
            by default.
    """
    (chroma, true_chroma), (hue, true_hue) = pair.chroma, pair.hue
    vivid = pair.seen & (true_chroma > VIVID)
    if sector is not None:
        first, last = sector
        vivid &= (true_hue - first) % 360 <= (last - first) % 360
    hit = vivid & (chroma > COLORED) & (hue_error(hue, true_hue) <= HIT)
    return _share(hit), _share(vivid)


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


def _surely_colored(pair: Pair) -> Tensor:
    return pair.seen & (pair.chroma[1] > SURELY_COLORED)


def _turned_red(pair: Pair) -> Tensor:
    return _is_red(pair.hue[0]) & (pair.chroma[0] > COLORED)


def _is_red(hue: Tensor) -> Tensor:
    return (hue >= RED[0]) & (hue <= RED[1])


def _total(values: Tensor, where: Tensor) -> Tensor:
    """Return the sum of values where they count, over the number of all pixels."""
    return torch.where(where, values, 0.0).flatten(1).mean(1)


def _share(where: Tensor) -> Tensor:
    return where.flatten(1).float().mean(1)
