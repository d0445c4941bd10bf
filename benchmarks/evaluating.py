"""Scoring a network: all measures on every photograph, beside its forward pass alone.

python benchmarks/evaluating.py [--count 1000] [--short]
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import photographs
import torch
import typer
from numpy.typing import NDArray
from rounds import Way, check, save, table, take_turns
from skimage.color import deltaE_ciede2000, lab2rgb
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from colorizer.color.lab import rgb_to_lab
from colorizer.color.lab_torch import fit_to_srgb, lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.evaluate import evaluate
from colorizer.evaluation.predictions import by_network
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import load_params
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

Picture = NDArray[np.float64]

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")


def main(
    count: Annotated[int, typer.Option(help="Photographs.")] = 64,
    side: Annotated[int, typer.Option(help="Of the photographs, in pixels.")] = 320,
    batch_size: int = 4,
    rounds: int = 3,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure scoring."""
    if short:
        count, side, rounds = 6, 64, 1
    photos = _photos(count, side)
    models = load_params(ROOT / "params.yaml").models
    results = [score(name, photos, batch_size, rounds) for name in models]
    save("evaluating", {"photographs": count, "side": side, "results": results})


def score(name: str, photos: LabDataset, batch_size: int, rounds: int) -> dict[str, object]:
    """All scores, beside three of them by scikit-image, and beside predicting alone."""
    torch.manual_seed(7)
    metadata = WeightsMetadata(name, {}, photos.size)
    network = TorchNetwork(create_model(name), metadata, precision="float32")

    def forward() -> None:
        for lightness, _ in photos.lab_batches(batch_size, device=CPU):
            network.predict_ab(lightness)

    def ours() -> pd.DataFrame:
        return evaluate(by_network(network), photos, batch_size=batch_size)

    few = LabDataset(photos.lightness[:4], photos.ab[:4], photos.ids[:4], digest="")
    print(f"{name}, agreement on {len(few)} photographs:")
    theirs = _by_skimage(network, few, _show)  # which treats colors that sRGB lacks otherwise
    found = evaluate(by_network(network), few, batch_size=batch_size)
    apart = {
        metric: check(f"{metric}, largest difference", float(np.abs(found[metric] - t).max()), most)
        for (metric, t), most in zip(theirs.items(), (0.05, 0.005, 0.01), strict=True)
    }
    seconds = take_turns(
        {
            "PSNR, SSIM, dE2000 by scikit-image": Way(
                lambda: _by_skimage(network, few, _show_by_skimage), len(few)
            ),
            "colorizer, all scores": Way(ours, len(photos)),
            "the network's forward pass alone": Way(forward, len(photos)),
        },
        rounds=rounds,
    )
    title = f"{name}: {len(photos)} photographs of {photos.size}x{photos.size} pixels"
    user, *_, limit = seconds
    return {"agreement": apart, **table(title, seconds, unit="photos", user=user, limit=limit)}


def _show(lab: Picture) -> tuple[Picture, NDArray[np.uint8]]:
    """Return the colors that sRGB can show, and their pixels."""
    planes = fit_to_srgb(torch.from_numpy(lab).float().permute(2, 0, 1)[None])
    fitted, pixels = (p[0].permute(1, 2, 0).numpy() for p in (planes, lab_to_rgb(planes)))
    return fitted.astype(np.float64), pixels


def _show_by_skimage(lab: Picture) -> tuple[Picture, NDArray[np.uint8]]:
    with warnings.catch_warnings():  # of colors that sRGB lacks
        warnings.simplefilter("ignore")
        return lab, (lab2rgb(lab) * 255).round().astype(np.uint8)


def _by_skimage(
    network: TorchNetwork,
    photos: LabDataset,
    show: Callable[[Picture], tuple[Picture, NDArray[np.uint8]]],
) -> dict[str, Picture]:
    scores = []
    for lightness, ab in zip(photos.lightness.float(), photos.ab.float(), strict=True):
        predicted = network.predict_ab(lightness[None])[0]
        lab, truth = (
            torch.cat((lightness, one)).permute(1, 2, 0).double().numpy() for one in (predicted, ab)
        )
        (lab, shown), (truth, original) = show(lab), show(truth)
        _, similarity = structural_similarity(
            original,
            shown,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            full=True,  # with its border, as ours
        )
        noise = peak_signal_noise_ratio(original, shown, data_range=255)
        scores.append((noise, similarity.mean(), deltaE_ciede2000(lab, truth).mean()))
    return dict(zip(("psnr", "ssim", "delta_e2000"), np.array(scores).T, strict=True))


def _photos(count: int, side: int) -> LabDataset:
    files = photographs.read(photographs.SAMPLE, count)
    pictures = (resize(decode(file).rgb, size=side, resample="bicubic") for file in files)
    lab = torch.from_numpy(np.stack([rgb_to_lab(rgb).astype(np.float16) for rgb in pictures]))
    return LabDataset(lab[:, :1], lab[:, 1:], [str(n) for n in range(count)], digest="")


if __name__ == "__main__":
    typer.run(main)
