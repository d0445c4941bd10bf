"""A folder that holds a bit of everything, colored by `colorize`: is every file accounted for?

python benchmarks/everything.py [--keep FOLDER]     # the final table
python benchmarks/everything.py --plan 20000        # how long the plan of so many files takes
"""

import io
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Annotated, Any

import photographs
import typer
from PIL import Image

from colorizer.inference.plan import plan

SIDE = 240  # pixels

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".jpg": ("JPEG", {}),
    ".png": ("PNG", {}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".gif": ("GIF", {}),
    ".bmp": ("BMP", {}),
    ".webp": ("WEBP", {}),
    ".avif": ("AVIF", {}),
    ".jp2": ("JPEG2000", {}),
    ".pgm": ("PPM", {}),
}

NO_PICTURES = {
    "clip.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "IMG_0001.MOV": b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
    "cine.avi": b"RIFF\0\0\1\0AVI LIST",
    "film.mkv": b"\x1aE\xdf\xa3",
    "tape.mpg": b"\0\0\1\xba",
    "voice.m4a": b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom",
    "song.mp3": b"ID3\3\0",
    "notes.txt": "Anna und Käthe, 1931\n".encode(),
    "photo.xmp": b'<?xpacket begin="" id="W5M0"?><x:xmpmeta>',
    "index.html": b"<!DOCTYPE html><html>",
    "tree.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "letter.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "catalog.sqlite": b"SQLite format 3\0",
    "viewer.exe": b"MZ\x90\0\3\0",
    "album.7z": b"7z\xbc\xaf\x27\x1c",
    "scan.exr": b"v/1\1\2\0",
    "favicon.ico": b"\0\0\1\0\1\0",
    "swap": bytes(2000),
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ".DS_Store": b"\0\0\0\1Bud1\0",
    "._photo.jpg": b"\0\5\x16\7\0\2\0\0Mac OS X",
    "download.jpg": b"<!DOCTYPE html><title>404 Not Found</title>",
    "moving.jpg": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "lost.tif": bytes(5000),
}

NAMES = [
    "two\nlines.jpg",
    "-dash.jpg",
    "--overwrite",
    "n" * 251 + ".jpg",
    "n" * 255,
    "Großmutter 婚礼 👰.jpg",
    "[red]loud[.jpg",
    "back\\slash \"quoted\" 'single' %s $HOME.jpg",
    " spaces .jpg",
    "scan.1997",
    "scan.1998",
    "bell\a.jpg",
    os.fsdecode(b"latin-\xe9t\xe9.jpg"),
]


