"""Names the photographs that a process was at when it failed, or died without a word."""

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from traceback import extract_tb

from colorizer.errors import (
    ColorizerError,
    ImageError,
    OutOfMemoryError,
    is_out_of_memory,
    one_line,
)

LONGEST = 300  # characters of a name, so that a line is written to a pipe at once

_one_at_a_time = threading.Lock()

WITNESS = """
import sys
at = {}
for line in sys.stdin.buffer:
    thread, name = line.rstrip(b"\\n").split(b" ", 1)
    if thread == b"end":
        at = {}
    elif name:
        at[thread] = name.decode("utf-8", "replace")
    else:
        at.pop(thread, None)
if at:
    names = ", ".join(sorted(at.values()))
    print(f"error: the process died at: {names} (killed, or short of memory)", file=sys.stderr)
"""
"""A process that outlives the one which it is told of."""


@contextlib.contextmanager
def at(name: str) -> Iterator[None]:
    """Name a photograph in whatever ends the work on it.

    An error gets its name. If the process dies instead, by a signal or in a library, a line on
    standard error names the photographs that its threads were at.

    Raises:
        ImageError: if it cannot be read.
        OutOfMemoryError: if the memory does not suffice.
        ColorizerError: for an error of any other kind but of files.
    """
    thread = threading.get_ident()
    _tell(f"{thread} {' '.join(name.split())[:LONGEST]}")
    try:
        yield
    except ImageError as error:
        if str(error).startswith(name):
            raise
        raise ImageError(f"{name}: {error}") from error
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemoryError(name) from error
        if isinstance(error, ColorizerError | OSError):
            raise
        raise ColorizerError(f"{name}: {unexpected(error)}") from error
    finally:
        _tell(f"{thread} ")


def unexpected(error: Exception) -> str:
    """Return on one line what a fault of our own, or of a library, is and where it arose."""
    at = extract_tb(error.__traceback__)[-1]
    place = f"{Path(at.filename).name}:{at.lineno}"
    return f"unexpected {type(error).__name__} at {place}: {one_line(error)}"


def _tell(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a witness that is gone, or dismissed
        with _one_at_a_time:  # two threads would start two
            stdin = _witness(os.getpid()).stdin
        assert stdin
        os.write(stdin.fileno(), f"{line}\n".encode(errors="replace"))


@cache
def _witness(_process: int) -> "subprocess.Popen[bytes]":
    """Start this process's witness, out of reach of what may end this one."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", WITNESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_dismiss, process)
    return process


def _dismiss(witness: "subprocess.Popen[bytes]") -> None:
    """Say that this process ends as it should, whatever its threads are at."""
    with contextlib.suppress(OSError), witness:
        assert witness.stdin
        os.write(witness.stdin.fileno(), b"end \n")
