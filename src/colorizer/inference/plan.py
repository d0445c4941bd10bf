"""Plans which photographs are colored, and where each result goes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from colorizer.errors import ColorizerError
from colorizer.photo.decode import SUFFIXES
from colorizer.photo.photofile import FORMATS


@dataclass(frozen=True)
class Task:
    """A photograph to color.

    Attributes:
        source: its file.
        target: where the photograph in color goes.
        sheet: where the sheet that compares both goes, if one is asked for.
        confidence: where the map of the network's confidence goes, if one is asked for.
    """

    source: Path
    target: Path
    sheet: Path | None = None
    confidence: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files to be written."""
        return tuple(path for path in (self.target, self.sheet, self.confidence) if path)


def plan(
    paths: Iterable[Path],
    out: Path | None,
    *,
    format: str | None = None,
    compare: bool = False,
    confidence: bool = False,
) -> list[Task]:
    """Find the photographs in files and folders, and where each goes.

    Args:
        paths: files, and folders that are searched to their depths for photographs.
        out: a folder, or, for a single file, a file name. By default `photo.jpg` becomes
            `photo_colorized.jpg` and `folder/` becomes `folder_colorized/`.
        format: of the files to be written, one of `FORMATS`' values; None for each file's own.
        compare: also plan sheets: `photo_colorized_compare.jpg` beside `photo_colorized.jpg`.

        confidence: also plan maps: `photo_confidence.png`.

    Raises:
        ColorizerError: if a path does not exist, a folder holds no photograph, or two photographs
            or sheets would go to one file.
    """
    paths = list(paths)
    tasks: list[Task] = []
    for path in paths:
        if path.is_dir():
            tasks += _plan_folder(path, out, format)
        elif not path.exists():
            raise ColorizerError(f"{path}: no such file or folder")
        elif out is not None and len(paths) == 1 and out.suffix.lower() in FORMATS:
            tasks.append(Task(path, out))
        else:
            name = f"{path.stem}{'' if out else '_colorized'}{_suffix(path, format)}"
            tasks.append(Task(path, (out or path.parent) / name))
    if compare:
        tasks = [replace(task, sheet=_sheet(task.target)) for task in tasks]
    if confidence:
        tasks = [replace(task, confidence=_map(task.target)) for task in tasks]
    _require_apart(tasks)
    return tasks


def find_photos(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Find the photographs in a folder, however deep, sorted; hidden ones are left out.

    Args:
        folder: searched for `SUFFIXES`.
        but: a folder, resolved, that is left out, if any.

    Raises:
        ColorizerError: if there is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not (but and path.resolve().is_relative_to(but))
        and path.is_file()
    )
    if not found:
        raise ColorizerError(
            f"{folder}: no photographs there; known are {', '.join(sorted(SUFFIXES))}"
        )
    return found


def _sheet(target: Path) -> Path:
    return target.with_name(f"{target.stem}_compare.jpg")


def _map(target: Path) -> Path:
    return target.with_name(f"{target.stem.removesuffix('_colorized')}_confidence.png")


def _require_apart(tasks: Iterable[Task]) -> None:
    """Raise if a file to be written is another photograph's too, or the photograph itself."""
    sources: dict[Path, Path] = {}
    for task in tasks:
        for path in task.outputs:
            if (other := sources.setdefault(path, task.source)) != task.source:
                raise ColorizerError(
                    f"{other} and {task.source} would both become {path}: color them apart"
                )
            if path.exists() and path.samefile(task.source):
                raise ColorizerError(
                    f"{task.source} would replace itself: name another folder by -o"
                )


def _plan_folder(folder: Path, out: Path | None, format: str | None) -> list[Task]:
    target = out or folder.with_name(f"{folder.resolve().name}_colorized")
    inside = target.resolve()
    if inside == folder.resolve():
        raise ColorizerError(f"{folder} would be colored into itself: name another folder by -o")
    return [
        Task(path, (target / path.relative_to(folder)).with_suffix(_suffix(path, format)))
        for path in find_photos(folder, but=inside)
    ]


def _suffix(path: Path, format: str | None) -> str:
    known = Image.registered_extensions().get(path.suffix.lower(), "")
    own = FORMATS.get(path.suffix.lower(), known)
    if format is None and known and own not in FORMATS.values():
        format = "PNG"  # such as a GIF, whose 256 colors are too few
    if format is None or own == format:
        return path.suffix
    return next(suffix for suffix, name in FORMATS.items() if name == format)
