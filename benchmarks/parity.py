"""Is the fast path as good as plain float32? Loss curves of both on several seeds, side by side.

    python benchmarks/parity.py [--photos ARCHIVE.zip] [--count 640] [--short]

Fast is what the pipeline does on this machine; plain is float32, contiguous tensors and Adam as
PyTorch has it by default. Both start from the same weights and see the same batches.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import photographs
import torch
import typer
from numpy.typing import NDArray
from rounds import save

from colorizer.data.dataset import LabDataset
from colorizer.data.preprocess import preprocess
from colorizer.data.workers import workers
from colorizer.models import create_model
from colorizer.params import Engine, Preprocess, Train, load_params
from colorizer.params.recipe import Recipe
from colorizer.training.engine import make_fabric
from colorizer.training.loop.fit import fit
from colorizer.training.loop.losses import Objective, l2
from colorizer.training.loop.order import permutation

ROOT = Path(__file__).parents[1]
STUDY = ("model1", "model2", "model3")


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    pixels: int = 64,
    count: Annotated[int, typer.Option(help="Training photographs; a quarter more to test.")] = 640,
    batch_size: int = 32,
    epochs: int = 8,
    seeds: int = 3,
    model: Annotated[list[str] | None, typer.Option(help="By default all three.")] = None,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Compare loss curves."""
    if short:
        pixels, count, batch_size, epochs, seeds = 16, 16, 8, 2, 2
    models = load_params(ROOT / "params.yaml").profiles["demo" if short else "paper"].models
    results = []
    with tempfile.TemporaryDirectory() as folder:
        train, test = _arrays(photographs.read(photos, count + count // 4), count, pixels, folder)
        for name in model or STUDY:
            arguments = models[name].arguments
            curves = {"plain": [], "fast": []}
            for seed in range(1, seeds + 1):
                recipe = Train(
                    seed=seed,
                    epochs=epochs,
                    batch_size=batch_size,
                    lr=0.001,
                    grid_every=epochs,
                    grid_photos=1,
                )
                curves["plain"].append(plain(name, arguments, train, test, recipe))
                curves["fast"].append(fast(name, arguments, train, test, recipe))
            results.append(compare(name, {k: np.array(v) for k, v in curves.items()}))
    save("parity", {"pixels": pixels, "photographs": count, "results": results})


def plain(
    name: str, arguments: dict[str, Any], train: LabDataset, test: LabDataset, recipe: Train
) -> list[float]:
    """Train in float32, eager and contiguous; return the test loss after each epoch."""
    torch.manual_seed(recipe.seed)
    network = create_model(name, **arguments)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr)
    cpu, curve = torch.device("cpu"), []
    for epoch in range(1, recipe.epochs + 1):
        order = permutation(len(train), seed=recipe.seed, epoch=epoch)
        network.train()
        for lightness, ab in train.batches(recipe.batch_size, device=cpu, order=order):
            optimizer.zero_grad()
            l2(network(lightness), ab).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            lightness, ab = next(iter(test.batches(len(test), device=cpu)))
            curve.append(float(l2(network(lightness), ab)))
    return curve


def fast(
    name: str, arguments: dict[str, Any], train: LabDataset, test: LabDataset, recipe: Train
) -> list[float]:
    """Train as the pipeline does; return the test loss after each epoch."""
    torch.manual_seed(recipe.seed)
    with tempfile.TemporaryDirectory() as folder:
        result = fit(
            Objective(create_model(name, **arguments), "l2"),
            train,
            test,
            params=recipe,
            recipe=Recipe(),
            fabric=make_fabric(Engine()),
            folder=Path(folder),
            on_epoch_end=lambda network, history: None,
        )
    return [epoch.test_loss for epoch in result.history]


def compare(name: str, curves: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Print how far fast is from plain, against how far seeds are apart.

    Args:
        name: the model.
        curves: "plain" and "fast", each (seeds, epochs) of test losses.
    """
    means = {way: curve.mean(0) for way, curve in curves.items()}
    spread = curves["plain"].std(0, ddof=1)
    error = spread * np.sqrt(2 / len(curves["plain"]))  # of a difference of two means of seeds
    difference = means["fast"] - means["plain"]
    print(f"\n{name}: test loss after each epoch, mean of {len(curves['plain'])} seeds")
    for label, row in (*means.items(), ("difference", difference), ("its standard error", error)):
        print(f"  {label:20s}" + "".join(f"{value:10.5f}" for value in row))
    within = np.abs(difference) <= 2 * error
    print(f"  within two standard errors in {within.sum()} of {len(within)} epochs")
    return {
        "model": name,
        "curves": {way: curve.tolist() for way, curve in curves.items()},
        "epochs_within_noise": int(within.sum()),
    }


def _arrays(
    files: list[bytes], count: int, pixels: int, folder: str
) -> tuple[LabDataset, LabDataset]:
    ids = photographs.write_archive(files, Path(folder) / "photos.zip")
    subset = ["train"] * count + ["test"] * (len(files) - count)
    split = pd.DataFrame({"id": ids, "subset": subset})
    with workers(Engine()):
        preprocess(
            Path(folder), split, Path(folder), Preprocess(image_size=pixels, resample="bicubic")
        )
    return LabDataset.open(Path(folder), "train"), LabDataset.open(Path(folder), "test")


if __name__ == "__main__":
    typer.run(main)
