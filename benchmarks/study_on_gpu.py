"""The study at full size on a bare GPU machine: trained, validated and scored within a budget.

    python benchmarks/study_on_gpu.py wheels WHEELS       # here: what that machine lacks
    pip install --no-index --no-deps --target SITE WHEELS/*.whl  # there, as all that follows
    export PYTHONPATH=SITE:src
    python benchmarks/study_on_gpu.py run --photos ZIPS --out OUT --budget 540

Such a machine has PyTorch and the usual scientific packages, but neither DVC nor MLflow. A
training that would overrun the budget stops after an epoch. OUT gets a few
files a network: losses, scores, and in half precision the weights of the epochs with the lowest
training and the lowest validation loss. They are rewritten after each network. A rehearsal:

    python benchmarks/study_on_gpu.py run --photos sample --out OUT --models model1 \
        --size 32 --epochs 1 --train 6 --test 3 --validation 3 --batch-size 4
"""

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
import typer
import yaml
from watching import Budget, OutOfTimeError, Watch, score, with_intervals

from colorizer.data.dataset import LabDataset, manifest_path
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import write_scores
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models.weights import save_weights, write_half
from colorizer.params import Params, load_params
from colorizer.paths import Paths
from colorizer.training.run_record import HISTORY
from colorizer.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]

WHEELS = ("annotated-types", "lightning-fabric", "lightning-utilities", "pydantic")
WHEELS += ("pydantic_core", "simplejpeg", "tenacity", "typing-inspection")
WHEELS += ("imageio", "lazy-loader", "scikit-image", "tifffile")
"""What PyTorch's images lack of the stages' packages; requirements.lock has the versions."""

PLATFORMS = [f"manylinux_2_{glibc}_x86_64" for glibc in (28, 27, 24, 17)] + ["any"]
SCORING = 25  # seconds that a network's last scores take
STARTING = 15  # seconds that the next network takes to start

app = typer.Typer(add_completion=False, no_args_is_help=True)


def study(
    params: Params, model: str, out: Path, every: int, budget: Budget, reserve: float
) -> dict[str, Any]:
    """Train, validate and score a network; return what there is to know of it."""
    paths, began = Paths(params.profile), time.monotonic()
    trainer = Trainer(params, model, paths.lab, checkpoints=Path(".checkpoints"))
    torch.use_deterministic_algorithms(torch.cuda.is_available(), warn_only=True)
    watch = Watch(trainer, LabDataset.open(paths.lab, "validation"), every, budget, reserve)
    stopped = False
    try:
        trainer.train(on_epoch_end=watch)
    except OutOfTimeError:
        stopped = True
    folder = paths.run(model)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(trainer.folder / HISTORY, folder / HISTORY)
    pd.DataFrame(watch.losses).to_csv(folder / "validation.csv", index=False)
    pd.DataFrame(watch.scores).to_csv(folder / "scores.csv", index=False)
    _write_best(trainer, watch, folder)
    _pack(folder, out)
    trainer.discard_checkpoints()
    facts = {
        "seconds": round(time.monotonic() - began, 1),
        "epochs": len(watch.losses),
        "stopped_early": stopped,
        "best_epochs": {kind: best.epoch for kind, best in watch.best.items()},
    }
    if torch.cuda.is_available():
        facts["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        torch.cuda.reset_peak_memory_stats()
    return facts


def _write_best(trainer: Trainer, watch: Watch, folder: Path) -> None:
    """Write the weights of the lowest training and validation loss, and their scores."""
    chosen = []
    for kind, best in watch.best.items():
        whole, half = folder / f"{kind}.whole", folder / f"{kind}.safetensors"
        save_weights(whole, trainer.metadata, trainer.calibrated(best.weights))
        network = TorchNetwork.from_file(whole, device=str(trainer.fabric.device))
        write_scores(score(network.model, trainer, "test"), folder / f"test_{kind}")
        validated = with_intervals(score(network.model, trainer, "validation"))
        chosen.append({"weights": kind, "epoch": best.epoch, **validated})
        try:
            write_half(whole, half)
        except ColorizerError as error:  # half precision would change its colors
            print(error)
            whole.replace(half)
        whole.unlink(missing_ok=True)
    pd.DataFrame(chosen).to_csv(folder / "chosen.csv", index=False)


def _pack(folder: Path, out: Path) -> None:
    """Put a network's files into one archive, but for the weights of the lowest training loss."""
    shutil.copy(folder / "train.safetensors", out / f"{folder.name}_train.safetensors")
    with tarfile.open(out / f"{folder.name}.tar.gz", "w:gz") as tar:
        tar.add(folder, folder.name, filter=lambda f: None if "train.safe" in f.name else f)


def prepare(photos: Path, change: dict[str, Any], models: str, compiled: str) -> Params:
    """Write params.yaml into the working folder and run the stages up to the LAB arrays.

    Arrays that an earlier call made with the same params are kept.
    """
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"profile": "paper", "models": models.split(","), "tracking": {"enabled": False}}
    raw["engine"]["compile"] = compiled
    paper, paths = raw["profiles"]["paper"], Paths("paper")
    archives = sorted(photos.glob("*.zip"))
    paper["download"]["archives"] = [
        {"source": str(path), "bytes": path.stat().st_size, "md5": _md5(path)} for path in archives
    ]
    for block, knobs in change.items():
        paper[block] |= knobs
    paths.archives.mkdir(parents=True, exist_ok=True)
    for path in archives:
        link = paths.archives / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    before = {k: paper[k] for k in ("download", "drop_grayscale", "split", "preprocess")}
    made, text = paths.data / "made.json", json.dumps(before)
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    if not (made.exists() and made.read_text() == text and manifest_path(paths.lab).exists()):
        for stage in ("drop_grayscale", "split", "preprocess", "references"):
            runpy.run_path(str(ROOT / f"stages/{stage}.py"), run_name="__main__")
        made.write_text(text)
    return load_params()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


