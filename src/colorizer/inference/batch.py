"""Photographs in files and folders to the same photographs in color; nothing else changes."""

import contextlib
import dataclasses
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.recoloring import recolor
from colorizer.color.statistics import is_black_and_white
from colorizer.errors import ColorizerError
from colorizer.inference.colorizer import Colorizer
from colorizer.methods.hints import Hint, Hints
from colorizer.methods.propagation import guide
from colorizer.photo.decode import count_pixels, encode
from colorizer.photo.photofile import FORMATS, PhotoFile

Status = Literal["colorized", "copied", "exists", "failed"]

LARGE = 40_000_000
"""Pixels; of photographs beyond this only one is in memory at a time."""

_one_large_at_a_time = threading.Lock()

SHEET_HEIGHT = 1000  # pixels of a sheet that compares


@dataclass(frozen=True)
class Task:
    """A photograph to color.

    Attributes:
        source: its file.
        target: where the photograph in color goes.
    """

    source: Path
    target: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a photograph.

    Attributes:
        task: which.
        status: "colorized"; "copied", since it is in color already; "exists", as the target did
            before; or "failed".
        message: why it is not colorized, or "".
        seconds: how long it took.
    """

    task: Task
    status: Status
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Options:
    """How photographs are colored.

    Attributes:
        format: of the files written, one of `FORMATS`' values; None for each file's own.
        strength: the colors' chroma as a multiple of what the network predicts.
        force: also color photographs that are in color, from their lightness.
        overwrite: replace files that exist.
        compare: also write a sheet with both, side by side.
        hints: colors given to pixels of the one photograph that they are of.
        strokes: the same as a picture, uint8 (H, W, 4), as `Hints.collect` takes it.
    """

    format: str | None = None
    strength: float = 1.0
    force: bool = False
    overwrite: bool = False
    compare: bool = False
    hints: tuple[Hint, ...] = ()
    strokes: NDArray[np.uint8] | None = None

    @property
    def guided(self) -> bool:
        """Whether a person says what some colors are."""
        return bool(self.hints) or self.strokes is not None


@dataclass(frozen=True)
class Colorized:
    """A photograph's new file.

    Attributes:
        data: its bytes.
        anew: whether it was colored; one that is in color stays as it is.
        sheet: a JPEG file with both, side by side, if it was asked for.
    """

    data: bytes
    anew: bool
    sheet: bytes | None = None


def plan(paths: Iterable[Path], out: Path | None, options: Options) -> list[Task]:
    """Find the photographs in files and folders, and where each goes.

    Args:
        paths: files, and folders that are searched to their depths for `FORMATS`.
        out: a folder, or, for a single file, a file name. By default `photo.jpg` becomes
            `photo_colorized.jpg` and `folder/` becomes `folder_colorized/`.
        options: of which `format` decides the files' suffixes.

    Raises:
        ColorizerError: if a path does not exist, a folder holds no photograph, or two photographs
            would go to one file.
    """
    paths = list(paths)
    tasks: list[Task] = []
    for path in paths:
        if path.is_dir():
            tasks += _plan_folder(path, out, options)
        elif not path.exists():
            raise ColorizerError(f"{path}: no such file or folder")
        elif out is not None and len(paths) == 1 and out.suffix.lower() in FORMATS:
            tasks.append(Task(path, out))
        else:
            name = f"{path.stem}{'' if out else '_colorized'}{_suffix(path, options)}"
            tasks.append(Task(path, (out or path.parent) / name))
    sources: dict[Path, Path] = {}
    for task in tasks:
        if (other := sources.setdefault(task.target, task.source)) != task.source:
            raise ColorizerError(
                f"{other} and {task.source} would both become {task.target}: color them apart"
            )
        if task.target.exists() and task.target.samefile(task.source):
            raise ColorizerError(f"{task.source} would replace itself: name another folder by -o")
    return tasks


def find_photos(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Find the photographs in a folder, however deep, sorted; hidden ones are left out.

    Args:
        folder: searched for `FORMATS`.
        but: a folder, resolved, that is left out, if any.

    Raises:
        ColorizerError: if there is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in FORMATS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not (but and path.resolve().is_relative_to(but))
        and path.is_file()
    )
    if not found:
        raise ColorizerError(f"{folder}: no photographs there; known are {', '.join(FORMATS)}")
    return found


def colorize_all(
    tasks: Iterable[Task], colorizer: Colorizer | None, options: Options
) -> Iterator[Outcome]:
    """Color photographs on all cores; yield what becomes of each, in the order of `tasks`.

    Without a colorizer, the hints alone decide. A file that cannot be read or written is an
    outcome, and the rest go on. Running out of memory is not: it ends everything.
    """
    pending, cores = iter(tasks), os.cpu_count() or 1
    fair = colorizer.network.one_thread_each() if colorizer else contextlib.nullcontext()
    with fair, ThreadPoolExecutor(cores) as threads:
        ahead: deque[Future[Outcome]] = deque()
        try:
            while True:
                for task in islice(pending, 2 * cores - len(ahead)):
                    ahead.append(threads.submit(_colorize_file, task, colorizer, options))
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)


def colorize_data(data: bytes, colorizer: Colorizer | None, options: Options) -> Colorized:
    """Color a photograph's file; one that is in color only if it is forced, or hints are given.

    Raises:
        ImageError: if it cannot be read, or cannot be written in the format asked for.
        ColorizerError: if the hints do not fit the photograph.
    """
    with _one_large_at_a_time if count_pixels(data) > LARGE else contextlib.nullcontext():
        photo = PhotoFile.parse(data)
        format = options.format or photo.format
        shown = photo.on_white
        in_color = not (photo.single_channel or is_black_and_white(shown))
        if in_color and not (options.force or options.guided):
            same = data if format == photo.format else photo.encode(photo.rgb, format)
            return Colorized(same, anew=False)
        rgb = recolor(photo.levels, _predict(shown, colorizer, options))
        sheet = _side_by_side(photo.rgb, rgb) if options.compare else None
        return Colorized(photo.encode(rgb, format), anew=True, sheet=sheet)


def _predict(
    rgb: NDArray[np.uint8], colorizer: Colorizer | None, options: Options
) -> NDArray[np.float32]:
    """Return a photograph's colors, (2, h, w), by the network, the hints, or both."""
    hints = None
    if options.guided:
        height, width = rgb.shape[:2]
        hints = Hints.collect(options.hints, options.strokes, height=height, width=width)
    ab = None if colorizer is None else options.strength * colorizer.predict_photo(rgb)
    if hints is not None:
        return guide(rgb, hints, ab)
    if ab is None:
        raise ColorizerError("without a model, hints alone decide: give some by --hint or --hints")
    return ab


