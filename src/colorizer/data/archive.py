"""Archives of photographs: listed and read without unpacking."""

import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import ColorizerError, one_line
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.large import alone_if_large
from colorizer.photo.signatures import SUFFIXES

LARGEST = 1 << 30
"""Bytes of a member; a small archive may hold any number."""


class ArchiveError(ColorizerError):
    """An archive is missing, damaged, or not the expected one."""


def list_members(archive: Path) -> tuple[list[str], list[str]]:
    """List an archive's files, sorted: those named like images, and the others.

    Raises:
        ArchiveError: if the file is missing or no zip archive.
    """
    files = sorted({info.filename for info in _open(archive).infolist() if not info.is_dir()})
    images = [name for name in files if _is_image_name(name)]
    return images, [name for name in files if not _is_image_name(name)]


def read_member(archive: Path, member: str) -> bytes:
    """Read one file out of an archive; safe to call from many threads.

    Raises:
        ArchiveError: if the member is damaged, or the archive missing or none.
    """
    opened = _open(archive)
    try:
        if (size := opened.getinfo(member).file_size) > LARGEST:
            raise ArchiveError(f"{size:,} bytes; at most {LARGEST:,} are read")
        return opened.read(member)
    except Exception as error:  # zlib.error and its like derive from Exception alone
        raise ArchiveError(f"{archive.name}: {member} is damaged: {one_line(error)}") from error


def read_photo(folder: Path, photo_id: str) -> bytes:
    """Read the photograph `archive.zip/path/in/the/archive.jpg` from a folder of archives."""
    archive, member = photo_id.split("/", 1)
    return read_member(folder / archive, member)


def decode_photo(folder: Path, photo_id: str) -> NDArray[np.uint8]:
    """Decode a photograph of a folder of archives: uint8 (H, W, 3), sRGB.

    Raises:
        ImageError: if it cannot be decoded; the line says which.
    """
    data = read_photo(folder, photo_id)
    try:
        with alone_if_large(data):
            return decode(data).rgb
    except ImageError as error:
        raise ImageError(f"{photo_id}: {error}") from error


@lru_cache(maxsize=64)
def _open(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except Exception as error:  # of odd directories zipfile raises nearly anything
        raise ArchiveError(f"{archive} is no readable zip archive: {one_line(error)}") from error


def _is_image_name(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden
