"""Watches a folder for photographs that arrive, such as a scanner's output folder."""

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

from colorizer.errors import ColorizerError, one_line
from colorizer.inference.batch import Outcome, colorize_all
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.folder import Left, walk
from colorizer.inference.native_messages import NativeMessages
from colorizer.inference.options import Options
from colorizer.inference.place import results_apart
from colorizer.inference.plan import Plan, Task

REST = 2.0
"""Seconds that a file must stay the same before it counts as written."""
TICK = 1000  # milliseconds between two looks at files that still change
AGAIN = 10.0  # seconds after which everything is looked at, as network folders report no changes

State = tuple[int, int]  # a file's bytes, and when it was last written, in nanoseconds


class Arrivals:
    """Tells which files of a folder are new or changed, and written to their end.

    Args:
        folder: looked at to its depths, without what is hidden.
        but: a folder, resolved, that is left out, if any: that of the results.
    """

    def __init__(self, folder: Path, *, but: Path | None = None) -> None:
        self._folder, self._but = folder, but
        self._done: dict[Path, State] = {}
        self._changing: dict[Path, tuple[State, float]] = {}

    @property
    def waiting(self) -> bool:
        """Whether files are there that may still be written."""
        return bool(self._changing)

    def look(self, now: float) -> list[Path]:
        """Return the files that have come to rest since the last look, each state of a file once.

        Args:
            now: seconds, of a clock that only goes forward.
        """
        there = {path: state for path in self._files() if (state := _state(path))}
        self._done = {path: state for path, state in self._done.items() if path in there}
        changing: dict[Path, tuple[State, float]] = {}
        for path, state in there.items():
            if self._done.get(path) != state:
                before, since = self._changing.get(path, (state, now))
                changing[path] = (state, since if before == state else now)
        rested = [path for path, (_, since) in changing.items() if now - since >= REST]
        self._done |= {path: changing.pop(path)[0] for path in rested}
        self._changing = changing
        return rested

    def _files(self) -> Iterator[Path]:
        return (found for found in walk(self._folder, but=self._but) if isinstance(found, Path))


@dataclass(frozen=True)
class Stop:
    """What watchfiles asks whether to end.

    Attributes:
        asked: returns something true once the watching shall end.
    """

    asked: Callable[[], object] = lambda: False

    def is_set(self) -> bool:
        """Return whether the watching shall end."""
        return bool(self.asked())


def watch_folder(
    folder: Path, *, but: Path | None = None, stop: Stop | None = None
) -> Iterator[list[Path]]:
    """Yield the files that are in a folder, and then those that arrive or change, as they come.

    A file counts when it has stayed the same for `REST` seconds, and again whenever it changes.

    Args:
        folder: as of `Arrivals`.
        but: as of `Arrivals`.
        stop: ends it, if given.

    Raises:
        ColorizerError: if the system cannot tell of changes there.
    """
    arrivals, last = Arrivals(folder, but=but), -AGAIN
    for changes in _changes(folder, stop):
        now = time.monotonic()
        if changes or arrivals.waiting or now - last >= AGAIN:
            last = now
            if rested := arrivals.look(now):
                yield rested


def _changes(folder: Path, stop: Stop | None) -> Iterator[set[FileChange]]:
    try:
        yield from watch(
            folder,
            watch_filter=None,
            rust_timeout=TICK,
            yield_on_timeout=True,
            ignore_permission_denied=True,
            stop_event=stop,
        )
    except (OSError, RuntimeError) as error:  # such as too many folders to watch
        raise ColorizerError(
            f"{folder} cannot be watched ({one_line(error)}): set WATCHFILES_FORCE_POLLING=1 to "
            "look at it again and again instead"
        ) from error


def _state(path: Path) -> State | None:
    """Return what changes with a file; None if it is no file, or has gone."""
    try:
        said = path.stat()
    except OSError:
        return None
    return (said.st_size, said.st_mtime_ns) if stat.S_ISREG(said.st_mode) else None


def colorize_arriving(
    folder: Path,
    out: Path | None,
    colorizer: Colorizer | None,
    options: Options,
    messages: NativeMessages | None = None,
    *,
    stop: Stop | None = None,
) -> Iterator[Outcome]:
    """Color what is in a folder, then what arrives; yield what becomes of each file.

    A file that changes after it was colored is colored again in place of its result, unless the
    result was changed too. One that failed is tried again when it changes.

    Args:
        folder: as of `Arrivals`.
        out: a folder for the results, by default the one beside it that `plan` names.
        colorizer: as of `colorize_all`.
        options: as of `colorize_all`.
        messages: as of `colorize_all`.
        stop: ends it; what is being colored comes to its end.

    Raises:
        UsageError: if the folder would be colored into itself.
    """
    stop = stop or Stop()
    made: dict[Path, State | None] = {}
    for arrived in watch_folder(folder, but=results_apart(folder, out), stop=stop):
        found = [(path, folder) for path in arrived]
        planned = list(Plan(found, out, options.format, options.compare, options.confidence))
        ours = [any(_is_as_made(path, made) for path in _outputs(task)) for task in planned]
        for again in (False, True):
            some = (task for task, is_ours in zip(planned, ours, strict=True) if is_ours is again)
            tasks = takewhile(lambda _: not stop.is_set(), some)
            how = replace(options, overwrite=options.overwrite or again)
            for outcome in colorize_all(tasks, colorizer, how, messages):
                target = outcome.task.target
                if target and outcome.status in ("colorized", "copied"):
                    made[target] = _state(target)
                yield outcome


def _outputs(task: Task | Left) -> tuple[Path, ...]:
    return () if isinstance(task, Left) else task.outputs


def _is_as_made(target: Path, made: dict[Path, State | None]) -> bool:
    """Return whether a result was made while watching, and nobody changed it since."""
    return target in made and made[target] == _state(target)