def _plan_folder(folder: Path, out: Path | None, options: Options) -> list[Task]:
    target = out or folder.with_name(f"{folder.resolve().name}_colorized")
    inside = target.resolve()
    if inside == folder.resolve():
        raise ColorizerError(f"{folder} would be colored into itself: name another folder by -o")
    return [
        Task(path, (target / path.relative_to(folder)).with_suffix(_suffix(path, options)))
        for path in find_photos(folder, but=inside)
    ]


def _suffix(path: Path, options: Options) -> str:
    if options.format is None or FORMATS.get(path.suffix.lower()) == options.format:
        return path.suffix
    return next(suffix for suffix, name in FORMATS.items() if name == options.format)


def _colorize_file(task: Task, colorizer: Colorizer | None, options: Options) -> Outcome:
    started = time.perf_counter()
    if task.target.exists() and not options.overwrite:
        return Outcome(task, "exists", f"{task.target} exists: --overwrite replaces it")
    try:
        at = task.source.stat()
        format = FORMATS.get(task.target.suffix.lower(), options.format)
        new = colorize_data(
            task.source.read_bytes(), colorizer, dataclasses.replace(options, format=format)
        )
        task.target.parent.mkdir(parents=True, exist_ok=True)
        _write(task.target, new.data, at)
        if new.sheet is not None:
            _write(task.target.with_name(f"{task.target.stem}_compare.jpg"), new.sheet, at)
    except (ColorizerError, OSError) as error:
        return Outcome(task, "failed", f"{task.source}: {error}", time.perf_counter() - started)
    seconds = time.perf_counter() - started
    if new.anew:
        return Outcome(task, "colorized", "", seconds)
    message = f"{task.source} is in color and was copied: --force colors it anew"
    return Outcome(task, "copied", message, seconds)


def _write(path: Path, data: bytes, at: os.stat_result) -> None:
    """Write a file that appears under its name only when it is whole, with another one's dates."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.utime(temporary, ns=(at.st_atime_ns, at.st_mtime_ns))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _side_by_side(before: NDArray[np.uint8], after: NDArray[Any]) -> bytes:
    """Return a JPEG file of both pictures, no higher than `SHEET_HEIGHT`."""
    height, width = before.shape[:2]
    scale = min(1.0, SHEET_HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    eight_bits = after if after.dtype == np.uint8 else (after >> 8).astype(np.uint8)
    sheet = Image.new("RGB", (2 * size[0], size[1]))
    for place, picture in enumerate((before, eight_bits)):
        small = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
        sheet.paste(small, (place * size[0], 0))
    return encode(np.asarray(sheet), format="jpeg")
