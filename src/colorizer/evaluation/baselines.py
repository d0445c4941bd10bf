"""The baselines that any model must beat: colors that no network predicts."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorizer.color.lab import rgb_to_lab
from colorizer.data.dataset import LabDataset
from colorizer.data.references import References
from colorizer.evaluation.evaluate import Predict, Prediction
from colorizer.photo.resize import resize

SEED = 7

AT_ONCE = 64  # photographs in memory

Ab = NDArray[np.float32]

Shape = Callable[[int, int], tuple[int, int]]
"""From a photograph's height and width to those at which a network sees it."""


def make_baselines(mean: Tensor, photos: References, seen: Shape) -> dict[str, Predict]:
    """Return the four predictions with which every score is compared.

    Args:
        mean: one mean color, float (2,), CIELAB units.
        photos: the photographs that are predicted.
        seen: the size at which `l2` is taken: that of the networks that are scored beside them.

    Returns:
        `gray`: no color; `mean`: the mean color everywhere; `random`: the colors of another
        photograph; `truth`: the original's own.
    """
    others = others_of(len(photos))

    def ab_of(place: int, shape: tuple[int, int]) -> Ab:
        return rgb_to_lab(resize(photos[place].rgb, size=shape, resample="bicubic"))[1:]

    def baseline(colors: Callable[[int, Ab], Ab]) -> Predict:
        def predict(place: int) -> Prediction:
            true_ab = ab_of(place, seen(*photos.shapes[place]))
            return Prediction(colors(place, true_ab), true_ab)

        return predict

    def truth(place: int) -> Prediction:
        ab = rgb_to_lab(photos[place].rgb)[1:]
        return Prediction(ab, ab)

    everywhere = mean.float().view(2, 1, 1).numpy()
    return {
        "gray": baseline(lambda _, true_ab: np.zeros_like(true_ab)),
        "mean": baseline(lambda _, true_ab: np.zeros_like(true_ab) + everywhere),
        "random": baseline(lambda place, ab: ab_of(int(others[place]), ab.shape[1:])),
        "truth": truth,
    }


def mean_of_lab(photos: LabDataset) -> Tensor:
    """Return the mean a* and b* over all pixels of training photographs: float32 (2,)."""
    batches = photos.lab_batches(AT_ONCE, device=torch.device("cpu"))
    return torch.cat([ab.mean((2, 3)) for _, ab in batches]).mean(0)


def mean_of_references(photos: References) -> Tensor:
    """Return the mean over references of their mean a* and b*: float32 (2,), CIELAB units."""
    means = [rgb_to_lab(photos[place].rgb)[1:].mean((1, 2)) for place in range(len(photos))]
    return torch.from_numpy(np.mean(means, axis=0))


def others_of(count: int) -> Tensor:
    """Return for each of `count` photographs another one; each is taken once.

    Returns:
        int64 (count,). A single photograph has no other and is returned itself.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(SEED))
    others = torch.empty_like(order)
    others[order] = order.roll(1)
    return others
