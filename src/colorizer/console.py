"""The entry points' manners: logging set up once, an error shown as one line."""

import functools
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec

from colorizer.errors import ColorizerError

P = ParamSpec("P")


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def entry_point(main: Callable[P, None]) -> Callable[P, None]:
    """Run `main` with logging configured; end on an error with one line and exit code 1.

    SIGTERM is raised as `Terminated`, so that what is open gets closed, and exits with 143 (SIGINT
    with 130), as shells expect. Of several processes that share a training only the first speaks,
    but for errors.
    """

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
        level = logging.ERROR if rank else logging.INFO
        logging.basicConfig(level=level, format="%(message)s", force=True)
        signal.signal(signal.SIGTERM, _terminate)
        try:
            main(*args, **kwargs)
        except ColorizerError as error:
            sys.exit(f"error (process {rank}): {error}" if rank else f"error: {error}")
        except Terminated:
            sys.exit(128 + signal.SIGTERM)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)

    return run


def _terminate(_signum: int, _frame: FrameType | None) -> None:
    raise Terminated
