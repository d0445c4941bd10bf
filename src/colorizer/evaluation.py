"""A model's scores on test photographs, photograph by photograph."""

from collections.abc import Iterator

import pandas as pd
import torch
from torch import Tensor

from colorizer.color import denormalize_ab
from colorizer.color_tensor import lab_to_rgb
from colorizer.dataset import LabDataset
from colorizer.metrics import colourfulness, delta_e2000, psnr, squared_error, ssim
from colorizer.torch_network import TorchNetwork


def evaluate(network: TorchNetwork, photos: LabDataset, *, batch_size: int) -> pd.DataFrame:
    """Score a model on photographs.

    Returns:
        per_image.csv, a row a photograph: `id`; `l2` (normalized ab) and `l2_lab` (CIELAB units),
        mean squared errors; `psnr` (dB) and `ssim` on uint8 sRGB; `delta_e2000`, a mean over
        pixels; `colourfulness` and `colourfulness_original`.
    """
    parts = [_score(preds, target) for preds, target in _predict(network, photos, batch_size)]
    table = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    table.insert(0, "id", photos.ids)
    return table


def summarize(table: pd.DataFrame) -> dict[str, float]:
    """Return metrics.json: the means over photographs, and how far colourfulness is off.

    `colourfulness_distance` is the mean over photographs of the absolute difference from the
    original; `colourfulness_gap` is the absolute difference of the two means.
    """
    difference = table["colourfulness"] - table["colourfulness_original"]
    return {
        "photographs": len(table),
        **{name: float(table[name].mean()) for name in table.columns if name != "id"},
        "colourfulness_distance": float(difference.abs().mean()),
        "colourfulness_gap": float(abs(difference.mean())),
    }


def _predict(
    network: TorchNetwork, photos: LabDataset, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    for normalized, ab in photos.batches(batch_size, device=network.device):
        lightness = (normalized + 1) * 50
        preds = torch.cat((lightness, network.predict_ab(lightness)), dim=1)
        yield preds, torch.cat((lightness, denormalize_ab(ab)), dim=1)


def _score(preds: Tensor, target: Tensor) -> dict[str, list[float]]:
    rgb, rgb_target = lab_to_rgb(preds), lab_to_rgb(target)
    l2_lab = squared_error(preds[:, 1:], target[:, 1:])
    scores = {
        "l2": l2_lab / denormalize_ab(torch.ones(())).square(),
        "l2_lab": l2_lab,
        "psnr": psnr(rgb, rgb_target),
        "ssim": ssim(rgb, rgb_target),
        "delta_e2000": delta_e2000(preds, target).flatten(1).mean(1),
        "colourfulness": colourfulness(rgb),
        "colourfulness_original": colourfulness(rgb_target),
    }
    return {name: values.tolist() for name, values in scores.items()}
