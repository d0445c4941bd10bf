"""Entry points of stages: they configure logging once and show an error as one line.

A stage imports this first: a Ctrl-C while it imports the rest ends it without a traceback.
"""

import errno
import functools
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import ParamSpec

from colorizer.errors import ColorizerError, is_out_of_memory, printable, require_memory

P = ParamSpec("P")


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):  # which came while a stage imports
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _show


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def entry_point(main: Callable[P, None]) -> Callable[P, None]:
    """Run `main` with logging configured; end on an error with one line and exit code 1.

    SIGTERM becomes `Terminated`, so that open files and runs are closed, and the exit code is 143
    (130 for SIGINT), as shells expect. A full disk, a folder that may not be written and too little
    memory are one line as well. If several processes share a training, only the first logs more
    than errors.
    """

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
        level = logging.ERROR if rank else logging.INFO
        logging.basicConfig(level=level, format="%(message)s", force=True)
        signal.signal(signal.SIGTERM, _terminate)
        warnings.filterwarnings("ignore", r"\d+ tasks which", UserWarning)  # Joblib's, of an error
        try:
            require_memory()
            with _explained():
                main(*args, **kwargs)
        except ColorizerError as error:
            who = f" (process {rank})" if rank else ""
            sys.exit(f"error{who}: {printable(str(error))}")
        except Terminated:
            sys.exit(128 + signal.SIGTERM)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)

    return run


@contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of the machine, and no others, into lines."""
    try:
        yield
    except ColorizerError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise ColorizerError(
                "the memory does not suffice: lower train.batch_size or engine.workers in "
                "params.yaml, or end other programs"
            ) from error
        if not isinstance(error, OSError):
            raise
        place = f"{error.filename}: " if error.filename else ""
        if error.errno in FULL:
            raise ColorizerError(
                f"{place}the disk is full: make room and run the same again; what is finished stays"
            ) from error
        if error.errno in CLOSED:
            raise ColorizerError(f"{place}{error.strerror}: allow writing there") from error
        raise


def _terminate(_signum: int, _frame: FrameType | None) -> None:
    raise Terminated