def main(
    keep: Annotated[Path | None, typer.Option(help="A new folder, kept for a look.")] = None,
    plan_only: Annotated[int, typer.Option("--plan", help="Plan so many files only.")] = 0,
) -> None:
    """Make the folder, color it, and compare the records with the files."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary) / "shoebox"
        if plan_only:
            measure_plan(folder, plan_only)
            return
        make(folder)
        out = folder.with_name(f"{folder.name}_colorized")
        before = listed(folder)
        started = time.perf_counter()
        command = [sys.executable, "-m", "colorizer.apps.colorize", "--json", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        records = [json.loads(line) for line in done.stdout.splitlines()]
        missing = before - {record["source"] for record in records}
        written = {str(path) for path in out.rglob("*") if path.is_file()}
        targets = {r["target"] for r in records if r["status"] in ("colorized", "copied")}
        print(done.stderr.replace(f"{folder}/", ""))
        print(f"{len(before)} files and {len(records)} records in {seconds:.0f} s: ", end="")
        print(f"exit code {done.returncode}; without a record: {sorted(missing) or 'none'};")
        print(
            f"results written {len(written)}, said {len(targets)}, the same: {written == targets};"
        )
        print(f"originals changed: {sorted(before ^ listed(folder)) or 'none'}")
        if missing or written != targets or "Traceback" in done.stderr:
            raise SystemExit("error: not every file is accounted for")


def make(folder: Path) -> None:
    """Make a folder with a few hundred files of all kinds, from real photographs."""
    pictures = [
        Image.open(io.BytesIO(photographs.enlarge(data, SIDE)))
        for data in photographs.read(photographs.SAMPLE, 24)
    ]
    for name in ("formats", "damaged", "misnamed", "names", "other", "a/b/c/d/e/f", "like.jpg"):
        (folder / name).mkdir(parents=True)
    for number, picture in enumerate(pictures):
        for shade in ("RGB", "L"):
            suffix = list(FORMATS)[number % len(FORMATS)]
            _write(folder / f"formats/{number}{shade}{suffix}", picture.convert(shade), suffix)
            _write(folder / f"a/b/c/d/e/f/{number}{shade}.jpg", picture.convert(shade), ".jpg")
    gray = [picture.convert("L") for picture in pictures]
    for suffix in FORMATS:
        whole = _encode(gray[0], suffix)
        (folder / f"damaged/cut{suffix}").write_bytes(whole[: len(whole) // 3])
        (folder / f"damaged/zero{suffix}").touch()
        (folder / f"damaged/noise{suffix}").write_bytes(_spoil(whole))
        for name in ("scan{}.HEIC", "scan{}.txt", "scan{}.jpe", "scan{}", "other{}.png"):
            (folder / "misnamed" / name.format(suffix[1:])).write_bytes(_encode(gray[1], suffix))
    for number, name in enumerate(NAMES):
        _write(folder / "names" / name, gray[number], ".jpg")
    _make_others(folder, gray)


def _make_others(folder: Path, gray: list[Image.Image]) -> None:
    other, photo = folder / "other", _encode(gray[2], ".jpg")
    for name, data in NO_PICTURES.items():
        (other / name).write_bytes(data)
    with zipfile.ZipFile(other / "photos.zip", "w") as archive:
        archive.writestr("photo.jpg", photo)
    first, *more = (picture.copy() for picture in gray[3:6])
    for name in ("pages.tif", "moving.gif"):
        first.save(other / name, save_all=True, append_images=more)
    fax = gray[6].convert("1")
    fax.save(buffer := io.BytesIO(), "tiff", compression="group4")
    (other / "fax.tif").write_bytes(_spoil(buffer.getvalue()))
    (other / ".hidden.jpg").write_bytes(photo)
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails/photo.jpg").write_bytes(photo)
    (folder / "like.jpg/inside.jpg").write_bytes(photo)
    (folder / "empty.png").mkdir()
    for name, to in {
        "to a photo": "../formats/0L.jpg",
        "to nothing.jpg": "nowhere.jpg",
        "circle.jpg": "circle.jpg",
        "one": "two",
        "two": "one",
        "to folder": "../formats",
        "to above": "../..",
        "to device.jpg": os.devnull,
    }.items():
        (other / name).symlink_to(to)
    os.mkfifo(other / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(Path(place := tempfile.mkdtemp()) / "s"))
    shutil.move(Path(place) / "s", other / "socket.jpg")
    os.rmdir(place)  # noqa: PTH106


def _write(path: Path, picture: Image.Image, suffix: str) -> None:
    path.write_bytes(_encode(picture, suffix))


def _encode(picture: Image.Image, suffix: str) -> bytes:
    format, options = FORMATS[suffix]
    picture.copy().save(buffer := io.BytesIO(), format, **options)
    return buffer.getvalue()


def _spoil(data: bytes) -> bytes:
    """Change bytes here and there, but not in the first and last hundreds."""
    spoiled, places = bytearray(data), random.Random(0)
    for _ in range(len(data) // 50):
        spoiled[places.randrange(200, len(data) - 200)] ^= 0x5A
    return bytes(spoiled)


def listed(folder: Path) -> set[str]:
    """Return all paths that a record is due for: all but folders that are searched, and hidden."""
    found = set()
    for place, folders, files in os.walk(folder):
        here = Path(place)
        found |= {str(here / name) for name in files}
        found |= {str(here / name) for name in folders if (here / name).is_symlink()}
        found |= {str(here / name) for name in folders if name.startswith(".")}
        folders[:] = [name for name in folders if not name.startswith(".")]
    return found


def measure_plan(folder: Path, count: int) -> None:
    """Print how long a core plans so many files in nested folders, and the memory it takes."""
    photo = photographs.read(photographs.SAMPLE, 1)[0]
    for number in range(count):
        path = folder / f"{number % 40}/{number % 7}/photo {number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo[:8192])
    before = _peak()
    planned = plan([folder], None)
    sum(1 for _ in planned)  # so that all is in the disk's cache
    memory = _peak() - before
    started = time.process_time()
    planned = plan([folder], None)
    found = time.process_time() - started
    tasks = sum(1 for _ in planned)
    whole = time.process_time() - started
    print(f"{tasks:,} files: found in {found:.2f} s, planned in {whole:.2f} s of a core, ", end="")
    print(f"{memory:.1f} MB")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    typer.run(main)
