"""Training steps, for every model: the tutorial's loop, ours, and a bare step on a fixed batch.

    python benchmarks/training.py [--size 96 --size 320] [--photos ARCHIVE.zip] [--short]

The floors are those of 790 TFLOP/s in bfloat16 and 3.0 TB/s, an H100's.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import photographs
import torch
import tutorial
import typer
from joblib import cpu_count
from lightning_fabric import Fabric
from rounds import Way, check, save, table, take_turns
from torch import Tensor, nn

from colorizer.data.dataset import LabDataset
from colorizer.data.preprocess import preprocess
from colorizer.data.workers import workers
from colorizer.models import create_model
from colorizer.models.complexity import count_multiply_adds
from colorizer.params import Engine, Model, Preprocess, Train, load_params
from colorizer.training.device import choose_device
from colorizer.training.engine import choose_precision, make_fabric
from colorizer.training.loop.epoch import train_epoch
from colorizer.training.loop.losses import Objective, l2
from colorizer.training.loop.optimizer import make_optimizer

ROOT = Path(__file__).parents[1]
FLOPS, BYTES = 790e12, 3.0e12  # an H100's, a second: bfloat16 and memory


@dataclass(frozen=True)
class Size:
    """How much is trained at one image size.

    Attributes:
        pixels: the pictures' side.
        batch_size: photographs a step.
        photos: photographs an epoch.
    """

    pixels: int
    batch_size: int
    photos: int


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    size: Annotated[list[int] | None, typer.Option(help="Pixels; may be repeated.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="By default params.yaml's.")] = None,
    rounds: int = 3,
    compile: Annotated[bool, typer.Option(help="Also measure torch.compile.")] = False,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure training."""
    device = choose_device(Engine())
    sizes = [_scale(pixels, device) for pixels in size or [96, 320]]
    if short:
        sizes, rounds = [Size(32, 4, 8)], 1
    params = load_params(ROOT / "params.yaml")
    entries = params.profiles["demo" if short else "paper"].models
    results = []
    for scale in sizes:
        for name in model or params.models:
            results.append(measure(name, entries[name], scale, photos, rounds, compile=compile))
    save("training", {"precision": choose_precision(Engine(), device), "results": results})


def measure(
    name: str,
    entry: Model,
    scale: Size,
    photos: Path,
    rounds: int,
    *,
    compile: bool,
) -> dict[str, Any]:
    """Measure one model at one size."""
    files = photographs.read(photos, scale.photos)
    arguments = entry.arguments
    fabric = make_fabric(Engine())
    with tempfile.TemporaryDirectory() as folder:
        train = _arrays(files, scale.pixels, Path(folder)).to(fabric.device)
        print(f"\n{name}, {scale.pixels} px, batches of {scale.batch_size}, {fabric.device}")
        agreement = agree(name, arguments, files, train, scale, fabric)
        ways = {
            "tutorial": _tutorial(name, arguments, files, scale, fabric.device),
            "colorizer": _ours(name, entry, train, scale, compile=False),
            "bare step on a fixed batch": _bare(name, entry, train, scale),
        }
        if compile:
            ways["colorizer, compiled"] = _ours(name, entry, train, scale, compile=True)
        seconds = take_turns(ways, rounds=rounds)
    rows = table(
        f"{name} at {scale.pixels} px",
        seconds,
        unit="img",
        user="tutorial",
        limit="bare step on a fixed batch",
    )
    rows["agreement"] = agreement
    rows["h100_floors"] = floors(create_model(name, **arguments), scale.pixels)
    return rows


def agree(
    name: str,
    arguments: dict[str, Any],
    files: list[bytes],
    train: LabDataset,
    scale: Size,
    fabric: Fabric,
) -> dict[str, dict[str, float]]:
    """Check that both ways see the same photographs and compute the same first loss."""
    shown = tutorial.Photographs(files, scale.pixels)
    count = min(8, len(files))
    theirs = [torch.stack(t) for t in zip(*(shown[i] for i in range(count)), strict=True)]
    first = torch.arange(count)
    ours = next(iter(train.batches(count, device=fabric.device, order=first)))
    network = _network(name, arguments, fabric.device)
    with torch.no_grad():
        exact = l2(network(theirs[0].to(fabric.device)), theirs[1].to(fabric.device))
        with fabric.autocast():
            fast = l2(network(ours[0]).float(), ours[1])
    difference = max(
        float((a.to(fabric.device) - b).abs().mean()) for a, b in zip(theirs, ours, strict=True)
    )
    return {
        "data": check("mean difference of what is shown, in the network's units", difference, 0.01),
        "loss": check("relative difference of the first loss", float(abs(fast / exact - 1)), 0.03),
    }


