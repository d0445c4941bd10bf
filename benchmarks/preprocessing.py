"""Photographs to LAB arrays: per core, on all cores, its memory, and what decoding twice costs.

python benchmarks/preprocessing.py [--photos ARCHIVE.zip] [--short]
"""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import photographs
import tutorial
import typer
from PIL import Image
from rounds import Way, check, save, table, take_turns
from skimage.color import rgb2lab

from colorizer.color.lab import rgb_to_lab
from colorizer.data.grayscale import list_photos, survey
from colorizer.data.preprocess import photo_to_lab, preprocess
from colorizer.data.workers import workers
from colorizer.params import Engine, Preprocess
from colorizer.photo.decode import decode
from colorizer.photo.parallel import one_thread_each
from colorizer.photo.resize import resize

PARAMS = Preprocess(image_size=320, resample="bicubic")
PIPELINE = "photos.zip"


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    side: Annotated[int, typer.Option(help="Their longer side; 0: as it is.")] = 500,
    count: Annotated[int, typer.Option(help="Photographs a round.")] = 512,
    rounds: int = 7,
    many: Annotated[int, typer.Option(help="Photographs whose peak memory is compared.")] = 10_000,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure preprocessing."""
    if short:
        count, rounds, many = 8, 2, 96
    files = photographs.read(photos, count, side=side)
    kilobytes = sum(map(len, files)) / len(files) / 1000
    print(f"{count} photographs from {photos.name}, {kilobytes:.0f} kB on average, to 320x320 LAB")
    agreement = agree(files)
    with tempfile.TemporaryDirectory() as folder:
        results = [
            per_core(files, Path(folder), rounds),
            cores(files, Path(folder), rounds),
            second_decode(files, Path(folder), rounds),
        ]
        memory = {}
        if sys.platform == "linux":
            memory = peak_memory(files, Path(folder), few=max(many // 20, 16), many=many)
    save(
        "preprocessing",
        {"kilobytes": kilobytes, "agreement": agreement, "results": results, "memory": memory},
    )


def agree(files: list[bytes]) -> dict[str, dict[str, float]]:
    """Check that both ways make the same arrays."""
    decoded, squares, exact, filtered = 0.0, [], 0.0, 0.0
    for data in files[:40]:
        rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        decoded = max(decoded, np.abs(decode(data).rgb.astype(int) - rgb).max())
        squares.append(resize(decode(data).rgb, size=320, resample="bicubic"))
        lab = rgb2lab(squares[-1].astype(np.float64) / 255)
        exact = max(exact, np.abs(rgb_to_lab(squares[-1]).transpose(1, 2, 0) - lab).max())
        planes = (Image.fromarray(plane.astype(np.float32)) for plane in rgb.transpose(2, 0, 1))
        pillow = np.dstack([plane.resize((320, 320), Image.Resampling.BICUBIC) for plane in planes])
        filtered = max(filtered, np.abs(squares[-1] - pillow.clip(0, 255)).max())
    print("agreement:")
    return {
        "decoding": check("largest difference from Pillow's decoding, levels", decoded, 0),
        "lab": check("largest difference from scikit-image's float64 LAB", exact, 0.01),
        "resampling": check("largest difference from Pillow's bicubic of floats", filtered, 0.51),
    }


def per_core(files: list[bytes], folder: Path, rounds: int) -> dict[str, object]:
    """One core: the tutorial's way, ours, and decoding and resizing alone."""
    count = len(files)
    few = files[: max(count // 4, 1)]  # the tutorial's way is slow
    with one_thread_each():
        ways = {
            "tutorial, skimage resize": Way(lambda: _tutorial(few, "skimage"), len(few)),
            "tutorial, Pillow resize": Way(lambda: _tutorial(few, "pillow"), len(few)),
            "colorizer": Way(_preprocess(files, folder, 1), count),
            "colorizer, arrays not written": Way(lambda: _convert(files), count),
            "decode and resize alone": Way(lambda: _decode_and_resize(files), count),
        }
        return table(
            "One core",
            take_turns(ways, rounds=rounds),
            unit="photos",
            user="tutorial, skimage resize",
            limit="decode and resize alone",
        )


def cores(files: list[bytes], folder: Path, rounds: int) -> dict[str, object]:
    """All cores over one."""
    ways = {
        "colorizer, 1 thread": Way(_preprocess(files, folder, 1), len(files)),
        f"colorizer, {os.cpu_count()} threads": Way(_preprocess(files, folder, -1), len(files)),
    }
    seconds = take_turns(ways, rounds=rounds)
    return table("All cores", seconds, unit="photos", user="colorizer, 1 thread")


def second_decode(files: list[bytes], folder: Path, rounds: int) -> dict[str, object]:
    """What it costs that drop_grayscale and preprocess each decode every photograph."""
    photographs.write_archive(files, folder / PIPELINE)
    write = _preprocess(files, folder, 1)

    def measure_color() -> None:
        with workers(Engine(workers=1)):
            survey(folder, list_photos(folder, [PIPELINE]))

    ways = {
        "drop_grayscale and preprocess": Way(lambda: (measure_color(), write()), len(files)),
        "drop_grayscale": Way(measure_color, len(files)),
        "decoding alone": Way(lambda: [decode(data) for data in files], len(files)),
    }
    seconds = take_turns(ways, rounds=rounds)
    return table(
        "The second decoding, one core",
        seconds,
        unit="photos",
        user="drop_grayscale and preprocess",
    )


def peak_memory(files: list[bytes], folder: Path, *, few: int, many: int) -> dict[str, float]:
    """Peak resident memory of a process that preprocesses few photographs, and of one with many."""
    print("\nPeak memory of a whole process, all cores")
    peaks = {}
    for count in (few, many):
        repeated = [files[i % len(files)] for i in range(count)]
        photographs.write_archive(repeated, folder / PIPELINE)
        command = [sys.executable, __file__, "--once", str(folder), str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[str(count)] = float(done.stdout)
        print(f"  {count:>6d} photographs: {peaks[str(count)]:.0f} MB")
    ratio = peaks[str(many)] / peaks[str(few)]
    check("many over few", ratio, 1.1)
    return peaks | {"ratio": ratio}


def once(folder: Path, count: int) -> None:
    """Preprocess an archive's photographs and print the process's peak memory in MB, on Linux."""
    ids = [f"{PIPELINE}/mirflickr/im{number}.jpg" for number in range(count)]
    with workers(Engine()):
        preprocess(folder, _split(ids), folder / "lab", PARAMS)
    status = Path("/proc/self/status").read_text()  # getrusage counts what the parent held too
    print(float(status.split("VmHWM:")[1].split()[0]) / 1024)


def _tutorial(files: list[bytes], by: str) -> None:
    for data in files:
        tutorial.photo_to_lab(data, 320, by=by)


def _convert(files: list[bytes]) -> None:
    for data in files:
        photo_to_lab(data, PARAMS)


def _decode_and_resize(files: list[bytes]) -> None:
    for data in files:
        resize(decode(data).rgb, size=320, resample="bicubic")


def _preprocess(files: list[bytes], folder: Path, n_jobs: int) -> Callable[[], None]:
    ids = photographs.write_archive(files, folder / PIPELINE)

    def run() -> None:
        with workers(Engine(workers=n_jobs)):
            preprocess(folder, _split(ids), folder / "lab", PARAMS)

    return run


def _split(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "subset": ["train"] * (len(ids) - 1) + ["test"]})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        once(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        typer.run(main)
