"""Archives of photographs: listed and read without unpacking."""

import io
import logging
import shutil
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import ColorizerError, is_out_of_memory, one_line, printable
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.large import alone_if_large
from colorizer.photo.signatures import SUFFIXES

logger = logging.getLogger(__name__)

LARGEST = 1 << 30
"""Bytes of a member; a small archive may hold any number."""

UNPACKED, RATIO = 64 << 20, 100
"""Bytes up to which a member may be any number of times what the archive holds of it; the number
beyond, which no photograph comes near."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others unpack all that they are given: bzip2 makes a gigabyte of 740 bytes."""

PART = 1 << 20
"""Bytes that are unpacked at once."""


class ArchiveError(ColorizerError):
    """An archive is missing, damaged, or not the expected one."""


def list_members(archive: Path) -> tuple[list[str], list[str]]:
    """List an archive's files, sorted: those named like images, and the others.

    Raises:
        ArchiveError: if the file is missing or no zip archive.
    """
    images: list[str] = []
    others: list[str] = []
    for name in sorted(_open(archive).NameToInfo):
        if not name.endswith("/"):
            (images if _is_image_name(name) else others).append(name)
    return images, others


def read_member(archive: Path, member: str) -> bytes:
    """Read one file out of an archive; safe to call from many threads.

    Raises:
        ArchiveError: if the member is damaged or a bomb, or the archive missing or none.
    """
    opened = _open(archive)
    try:
        info, data = opened.getinfo(member), io.BytesIO()
        _refuse_bombs(info, archive)
        with opened.open(info) as file:  # never more than it says, which `read` unpacks first
            shutil.copyfileobj(file, data, PART)
        return data.getvalue()
    except Exception as error:  # zlib.error and its like derive from Exception alone
        if is_out_of_memory(error):
            raise
        name = f"{archive.name}: {printable(member)}"
        raise ArchiveError(f"{name} is damaged: {one_line(error)}") from error


def _refuse_bombs(info: zipfile.ZipInfo, archive: Path) -> None:
    size = info.file_size
    if size > LARGEST:
        raise ArchiveError(f"{size:,} bytes; at most {LARGEST:,} are read")
    held = min(info.compress_size, archive.stat().st_size)  # it may claim to be any
    if size > UNPACKED and size > RATIO * held:
        raise ArchiveError(f"{size:,} bytes of {held:,}; at most {RATIO} times as many are read")
    if info.compress_type not in METHODS:
        raise ArchiveError(f"packed by method {info.compress_type}: pack it anew by deflate")


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
        raise ImageError(f"{printable(photo_id)}: {error}") from error


@lru_cache(maxsize=64)
def _open(archive: Path) -> zipfile.ZipFile:
    try:
        opened = zipfile.ZipFile(archive)
    except Exception as error:  # of odd directories zipfile raises nearly anything
        if is_out_of_memory(error):
            raise
        raise ArchiveError(f"{archive} is no readable zip archive: {one_line(error)}") from error
    if more := len(opened.filelist) - len(opened.NameToInfo):
        logger.warning(
            "%s: names that stand twice: %d; the last file of a name counts", archive.name, more
        )
    return opened


def _is_image_name(name: str) -> bool:
    """Tell by a name, of which there may be millions: paths would take ten times as long."""
    parts = (part for part in name.split("/") if part != ".")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    breaks = min(name, default="") < " "  # a table's lines: it holds control characters
    return name[name.rfind(".") :].lower() in SUFFIXES and not hidden and not breaks