def floors(network: nn.Module, pixels: int) -> dict[str, float]:
    """Print and return the img/s that an H100's arithmetic and memory allow at most.

    A training step has three times the forward pass's multiply-adds. In bfloat16, with everything
    between two convolutions fused, each activation is written and read forwards, read again
    backwards, and its gradient written and read: ten bytes a number.
    """
    activations = 0

    def count(module: nn.Module, inputs: object, output: Tensor) -> None:
        nonlocal activations
        activations += output.numel()

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.no_grad():
        network(torch.zeros(1, 1, pixels, pixels))
    for hook in hooks:
        hook.remove()
    by = {
        "arithmetic": FLOPS / (6 * count_multiply_adds(network, pixels)),
        "memory": BYTES / (10 * activations),
    }
    print(
        f"  at most on an H100: {by['arithmetic']:,.0f} img/s by arithmetic, "
        f"{by['memory']:,.0f} by memory"
    )
    return by


def _scale(pixels: int, device: torch.device) -> Size:
    if device.type == "cuda":
        return Size(pixels, 128, 2048)
    return Size(pixels, 32, 128) if pixels <= 128 else Size(pixels, 8, 16)


def _arrays(files: list[bytes], pixels: int, folder: Path) -> LabDataset:
    ids = photographs.write_archive(files, folder / "photos.zip")
    split = pd.DataFrame({"id": ids, "subset": "train"})
    with workers(Engine()):
        preprocess(folder, split, folder / "lab", Preprocess(image_size=pixels, resample="bicubic"))
    return LabDataset.open(folder / "lab", "train")


def _network(name: str, arguments: dict[str, Any], device: torch.device) -> nn.Module:
    torch.manual_seed(7)
    return create_model(name, **arguments).to(device)


def _tutorial(
    name: str, arguments: dict[str, Any], files: list[bytes], scale: Size, device: torch.device
) -> Way:
    network = _network(name, arguments, device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    cores = cpu_count()
    loader = tutorial.make_loader(files, scale.pixels, scale.batch_size, cores)
    return Way(lambda: tutorial.train_epoch(network, optimizer, loader, device), units=scale.photos)


def _ours(name: str, entry: Model, train: LabDataset, scale: Size, *, compile: bool) -> Way:
    fabric = make_fabric(Engine())
    params = Train(
        seed=7, epochs=1, batch_size=scale.batch_size, lr=0.001, grid_every=1, grid_photos=1
    )
    stepped, optimizer = _set_up(name, entry, fabric, compile=compile)

    def run() -> None:
        train_epoch(stepped, optimizer, train, 1, params, entry.recipe, fabric)

    return Way(_waited(run, fabric), units=scale.photos)


def _bare(name: str, entry: Model, train: LabDataset, scale: Size) -> Way:
    fabric = make_fabric(Engine())
    stepped, optimizer = _set_up(name, entry, fabric, compile=False)
    stepped.train()
    lightness, ab = next(iter(train.batches(scale.batch_size, device=fabric.device)))

    def run() -> None:
        for _ in range(scale.photos // scale.batch_size):
            fabric.backward(stepped(lightness, ab))
            optimizer.step()
            optimizer.zero_grad()

    return Way(_waited(run, fabric), units=scale.photos)


def _set_up(name: str, entry: Model, fabric: Fabric, *, compile: bool) -> tuple[Any, Any]:
    network = _network(name, entry.arguments, fabric.device)
    objective = Objective(network, entry.recipe.loss)
    objective.to(fabric.device, memory_format=torch.channels_last)
    optimizer = make_optimizer(network, 0.001, entry.recipe)
    stepped: Any = torch.compile(objective, dynamic=False) if compile else objective
    return fabric.setup(stepped, optimizer)


def _waited(run: Callable[[], object], fabric: Fabric) -> Callable[[], None]:
    def waited() -> None:
        run()
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()

    return waited


if __name__ == "__main__":
    typer.run(main)
