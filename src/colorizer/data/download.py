"""Downloads of archives: resumed after an interruption, verified, and complete or absent."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock
from tqdm import tqdm

from colorizer.data.archive import ArchiveError
from colorizer.data.archive_file import is_at, md5_of, with_length
from colorizer.data.http_download import CHUNK, ELSEWHERE, download
from colorizer.params import Archive
from colorizer.paths import atomic_write

logger = logging.getLogger(__name__)


def fetch(
    archives: Sequence[Archive], folder: Path, *, partial: Path, cache: Path | None = None
) -> None:
    """Bring archives into `folder`, all of them or none, and remove other zip files from there.

    An archive that is there already is kept. A download resumes where an earlier one stopped;
    only complete and verified files get their final names. Complete ones wait in
    `partial` for the others, so that a failure loses none.

    Args:
        archives: where they are, and what they must be.
        folder: where the files go, under the archives' own names.
        partial: where unfinished downloads wait to be resumed.
        cache: DVC's cache of files by their MD5, which is searched before a download.

    Raises:
        ArchiveError: if one is not available or not what was expected, if they do not fit on the
            disk, or if a file would have to be removed from a folder that is a link.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{partial}.lock"):  # one download at a time: two would write the same part
        for left in folder.glob(".unfinished-*"):  # by a killed run, on another disk than `partial`
            shutil.rmtree(left)
        missing = [with_length(a) for a in archives if not is_at(folder / a.name, a)]
        stale = _find_stale(folder, archives)
        _require_own(folder, [*stale, *(folder / archive.name for archive in missing)])
        _require_space(partial, sum(max(a.bytes - _size(_part(a, partial)), 0) for a in missing))
        if folder.stat().st_dev != partial.stat().st_dev:
            _require_space(folder, sum(archive.bytes for archive in missing))
        parts = [_fetch(archive, partial, cache) for archive in missing]
        for archive, part in zip(missing, parts, strict=True):
            with atomic_write(folder / archive.name) as unfinished:  # a link is replaced, not what
                shutil.move(part, unfinished)  # it leads to, in DVC's cache
        for path in stale:
            path.unlink()
        if stale:
            names = ", ".join(path.name for path in stale)
            logger.info("%s: removed, since params.yaml does not name it: %s", folder, names)


def _find_stale(folder: Path, archives: Sequence[Archive]) -> list[Path]:
    others = set(folder.glob("*.zip")) - {folder / archive.name for archive in archives}
    return sorted(path for path in others if path.is_symlink() or not path.is_dir())


def _require_own(folder: Path, doomed: Sequence[Path]) -> None:
    """Raise if removing or replacing files would harm a person's own."""
    for path in doomed:
        if path.is_dir() and not path.is_symlink():
            raise ArchiveError(f"{path} is a folder where an archive belongs: move it away")
        if path.exists() and folder.is_symlink():
            raise ArchiveError(
                f"{path} would be removed, but {folder} is a link to {folder.resolve()}: "
                "remove the link, or move the file away"
            )


def _part(archive: Archive, partial: Path) -> Path:
    return partial / f"{archive.md5 or archive.name}.part"


def _fetch(archive: Archive, partial: Path, cache: Path | None) -> Path:
    part = _part(archive, partial)
    cached = cache and archive.md5 and cache / archive.md5[:2] / archive.md5[2:]
    with _progress(archive) as bar:
        if cached and is_at(cached, archive):
            _copy(cached, part, bar)
        elif urlsplit(archive.source).scheme in ("http", "https"):
            download(archive, part, bar)
        else:
            _require_local(archive)
            _copy(Path(archive.source), part, bar)
    _verify(part, archive)
    return part


def _progress(archive: Archive) -> "tqdm[Any]":
    return tqdm(total=archive.bytes, unit="B", unit_scale=True, desc=archive.name, disable=None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ArchiveError(
            f"too little disk in {folder}: {needed:,} bytes are needed, {free:,} are free; "
            f"make room and run again, or {ELSEWHERE}"
        )


def _require_local(archive: Archive) -> None:
    path = Path(archive.source)
    if not path.is_file():
        raise ArchiveError(
            f"{archive.source} not found in {Path.cwd()}: put the file or a link to it there, or "
            "give download.archives a URL (https://...) or the path of an existing file"
        )
    if path.stat().st_size != archive.bytes:
        raise ArchiveError(
            f"{archive.source} has {path.stat().st_size:,} bytes, but params.yaml expects "
            f"{archive.bytes:,}: correct bytes and md5 there, or get the right file"
        )


def _copy(source: Path, part: Path, bar: "tqdm[Any]") -> None:
    with source.open("rb") as reader, part.open("wb") as writer:
        while chunk := reader.read(CHUNK):
            writer.write(chunk)
            bar.update(len(chunk))


def _verify(part: Path, archive: Archive) -> None:
    md5 = md5_of(part)
    if not archive.md5:
        logger.warning("warning: nobody has verified %s: its MD5 is %s", archive.source, md5)
    elif md5 != archive.md5:
        size = _size(part)
        part.unlink()
        raise ArchiveError(
            f"{archive.source} has MD5 {md5} ({size:,} bytes), but params.yaml expects "
            f"{archive.md5} ({archive.bytes:,} bytes): the copy was discarded; run again, and if "
            f"it stays so, correct download.archives; {ELSEWHERE}"
        )
