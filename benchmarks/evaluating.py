"""Scoring a network: all measures on every photograph, beside predicting alone.

python benchmarks/evaluating.py [--count 1000] [--short]
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import photographs
import torch
import typer
from numpy.typing import NDArray
from rounds import Way, check, save, table, take_turns
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from colorizer.color.recoloring import recolor
from colorizer.data.make_references import to_reference
from colorizer.data.references import References, write_references
from colorizer.evaluation.evaluate import Predict, evaluate
from colorizer.evaluation.predictions import by_network
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import load_params
from colorizer.photo.decode import decode
from colorizer.photo.parallel import map_photos, one_thread_each

Scores = NDArray[np.float64]

ROOT = Path(__file__).parents[1]


def main(
    count: Annotated[int, typer.Option(help="Photographs.")] = 64,
    side: Annotated[int, typer.Option(help="Of what the networks see, in pixels.")] = 320,
    rounds: int = 3,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure scoring."""
    if short:
        count, side, rounds = 6, 64, 1
    files = {str(n): file for n, file in enumerate(photographs.read(photographs.SAMPLE, count))}
    with TemporaryDirectory() as folder:
        made = ((n, to_reference(decode(file).rgb)) for n, file in files.items())
        write_references(Path(folder), "test", made)
        photos = References.open(Path(folder), "test")
        models = load_params(ROOT / "params.yaml").models
        results = [score(name, files, photos, side, rounds) for name in models]
    save("evaluating", {"photographs": count, "side": side, "results": results})


def score(
    name: str, files: dict[str, bytes], photos: References, side: int, rounds: int
) -> dict[str, object]:
    """All scores, beside three of them by scikit-image, and beside predicting alone."""
    torch.manual_seed(7)
    metadata = WeightsMetadata(name, {}, side)
    network = TorchNetwork(create_model(name), metadata, precision="float32")
    predict = by_network(network, photos, lambda photo_id: decode(files[photo_id]).rgb)

    def forward() -> None:
        with one_thread_each():
            for _ in map_photos(predict, range(len(photos))):
                pass

    few = 4
    print(f"{name}, agreement on {few} photographs:")
    theirs = _by_skimage(predict, photos, few)
    found = evaluate(predict, photos)[:few]
    apart = {
        metric: check(f"{metric}, largest difference", float(np.abs(found[metric] - t).max()), most)
        for (metric, t), most in zip(theirs.items(), (0.05, 0.005, 0.01), strict=True)
    }
    seconds = take_turns(
        {
            "PSNR, SSIM, dE2000 by scikit-image": Way(
                lambda: _by_skimage(predict, photos, few), few
            ),
            "colorizer, all scores": Way(lambda: evaluate(predict, photos), len(photos)),
            "predicting alone": Way(forward, len(photos)),
        },
        rounds=rounds,
    )
    title = f"{name}: {len(photos)} photographs, seen at {side}x{side} pixels"
    user, *_, limit = seconds
    return {"agreement": apart, **table(title, seconds, unit="photos", user=user, limit=limit)}


def _by_skimage(predict: Predict, photos: References, count: int) -> dict[str, Scores]:
    scores = []
    for place in range(count):
        original = photos[place].rgb
        shown = recolor(original, predict(place).ab)
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
        difference = deltaE_ciede2000(rgb2lab(original), rgb2lab(shown)).mean()
        scores.append((noise, similarity.mean(), difference))
    return dict(zip(("psnr", "ssim", "delta_e2000"), np.array(scores).T, strict=True))


if __name__ == "__main__":
    typer.run(main)
