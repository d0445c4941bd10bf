"""The baselines that any model must beat: colors that no network predicts."""

import torch
from torch import Tensor

from colorizer.data.dataset import LabDataset
from colorizer.evaluation.evaluate import Predict

SEED = 7

AT_ONCE = 64  # photographs in memory


def make_baselines(train: LabDataset, test: LabDataset) -> dict[str, Predict]:
    """Return the four predictions with which every score is compared.

    Args:
        train: the training photographs.
        test: the photographs that are predicted.

    Returns:
        `gray`: no color; `mean`: the training photographs' mean color everywhere; `random`: the
        colors of another test photograph; `truth`: the original's own.
    """
    mean = mean_ab(train)
    others = others_of(len(test))

    def colors(ab: Tensor, lightness: Tensor) -> Tensor:
        return ab.float().to(lightness.device).expand(len(lightness), 2, *lightness.shape[2:])

    return {
        "gray": lambda lightness, _: colors(torch.zeros(1, 2, 1, 1), lightness),
        "mean": lambda lightness, _: colors(mean.view(1, 2, 1, 1), lightness),
        "random": lambda lightness, rows: colors(test.ab[others[rows]], lightness),
        "truth": lambda lightness, rows: colors(test.ab[rows], lightness),
    }


def mean_ab(photos: LabDataset) -> Tensor:
    """Return the mean a* and b* over all pixels: float32 (2,), CIELAB units."""
    starts = range(0, len(photos), AT_ONCE)
    parts = [photos.ab[start : start + AT_ONCE].float().mean((2, 3)) for start in starts]
    return torch.cat(parts).mean(0)


def others_of(count: int) -> Tensor:
    """Return for each of `count` photographs another one; each is taken once.

    Returns:
        int64 (count,). A single photograph has no other and is returned itself.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(SEED))
    others = torch.empty_like(order)
    others[order] = order.roll(1)
    return others
