"""What lies in a folder, however deep: files to look at, and what is passed over and why."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colorizer.errors import ColorizerError
from colorizer.photo.identify import identify_file
from colorizer.photo.signatures import SUFFIXES

SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})

RESULT = re.compile(r"(?P<photo>.+)_colorized(\.\w+)?(_compare)?|(?P<of>.+)_confidence", re.DOTALL)
"""What a result beside its photograph is called, without suffix."""


@dataclass(frozen=True)
class Left:
    """A file or a folder that is not colored.

    Attributes:
        source: which.
        status: "skipped" if it is no photograph, "failed" if there should be one.
        kind: what it is, in plain words.
        target: nothing is written.
    """

    source: Path
    status: Literal["skipped", "failed"]
    kind: str
    target: None = None

    @property
    def message(self) -> str:
        """What is said of it, on one line."""
        return f"{self.source}: {self.kind}"


Found = tuple[Path, Path | None] | Left
"""A file and the folder that it was found in, if it was; or what is passed over."""


def walk(folder: Path, *, but: Path | None = None) -> Iterator[Path | Left]:
    """Find all files in a folder, however deep, in the order of their names; open none.

    Args:
        folder: where they are. Links to folders are not followed.
        but: a folder, resolved, that is not searched, if any.

    Yields:
        Files and links; and what is passed over: files of the system, what is hidden, folders
        that are not searched, or cannot be.
    """
    waiting = [_entries(folder)]  # a stack, since folders nest deeper than calls can
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif isinstance(entry, Left):
            yield entry
        elif reason := _reason_to_pass_over(entry, but):
            yield Left(Path(entry.path), "skipped", reason)
        elif entry.is_dir(follow_symlinks=False):
            waiting.append(_entries(Path(entry.path)))
        else:
            yield Path(entry.path)


def pass_over_results(found: Sequence[Found]) -> Iterator[Found]:
    """Pass over what an earlier run made of other files here, so that it is not colored again."""
    files = [one[0] for one in found if not isinstance(one, Left)]
    there: set[str] = set()
    if any(map(_find_original, files)):
        there = {str(path.with_suffix("")) for path in files} | set(map(str, files))
    for one in found:
        if not isinstance(one, Left) and _find_original(one[0]) in there:
            yield Left(one[0], "skipped", "a result of a photograph beside it")
        else:
            yield one


def _find_original(path: Path) -> str:
    """Return the path, perhaps without suffix, that a result's name was made of; else ""."""
    made = RESULT.fullmatch(path.stem)
    return str(path.with_name(made["photo"] or made["of"])) if made else ""


def promises_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return path.suffix.lower() in SUFFIXES


def find_photos(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Find the photographs in a folder, however deep, sorted; hidden ones are left out.

    Args:
        folder: searched for pictures, and for files whose names promise one.
        but: a folder, resolved, that is left out, if any.

    Raises:
        ColorizerError: if there is none.
    """
    files = (path for path in walk(folder, but=but) if isinstance(path, Path))
    found = [path for path in files if promises_picture(path) or _is_picture(path)]
    if not found:
        raise ColorizerError(f"{folder}: no photographs there")
    return found


def _is_picture(path: Path) -> bool:
    try:
        return identify_file(path).format is not None
    except OSError:
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str] | Left]:
    if promises_picture(folder):
        yield Left(folder, "skipped", "a folder named like a picture")
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Left(folder, "failed", f"a folder that cannot be read: {error.strerror}")


def _reason_to_pass_over(entry: os.DirEntry[str], but: Path | None) -> str:
    """Return why nobody looks into a file or folder, or ""."""
    is_folder = entry.is_dir(follow_symlinks=False)
    if entry.name.lower() in SYSTEM_FILES or entry.name.startswith("._"):
        return "a file of the system"
    if entry.name.startswith("."):
        return "a hidden folder" if is_folder else "a hidden file"
    if is_folder and but and Path(entry.path).resolve() == but:
        return "the folder of results"
    return ""
