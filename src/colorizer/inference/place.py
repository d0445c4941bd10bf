"""Where results may go: a folder, or a file for a single one."""

from pathlib import Path

from colorizer.errors import UsageError
from colorizer.photo.photofile import FORMATS
from colorizer.photo.signatures import SUFFIXES


def folder_of_results(folder: Path, out: Path | None = None) -> Path:
    """Return where the photographs of a folder go, by default a folder beside it.

    Raises:
        UsageError: if nothing is beside it.
    """
    if out:
        return out
    if folder.name in ("", ".."):  # such as "."
        folder = folder.resolve()
    if not folder.name:
        raise UsageError(f"{folder} has nothing beside it: name a folder for the results by -o")
    return folder.with_name(f"{folder.name}_colorized")


def results_apart(folder: Path, out: Path | None) -> Path:
    """Return where the photographs of a folder go, resolved.

    Raises:
        UsageError: if that is the folder itself, or no folder, or nothing is beside it.
    """
    if out:
        _require_folder(out)
    results = folder_of_results(folder, out).resolve()
    if results == folder.resolve():
        raise UsageError(f"{folder} would be colored into itself: name another folder by -o")
    return results


def names_picture(out: Path) -> bool:
    """Whether results go into a file of this name, not into a folder."""
    return out.suffix.lower() in SUFFIXES and not out.is_dir()


def require_place(out: Path | None, count: int, format: str | None) -> None:
    """Raise where some files' results cannot go to a place, or not in a format."""
    if out is None:
        return
    if count > 1 or not names_picture(out):
        _require_folder(out)
        return
    promised = SUFFIXES[out.suffix.lower()]
    if promised not in FORMATS.values():
        raise UsageError(f"-o {out}: such files are not written: choose {', '.join(FORMATS)}")
    if format not in (None, promised):
        raise UsageError(f"-o {out} is to be {promised}, --format says {format}: leave one out")


def _require_folder(out: Path) -> None:
    if names_picture(out):
        raise UsageError(f"-o {out} names one picture, and there are more: name a folder")
    if out.exists() and not out.is_dir():
        raise UsageError(f"-o {out} is a file: name a folder")
