"""Very many photographs to LAB arrays: throughput by workers, memory over time.

python benchmarks/scale.py FOLDER [--count 1000000] [--side 96] [--workers 1 --workers 2] [--keep X]

FOLDER holds zip archives, whose photographs are repeated up to the count. What is kept is resumed
by the same command after a kill; otherwise nothing is kept.
"""

import io
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from PIL import Image

from colorizer.data.archive import list_members, read_member
from colorizer.data.dataset import LabDataset
from colorizer.data.grayscale import write_colors
from colorizer.data.manifests import read_colors
from colorizer.data.preprocess import preprocess
from colorizer.data.split import split
from colorizer.data.workers import workers as on_workers
from colorizer.params import DropGrayscale, Engine, Preprocess, Split

ARCHIVE = 100_000  # photographs in each of MIRFLICKR-1M's ten
EVERY = 2.0  # seconds between two looks at the memory
SAID = 150  # looks between two lines about it: five minutes
COLORS = DropGrayscale(max_gray_chroma=4.0, max_tone_residual=0.15, drop_toned=False, min_side=8)


@dataclass
class Watch:
    """What a step took.

    Attributes:
        seconds: by the clock.
        cpu: seconds of this process and its children, of all cores.
        memory: by look, MB of this process and of its largest child.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    memory: list[tuple[float, float]] = field(default_factory=list)


def main(
    folder: Annotated[Path, typer.Argument(help="Of zip archives.")],
    count: Annotated[int, typer.Option(help="Photographs.")] = 20_000,
    side: Annotated[int, typer.Option(help="Their longer side; 0: as it is.")] = 0,
    image_size: Annotated[int, typer.Option(help="Of the arrays.")] = 32,
    workers: Annotated[
        list[int], typer.Option(help="Dask's, one after the other. 0: a thread of this process.")
    ] = [1, 2],  # noqa: B006
    keep: Annotated[Path | None, typer.Option(help="Where all of it stays.")] = None,
) -> None:
    """Measure the stages up to the arrays, for each number of workers."""
    with tempfile.TemporaryDirectory() as temporary:
        place = keep or Path(temporary)
        archives = place / "archives"
        if not archives.exists():
            repeat(folder, archives, count, side)
        size = sum(path.stat().st_size for path in archives.iterdir())
        print(f"{count:,} photographs of {size / count / 1000:.1f} kB, load {load()}", flush=True)
        for turn, number in enumerate(workers):
            measure(archives, place / f"{turn}", count, image_size, number)


def repeat(folder: Path, archives: Path, count: int, side: int) -> None:
    """Write archives of 100,000 photographs, all or none."""
    photos = [
        shrink(read_member(path, name), side)
        for path in sorted(folder.glob("*.zip"))
        for name in list_members(path)[0]
    ]
    new = archives.with_suffix(".new")
    new.mkdir(parents=True, exist_ok=True)
    for first in range(0, count, ARCHIVE):
        path = new / f"images{first // ARCHIVE}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for n in range(first, min(first + ARCHIVE, count)):
                archive.writestr(f"images/{n // 10_000}/{n}.jpg", photos[n % len(photos)])
    new.replace(archives)


def shrink(data: bytes, side: int) -> bytes:
    """Return a photograph with so many pixels on its longer side."""
    if not side:
        return data
    image, stream = Image.open(io.BytesIO(data)), io.BytesIO()
    image.thumbnail((side, side))
    image.convert("RGB").save(stream, "JPEG", quality=85)
    return stream.getvalue()


def measure(archives: Path, out: Path, count: int, image_size: int, number: int) -> None:
    """Run the three stages on so many workers, and print what each took."""
    out.mkdir(exist_ok=True)
    names = sorted(path.name for path in archives.iterdir())
    held_out = max(count // 100, 1)
    sizes = Preprocess(image_size=image_size, resample="bicubic")
    engine = Engine(backend="dask" if number else "local", workers=max(number, 1))
    with on_workers(engine):
        if not (out / "color.csv").exists():
            with watched() as took:
                write_colors(archives, names, COLORS, out / "color.csv")
            report(f"{number} workers, drop_grayscale", count, took)
        with watched() as took:
            color = read_colors(out / "color.csv")
            kept = color.loc[color["kept"], "id"]
            asked = Split(seed=7, train=len(kept) - held_out, test=held_out)
            table = split(kept, asked)
            table.to_csv(out / "split.csv", index=False)
        report(f"{number} workers, split", len(kept), took)
        with watched() as took:
            preprocess(archives, table, out / "lab", sizes)
        report(f"{number} workers, preprocess", len(table), took)
    with watched() as took:
        photos = LabDataset.open(out / "lab", "train")
    report("opened for training", len(photos), took)


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch what happens inside."""
    took, done = Watch(), threading.Event()
    thread = threading.Thread(target=look, args=(took.memory, done.wait))
    began, cpu = time.perf_counter(), cpu_seconds()
    thread.start()
    try:
        yield took
    finally:
        took.seconds, took.cpu = time.perf_counter() - began, cpu_seconds() - cpu
        done.set()
        thread.join()


def look(memory: list[tuple[float, float]], wait: Callable[[float], bool]) -> None:
    """Record the memory until told to stop; say it now and then."""
    while True:
        own, *others = (p.memory_info().rss / 1e6 for p in family())
        memory.append((own, max(others, default=0.0)))
        if len(memory) % SAID == 0:
            seconds = len(memory) * EVERY
            print(f"... {seconds:,.0f} s: {own:,.0f}+{memory[-1][1]:,.0f} MB", flush=True)
        if wait(EVERY):
            return


def family() -> list[psutil.Process]:
    """Return this process and its children that live."""
    return [psutil.Process(), *psutil.Process().children(True)]


def cpu_seconds() -> float:
    """Return what the processes have computed so far."""
    return sum(sum(p.cpu_times()[:2]) for p in family())


def load() -> str:
    """Return the machine's load, since others may compute beside."""
    return f"{psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores"


def report(what: str, count: int, took: Watch) -> None:
    """Print rates, and memory at the first quarter's end and at the last's."""
    memory = np.array(took.memory)
    quarters = [part.max(axis=0) for part in np.array_split(memory, 4) if len(part)]
    mb = ", ".join(f"{own:,.0f}+{other:,.0f}" for own, other in quarters)
    print(
        f"{what}: {count:,} in {took.seconds:.1f} s ({count / took.seconds:,.0f} /s), "
        f"{1000 * took.cpu / count:.2f} CPU ms each; MB of client + largest worker by quarters of "
        f"the time: {mb}; load {load()}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(typer.run(main))
