"""The scores of `metrics` and of colorfulness, each of a `Pair`: one number a photograph, (N,)."""

from torch import Tensor, ones_like

from colorizer.color.lab import normalize_ab
from colorizer.evaluation.scoring import metrics
from colorizer.evaluation.scoring.pair import Pair
from colorizer.evaluation.scoring.sums import Sums


def l2(pair: Pair) -> Tensor:
    """Return the mean squared error of the network's own normalized ab, as the study has it.

    Alone among the scores it is not of the pixels that users get: it is of the colors at the size
    at which the network sees a photograph, as training minimizes them.
    """
    preds, target = pair.own_ab
    return metrics.squared_error(normalize_ab(preds), normalize_ab(target))


def l2_lab(pair: Pair) -> Tensor:
    """Return the mean squared error of ab, CIELAB units."""
    return metrics.squared_error(pair.preds[:, 1:], pair.target[:, 1:])


def psnr(pair: Pair) -> Tensor:
    """Return the peak signal-to-noise ratio, dB."""
    return metrics.psnr(*pair.rgb)


def ssim(pair: Pair) -> Tensor:
    """Return the structural similarity, at most 1."""
    return metrics.ssim(*pair.rgb)


def delta_e2000(pair: Pair) -> Tensor:
    """Return the mean CIEDE2000 over pixels."""
    return metrics.delta_e2000(pair.preds, pair.target).flatten(1).mean(1)


def auc(pair: Pair) -> Tensor:
    """Return the mean `accuracy` over pixels, 0..1."""
    return _accuracy(pair).flatten(1).mean(1)


def auc_rebalanced(pair: Pair) -> Sums:
    """Return the mean over pixels of the weighted accuracy, and of the weights."""
    assert pair.histogram is not None
    weights = metrics.color_weights(pair.target[:, 1:], pair.histogram)
    return (weights * _accuracy(pair)).flatten(1).mean(1), weights.flatten(1).mean(1)


def colorful(pair: Pair) -> Tensor:
    """Return the colorfulness of what is predicted."""
    return pair.colorfulness[0]


def colorful_original(pair: Pair) -> Tensor:
    """Return the colorfulness of the originals."""
    return pair.colorfulness[1]


def colorfulness_distance(pair: Pair) -> Tensor:
    """Return the absolute difference of the two."""
    return (colorful(pair) - colorful_original(pair)).abs()


def colorfulness_excess(pair: Pair) -> Sums:
    """Return how much more colorful than its original each photograph is, and 1."""
    excess = colorful(pair) - colorful_original(pair)
    return excess, ones_like(excess)


def absolute_colorful(pair: Pair) -> Tensor:
    """Return the `absolute_colorfulness` of what is predicted."""
    return pair.absolute_colorfulness[0]


def absolute_colorful_original(pair: Pair) -> Tensor:
    """Return the `absolute_colorfulness` of the originals."""
    return pair.absolute_colorfulness[1]


def absolute_colorfulness_excess(pair: Pair) -> Sums:
    """Return how much more colorful so than its original each photograph is, and 1."""
    excess = absolute_colorful(pair) - absolute_colorful_original(pair)
    return excess, ones_like(excess)


def _accuracy(pair: Pair) -> Tensor:
    return metrics.accuracy(pair.preds[:, 1:], pair.target[:, 1:])