@app.command()
def run(
    photos: Annotated[Path, typer.Option(help="Folder of zip files.")],
    out: Annotated[Path, typer.Option(help="Folder for what comes back.")],
    work: Annotated[Path, typer.Option(help="Folder for arrays and checkpoints.")] = Path("study"),
    budget: Annotated[float, typer.Option(help="Seconds for everything.")] = 540,
    models: Annotated[str, typer.Option(help="In the order of training.")] = "model3,model2,model1",
    size: int = 320,
    epochs: int = 120,
    batch_size: int = 128,
    lr: float = 0.001,
    train: int = 8000,
    test: int = 1000,
    validation: int = 500,
    seed: int = 7,
    every: Annotated[int, typer.Option(help="Epochs between two scorings.")] = 10,
    compiled: Annotated[str, typer.Option(help="auto, always or never.")] = "never",
) -> None:
    """Run the study."""
    clock, photos, out = Budget(budget), photos.resolve(), out.resolve()
    change = {
        "split": {"train": train, "test": test, "validation": validation, "seed": seed},
        "preprocess": {"image_size": size},
        "train": {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed},
    }
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    os.chdir(work)
    params = prepare(photos, change, models, compiled)
    print(f"prepared, {clock.left():.0f} s left", flush=True)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    facts: dict[str, Any] = {"params": change, "torch": torch.__version__, "device": device}
    for still, model in reversed(list(enumerate(reversed(params.models)))):
        reserve = SCORING + STARTING * still
        if clock.left() < reserve + STARTING:
            print(f"{model}: no time left", flush=True)
            continue
        try:
            facts[model] = study(params, model, out, every, clock, reserve)
        except ColorizerError as error:
            facts[model] = {"error": str(error)}
        print(f"{model}: {json.dumps(facts[model])}, {clock.left():.0f} s left", flush=True)
        (out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


@app.command()
def wheels(folder: Path, python: str = "3.12") -> None:
    """Download the wheels that a bare GPU machine lacks, of the versions in requirements.lock."""
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    pins = {line.split("==")[0].lower().replace("_", "-"): line for line in locked if "==" in line}
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={python}", f"--dest={folder}"]
    command += [f"--platform={platform}" for platform in PLATFORMS]
    subprocess.run([*command, *(pins[name.replace("_", "-")] for name in WHEELS)], check=True)


if __name__ == "__main__":
    app()
