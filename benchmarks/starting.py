"""The whole command `colorize` in a fresh process: time and memory, by ONNX Runtime and by PyTorch.

python benchmarks/starting.py [--short]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import photographs
import typer
from rounds import save

from colorizer.photo.decode import decode
from colorizer.tracking.model_uri import find_weights

SIDES = {1: 1225, 12: 4243}
"""Longer sides, by megapixels, of photographs of 3:2."""


@dataclass(frozen=True)
class Use:
    """What a process used: seconds of waiting, seconds of all cores, and peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    rounds: int = 5,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure the command, its start included."""
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = {"ONNX Runtime": find_weights("shipped"), "PyTorch": folder / "torch.safetensors"}
        shutil.copyfile(find_weights("shipped"), weights["PyTorch"])  # no graph lies beside it
        for megapixels in list(SIDES)[: 1 if short else None]:
            photo = folder / f"{megapixels}.jpg"
            photo.write_bytes(photographs.read(photos, 1, side=SIDES[megapixels])[0])
            height, width = decode(photo.read_bytes()).rgb.shape[:2]
            print(f"\n{width}x{height} pixels            wall s   cpu s   memory MB")
            for cores in sorted({1, os.cpu_count() or 1}):
                for name, file in weights.items():
                    used = measure(photo, file, cores=cores, rounds=1 if short else rounds)
                    print(f"  {name:14s}{cores:3d} cores {used.wall:10.2f}{used.cpu:8.2f}", end="")
                    print(f"{used.memory:12.0f}")
                    results.append({"pixels": [width, height], "by": name, "cores": cores})
                    results[-1] |= vars(used)
    save("starting", {"results": results})


def measure(photo: Path, weights: Path, *, cores: int, rounds: int) -> Use:
    """Return the medians of some runs; one before them compiles what is kept."""
    runs = [run(photo, weights, cores=cores) for _ in range(rounds + 1)][1:]
    return Use(*(statistics.median(values) for values in zip(*map(_values, runs), strict=True)))


def run(photo: Path, weights: Path, *, cores: int) -> Use:
    """Color a photograph's file in a process of its own."""
    program = "from colorizer.apps.colorize import main; main()"
    options = ["--model", str(weights), "--overwrite", "--force"]
    command = [sys.executable, "-c", program, str(photo), *options]
    if sys.platform == "linux":
        command = ["taskset", "--cpu-list", ",".join(map(str, range(cores))), *command]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"error: colorize ended with {process.returncode}")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Use(wall, used.ru_utime + used.ru_stime, kilobytes / 1024)


def _values(use: Use) -> tuple[float, float, float]:
    return use.wall, use.cpu, use.memory


if __name__ == "__main__":
    typer.run(main)
