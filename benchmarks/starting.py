"""`colorize` in a fresh process and in a running one: time and memory, by size, cores and runtime.

python benchmarks/starting.py [--megapixels 1,12,100] [--short]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import photographs
import typer
from rounds import save

from colorizer.photo.decode import decode
from colorizer.tracking.model_uri import find_weights

COMMAND = "from colorizer.apps.colorize import main; main()"

RUNNING = """
import sys, time
from pathlib import Path
from colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import colorize_data
data, colorizer = Path(sys.argv[1]).read_bytes(), Colorizer.load(sys.argv[3])
for _ in range(2):
    started = time.perf_counter(), time.process_time()
    colorize_data(data, colorizer, Options(force=True))
    used = time.perf_counter() - started[0], time.process_time() - started[1]
print(*used)
"""
"""Colors a file's bytes twice and prints the second time's seconds of waiting and of all cores."""

PROGRAMS = {"command": COMMAND, "running": RUNNING}


@dataclass(frozen=True)
class Use:
    """What a process used: seconds of waiting, seconds of all cores, and peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    megapixels: Annotated[str, typer.Option(help="Of photographs of 3:2.")] = "1,12,100",
    rounds: int = 5,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure the command, its start included."""
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = {"ONNX Runtime": find_weights("shipped"), "PyTorch": folder / "torch.safetensors"}
        shutil.copyfile(find_weights("shipped"), weights["PyTorch"])  # no graph lies beside it
        for size in map(int, ["1"] if short else megapixels.split(",")):
            photo = folder / f"{size}.jpg"
            side = round((1.5e6 * size) ** 0.5)
            photo.write_bytes(photographs.read(photos, 1, side=side)[0])
            height, width = decode(photo.read_bytes()).rgb.shape[:2]
            print(f"\n{width}x{height} pixels                      wall s   cpu s   memory MB")
            for cores, (name, file), how in product(
                sorted({1, os.cpu_count() or 1}), weights.items(), PROGRAMS
            ):
                used = measure(how, photo, file, cores=cores, rounds=1 if short else rounds)
                print(
                    f"  {how:10s}{name:14s}{cores:3d} cores {used.wall:10.2f}{used.cpu:8.2f}",
                    end="",
                )
                print(f"{used.memory:12.0f}")
                row = {"pixels": [width, height], "by": name, "cores": cores, "how": how}
                results.append(row | vars(used))
    save("starting", {"results": results})


def measure(how: str, photo: Path, weights: Path, *, cores: int, rounds: int) -> Use:
    """Return the medians of some runs; one before them compiles what is kept."""
    runs = [run(how, photo, weights, cores=cores) for _ in range(rounds + 1)][1:]
    return Use(*(statistics.median(values) for values in zip(*map(_values, runs), strict=True)))


def run(how: str, photo: Path, weights: Path, *, cores: int) -> Use:
    """Color a photograph's file by one of `PROGRAMS` in a process of its own."""
    options = ["--model", str(weights), "--overwrite", "--force"]
    command = [sys.executable, "-c", PROGRAMS[how], str(photo), *options]
    if sys.platform == "linux":
        command = ["taskset", "--cpu-list", ",".join(map(str, range(cores))), *command]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"error: colorize ended with {process.returncode}")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    if how == "running":
        return Use(*map(float, said.split()), kilobytes / 1024)
    return Use(wall, used.ru_utime + used.ru_stime, kilobytes / 1024)


def _values(use: Use) -> tuple[float, float, float]:
    return use.wall, use.cpu, use.memory


if __name__ == "__main__":
    typer.run(main)
