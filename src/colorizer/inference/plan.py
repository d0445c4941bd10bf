"""Plans which photographs are colored, and where each result goes."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import UsageError
from colorizer.inference.folder import Found, Left, pass_over_results, promises_picture, walk
from colorizer.inference.place import folder_of_results, names_picture, require_place, results_apart
from colorizer.photo.identify import identify_file
from colorizer.photo.photofile import FORMATS, format_written
from colorizer.photo.signatures import SUFFIXES, UNKNOWN

USUAL = {name: suffix for suffix, name in reversed(FORMATS.items())}
"""The usual suffix of a format."""


@dataclass(frozen=True)
class Task:
    """A photograph to color.

    Attributes:
        source: its file.
        target: where the photograph in color goes.
        format: of the file written, one of `FORMATS`' values.
        kind: what its file is, in plain words.
        sheet: where the sheet that compares both goes, if one is asked for.
        confidence: where the map of the network's confidence goes, if one is asked for.
        copy: where a photograph goes that stays as it is, if that is another name: what is written
            in another format is copied under its own. It is the source where that lies there.
    """

    source: Path
    target: Path
    format: str
    kind: str = ""
    sheet: Path | None = None
    confidence: Path | None = None
    copy: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files that may be written."""
        copy = None if self.copy == self.source else self.copy
        return tuple(path for path in (self.target, copy, self.sheet, self.confidence) if path)


@dataclass(frozen=True)
class Plan:
    """What becomes of every file, in the order of names: tasks, and what is left, with the reason.

    Files are opened one by one, as they are asked for, so that a plan of many thousands begins at
    once.

    Attributes:
        found: the files.
        out: a folder, or, for a single file, a file name; None for names beside the originals.
        format: of the files to be written, one of `FORMATS`' values; None for each file's own.
        compare: also plan sheets: `photo_colorized_compare.jpg` beside `photo_colorized.jpg`.
        confidence: also plan maps: `photo_confidence.png`.
    """

    found: Sequence[Found]
    out: Path | None = None
    format: str | None = None
    compare: bool = False
    confidence: bool = False

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Task | Left]:
        sources: dict[str, Path] = {}
        for found in self.found:
            if isinstance(found, Left):
                yield found
                continue
            try:
                yield self._place(*found, sources)
            except UsageError as error:
                yield Left(found[0], "failed", str(error))

    def count_photos(self) -> int:
        """Look into all files, and return how many are photographs to color."""
        return sum(isinstance(task, Task) for task in self)

    def check(self) -> None:
        """Raise where two photographs would become one file, or one would replace itself.

        Raises:
            UsageError: if they would.
        """
        sources: dict[str, Path] = {}
        for found in self.found:
            if not isinstance(found, Left):
                self._place(*found, sources)

    def _place(self, path: Path, folder: Path | None, sources: dict[str, Path]) -> Task | Left:
        """Tell what a file is, and find its result a place that is no other's."""
        try:
            kind = identify_file(path)
        except OSError as error:
            return Left(path, "failed", f"cannot be read: {error.strerror}")
        own = kind.format or (kind is UNKNOWN and SUFFIXES.get(path.suffix.lower()))
        if not own:
            if promises_picture(path) and path.is_file():
                return Left(path, "failed", f"named like a picture, but {kind.name}")
            return Left(path, "skipped", kind.name)
        for task in self._tasks(path, folder, own, kind.name):
            clash = _clash(task, sources)
            beside = path.with_name(task.target.name)
            if not clash and (not folder or beside == path or not os.path.lexists(beside)):
                break
        if clash:
            raise UsageError(clash)
        sources.update((str(output), path) for output in task.outputs)
        return task

    def _targets(self, path: Path, folder: Path | None, own: str) -> Iterator[tuple[Path, str]]:
        """Yield where a result may go, and its format; the next is taken if one is another's."""
        if self.out and names_picture(self.out):
            yield self.out, SUFFIXES[self.out.suffix.lower()]
            return
        format = self.format or format_written(own)
        if folder:
            place = folder_of_results(folder, self.out) / path.relative_to(folder).parent
        else:
            place = self.out or path.parent
        ending = self._ending(folder)
        promised = SUFFIXES.get(path.suffix.lower())
        if promised:
            suffix = path.suffix if promised == format else USUAL[format]
            yield place / f"{path.stem}{ending}{suffix}", format
        if promised != format:
            yield place / f"{path.name}{ending}{USUAL[format]}", format

    def _ending(self, folder: Path | None) -> str:
        """Return what is added to names: something where results lie beside the originals."""
        return "" if folder or self.out else "_colorized"

    def _copy(self, path: Path, folder: Path | None, target: Path) -> Path | None:
        """Return where a photograph goes as it is, beside the target of another format."""
        if self.format or (self.out and names_picture(self.out)):  # which was asked for
            return None
        copy = target.with_name(f"{path.stem}{self._ending(folder)}{path.suffix}")
        return path if os.path.exists(copy) and copy.samefile(path) else copy  # noqa: PTH110

    def _tasks(self, path: Path, folder: Path | None, own: str, kind: str) -> Iterator[Task]:
        """Yield how a photograph may be colored; the next is taken if a name is another's."""
        for target, format in self._targets(path, folder, own):
            copy = None if format == own else self._copy(path, folder, target)
            for name in (target.stem, target.name):
                sheet = target.with_name(f"{name}_compare.jpg")
                map = target.with_name(f"{name.replace('_colorized', '')}_confidence.png")
                yield Task(
                    path,
                    target,
                    format,
                    kind,
                    sheet if self.compare else None,
                    map if self.confidence else None,
                    copy,
                )


def plan(
    paths: Iterable[Path],
    out: Path | None,
    *,
    format: str | None = None,
    compare: bool = False,
    confidence: bool = False,
) -> Plan:
    """Find the files in files and folders, and plan what becomes of each.

    By default `photo.jpg` becomes `photo_colorized.jpg`, and `folder/` becomes `folder_colorized/`
    with its structure. A result is named after its format: a JPEG file `scan.png` becomes
    `scan.jpg`, or `scan.png.jpg` where `scan.jpg` is another's. Beside its photograph a result is
    passed over.

    Args:
        paths: files, and folders that are searched to their depths.
        out: as of `Plan`.
        format: as of `Plan`.
        compare: as of `Plan`.
        confidence: as of `Plan`.

    Raises:
        UsageError: if a path does not exist, a folder would be colored into itself, two of the
            files named would become one, or `out` cannot be what it has to be.
    """
    found: list[Found] = []
    folders = False
    for path in paths:
        if path.is_dir():
            folders = True
            found += _find(path, out)
        elif os.path.lexists(path):
            found.append((path, None))
        else:
            raise UsageError(f"{path}: no such file or folder")
    if not folders:
        require_place(out, len(found), format)
    planned = Plan(list(pass_over_results(found)), out, format, compare, confidence)
    if not folders:
        planned.check()
    return planned


def _find(folder: Path, out: Path | None) -> Iterator[Found]:
    for found in walk(folder, but=results_apart(folder, out)):
        yield found if isinstance(found, Left) else (found, folder)


def _clash(task: Task, sources: dict[str, Path]) -> str:
    """Return what speaks against a task: a result in another's place, or in its source's; or ""."""
    for output in task.outputs:  # whose names may be too long, for which Path.exists raises
        if other := sources.get(str(output)):
            return f"{other} and {task.source} would both become {output}: color them apart"
        if os.path.exists(output) and output.samefile(task.source):  # noqa: PTH110
            return f"{task.source} would replace itself: name another folder by -o"
    return ""
