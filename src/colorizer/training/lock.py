"""One process at a time in a training's folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from colorizer.errors import ColorizerError


@contextlib.contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Keep other processes out of a training's folder, such as one that outlived its `dvc repro`.

    Raises:
        ColorizerError: if another process is training there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            yield
    except Timeout:
        raise ColorizerError(
            f"another process is training in {folder}: wait for it, or end it (`ps` shows it)"
        ) from None
