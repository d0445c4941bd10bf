"""What C libraries print to standard error, such as libtiff's warnings: kept from the terminal.

They write to file descriptor 2, past Python, and do not say of which file. So what was printed
while one file was read is known to be of this file only if no other was read meanwhile.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition
from typing import TextIO

STDERR = 2

MOST = 4096  # bytes that are looked at of what is printed on one file


class NativeMessages:
    """What libraries printed, and how many files are being read.

    Args:
        file: what they print to.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._readers = 0
        self._alone = False
        self._changed = Condition()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Callable[[], list[str]]]:
        """Read a file, beside others; yield what returns the lines printed meanwhile, of any."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._readers += 1
        try:
            start = self._file.stat().st_size
            yield lambda: self._since(start)
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def reading_alone(self) -> Iterator[Callable[[], list[str]]]:
        """Read a file while no other is read; yield what returns the lines that it made."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: not self._readers)
        try:
            start = self._file.stat().st_size
            yield lambda: self._since(start)
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def _since(self, start: int) -> list[str]:
        if self._file.stat().st_size == start:
            return []
        with self._file.open("rb") as file:
            file.seek(start)
            lines = file.read(MOST).decode(errors="replace").splitlines()
        return list(dict.fromkeys(line.strip() for line in lines))


@contextlib.contextmanager
def keep_native_messages() -> Iterator[NativeMessages]:
    """Let C libraries print to a file, and Python to standard error as before.

    It holds for the whole process until the context ends.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        path = Path(folder) / "messages"
        real = os.dup(STDERR)
        ends.callback(os.close, real)
        if _is_stderr(sys.stderr):
            sys.stderr.flush()
            terminal = os.fdopen(
                real, "w", 1, sys.stderr.encoding, sys.stderr.errors, closefd=False
            )
            ends.enter_context(contextlib.redirect_stderr(ends.enter_context(terminal)))
        with path.open("ab") as file:
            os.dup2(file.fileno(), STDERR)
        ends.callback(os.dup2, real, STDERR)
        yield NativeMessages(path)


def _is_stderr(stream: TextIO) -> bool:
    try:
        return stream.fileno() == STDERR
    except OSError:  # a stand-in of a test's
        return False
