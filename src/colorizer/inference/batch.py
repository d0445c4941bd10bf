"""Colors many files on all cores, and reports each one's outcome."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colorizer.color.monochrome import Verdict
from colorizer.errors import ColorizerError
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.plan import Task
from colorizer.inference.recolor_file import colorize_data
from colorizer.paths import atomic_write
from colorizer.photo.parallel import map_photos
from colorizer.photo.photofile import FORMATS

Status = Literal["colorized", "copied", "exists", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a photograph.

    Attributes:
        task: which.
        status: "colorized"; "copied", since it is in color already or keeps its tone; "exists", as
            the target or its sheet did before; or "failed".
        message: why it is not colorized, or what is doubtful, or "".
        seconds: how long it took.
        verdict: whether it is black and white; None if nobody looked.
    """

    task: Task
    status: Status
    message: str = ""
    seconds: float = 0.0
    verdict: Verdict | None = None


def colorize_all(
    tasks: Iterable[Task], colorizer: Colorizer | None, options: Options
) -> Iterator[Outcome]:
    """Color photographs on all cores; yield what becomes of each, in the order of `tasks`.

    Without a colorizer, the hints alone decide. A file that cannot be read or written is an
    outcome, and the rest go on. Running out of memory is not: it ends everything.
    """
    fair = colorizer.network.one_thread_each() if colorizer else contextlib.nullcontext()
    with fair:
        yield from map_photos(lambda task: _colorize_file(task, colorizer, options), tasks)


def _colorize_file(task: Task, colorizer: Colorizer | None, options: Options) -> Outcome:
    started = time.perf_counter()
    there = next(filter(Path.exists, task.outputs), None)
    if there and not options.overwrite:
        return Outcome(task, "exists", f"{there} exists: --overwrite replaces it")
    try:
        at = task.source.stat()
        format = FORMATS.get(task.target.suffix.lower(), options.format)
        options = dataclasses.replace(
            options,
            format=format,
            compare=task.sheet is not None,
            confidence=task.confidence is not None,
        )
        new = colorize_data(task.source.read_bytes(), colorizer, options)
        _write(task.target, new.data, at)
        for path, data in ((task.sheet, new.sheet), (task.confidence, new.confidence)):
            if path is not None and data is not None:
                _write(path, data, at)
    except (ColorizerError, OSError) as error:
        return Outcome(task, "failed", f"{task.source}: {error}", time.perf_counter() - started)
    seconds = time.perf_counter() - started
    message = f"{task.source} {new.message}" if new.message else ""
    return Outcome(task, "colorized" if new.anew else "copied", message, seconds, new.verdict)


def _write(path: Path, data: bytes, at: os.stat_result) -> None:
    """Write a file with another one's dates."""
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data)
        os.utime(unfinished, ns=(at.st_atime_ns, at.st_mtime_ns))
