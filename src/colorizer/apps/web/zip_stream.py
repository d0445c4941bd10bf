"""Zip archives that are sent while their files are made."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any

from colorizer.errors import ColorizerError

FAILED = "not_colored.txt"
"""The archive's list of missing photographs, with the reason for each."""

MAX_NAME = 255
"""Bytes of a file's name."""

Maker = Callable[[], tuple[str, bytes]]
"""Makes a file: its name and its bytes."""


def stream_zip(makers: Iterable[tuple[str, Maker]]) -> Iterator[bytes]:
    """Yield a zip archive in parts, one as soon as each file is made.

    Args:
        makers: for each file, what people call it and how to make it. A file whose maker raises
            `ColorizerError` is listed in `FAILED` instead.
    """
    buffer, failed = _Buffer(), ""
    taken = {FAILED}
    with zipfile.ZipFile(buffer, "w") as archive:
        for label, make in makers:
            try:
                name, data = make()
            except ColorizerError as error:
                failed += f"{label}: {error}\n"
                continue
            archive.writestr(_unique(name, taken), data)
            yield buffer.take()
        if failed:
            archive.writestr(FAILED, failed)
    yield buffer.take()


def extend_stem(name: str, addition: str) -> str:
    """Return a file's name with an addition before its suffix; a long stem is cut to fit.

    Example:
        >>> extend_stem("photo.jpg", "_colorized")
        'photo_colorized.jpg'
    """
    path = PurePath(name)
    ending = f"{addition}{path.suffix}".encode()
    return (path.stem.encode()[: MAX_NAME - len(ending)] + ending).decode(errors="ignore")


class _Buffer(io.RawIOBase):
    """Holds what was written until it is taken."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self._written = b"".join(self._written), []
        return data


def _unique(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken already, and add it to those taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = extend_stem(name, f"_{number}")
    taken.add(found)
    return found
