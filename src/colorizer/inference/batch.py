"""Colors many files on all cores, and reports each one's outcome."""

import contextlib
import dataclasses
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colorizer.color.monochrome import Verdict
from colorizer.data.witness import at, unexpected
from colorizer.errors import ColorizerError, is_out_of_memory
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.folder import Left
from colorizer.inference.native_messages import NativeMessages
from colorizer.inference.options import Options
from colorizer.inference.plan import Task
from colorizer.inference.recolor_file import colorize_data, make_mark
from colorizer.inference.resume import difference
from colorizer.paths import atomic_write
from colorizer.photo.parallel import map_photos
from colorizer.photo.photofile import PhotoFile

LONGEST = 200  # characters of what libraries print on a file

Status = Literal["colorized", "copied", "exists", "differs", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        task: which.
        status: "colorized"; "copied", since it is in color already or keeps its tone; "exists", as
            the target or its sheet did before, or as what needs no color does where its copy would
            lie; "differs", as the target did, made from another file, by another model or with
            other options; "skipped", since it is no photograph; or "failed".
        message: why it is not colorized, or what is doubtful, or "".
        seconds: how long it took.
        verdict: whether it is black and white; None if nobody looked.
    """

    task: Task | Left
    status: Status
    message: str = ""
    seconds: float = 0.0
    verdict: Verdict | None = None


def colorize_all(
    tasks: Iterable[Task | Left],
    colorizer: Colorizer | None,
    options: Options,
    messages: NativeMessages | None = None,
) -> Iterator[Outcome]:
    """Color photographs on all cores; yield what becomes of each, in the order of `tasks`.

    Without a colorizer, the hints alone decide. Whatever fails with a file is an outcome, and the
    rest go on. Running out of memory is not: it ends everything.

    Args:
        tasks: photographs, and what is left: it becomes an outcome as it is.
        colorizer: a network.
        options: how they are colored.
        messages: what C libraries print, if it is kept: it joins the reasons of what failed.
    """
    fair = colorizer.network.one_thread_each() if colorizer else contextlib.nullcontext()
    with fair:
        yield from map_photos(lambda task: colorize_one(task, colorizer, options, messages), tasks)


def colorize_one(
    task: Task | Left,
    colorizer: Colorizer | None,
    options: Options,
    messages: NativeMessages | None = None,
) -> Outcome:
    """Color one of the photographs of `colorize_all`."""
    if isinstance(task, Left):
        return Outcome(task, task.status, task.message)
    if messages is None:
        with at(str(task.source)):
            return _colorize_file(task, colorizer, options)
    with at(str(task.source)), messages.reading() as printed:
        outcome = _colorize_file(task, colorizer, options)
        said = printed()
    # warnings of files that can be read are many, and mean little
    wrong = [line for line in said if outcome.status == "failed" or "arning" not in line]
    return _with_messages(outcome, messages) if wrong else outcome


def _with_messages(outcome: Outcome, messages: NativeMessages) -> Outcome:
    """Read a file once more, alone, so that what libraries print is known to be of it."""
    with messages.reading_alone() as printed:
        with contextlib.suppress(ColorizerError, OSError):
            deque(PhotoFile.pages(outcome.task.source.read_bytes()), maxlen=0)
        said = "; ".join(printed())
    if not said:
        return outcome
    said = said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
    what = outcome.message or f"{outcome.task.source} is damaged: look at the result"
    return dataclasses.replace(outcome, message=f"{what} ({said})")


def _colorize_file(task: Task, colorizer: Colorizer | None, options: Options) -> Outcome:
    started = time.perf_counter()
    try:
        data, at = task.source.read_bytes(), task.source.stat()
        if not options.overwrite and (left := _leave(task, data, colorizer, options)):
            return left
        options = dataclasses.replace(
            options,
            format=None if task.copy else task.format,
            compare=task.sheet is not None,
            confidence=task.confidence is not None,
        )
        new = colorize_data(data, colorizer, options)
        if task.copy and not new.anew:
            task = dataclasses.replace(task, target=task.copy)
        if task.target == task.source:
            message = f"{task.source} needs no color, and stays where it is: --force colors it"
            return Outcome(task, "exists", message, time.perf_counter() - started, new.verdict)
        _write(task.target, new.data, at)
        for path, picture in ((task.sheet, new.sheet), (task.confidence, new.confidence)):
            if path is not None and picture is not None:
                _write(path, picture, at)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"{task.source}: {reason(error)}"
        return Outcome(task, "failed", message, time.perf_counter() - started)
    seconds = time.perf_counter() - started
    message = f"{task.source} {new.message}" if new.message else ""
    return Outcome(task, "colorized" if new.anew else "copied", message, seconds, new.verdict)


def reason(error: Exception) -> str:
    """Return on one line why a file failed; of a fault of our own also where it arose."""
    if isinstance(error, ColorizerError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return unexpected(error)


def _leave(
    task: Task, data: bytes, colorizer: Colorizer | None, options: Options
) -> Outcome | None:
    """Return that a result exists, and whether it is of this file; None if there is none."""
    there = next(filter(os.path.exists, task.outputs), None)  # Path.exists raises on long names
    if there is None:
        return None
    mark = make_mark(data, colorizer, dataclasses.replace(options, mark=True))
    if there == task.target and mark and (differs := difference(there, mark)):
        return Outcome(task, "differs", f"{there} {differs}: --overwrite replaces it")
    return Outcome(task, "exists", f"{there} exists: --overwrite replaces it")


def _write(path: Path, data: bytes, at: os.stat_result) -> None:
    """Write a file with another one's dates.

    Raises:
        ColorizerError: if it cannot be written; the line says which and why.
    """
    try:
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(data)
            os.utime(unfinished, ns=(at.st_atime_ns, at.st_mtime_ns))
    except OSError as error:
        raise ColorizerError(f"{path} cannot be written: {error.strerror}") from None
