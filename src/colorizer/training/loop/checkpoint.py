"""The state of a training on disk, from which an interrupted one resumes."""

import logging
import struct
import zipfile
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colorizer.paths import atomic_write

logger = logging.getLogger(__name__)

STATE = "state.pt"
BEFORE = "state_before.pt"  # the last but one, in case that the last is damaged

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError)
"""What reading a damaged file raises."""


def find_state(folder: Path) -> Path | None:
    """Return the newest undamaged checkpoint in a training's folder."""
    return next((path for path in (folder / STATE, folder / BEFORE) if _is_sound(path)), None)


def _is_sound(path: Path) -> bool:
    """Return whether a checkpoint is there and whole; PyTorch does not look at its checksums."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:
                return False
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except DAMAGE:
        return False
    return True


class Checkpoint:
    """The state of a training on disk, written in a thread while the training goes on.

    A context manager: at its end, whatever ends it, the state last saved is on disk. The one before
    is kept beside it.

    Args:
        folder: where it is kept, as `STATE` and `BEFORE`; it must belong to this training alone.
        enabled: whether to write; of several processes only the first does.
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self.path = folder / STATE
        self.enabled = enabled
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._damaged = False  # what lies at `path`

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self.wait()

    def load(self) -> dict[str, Any] | None:
        """Return the state that an earlier process saved, on the CPU, if there is one.

        A damaged file is passed over with a warning; the one before takes its place.
        """
        found = find_state(self.path.parent)
        self._damaged = found != self.path and self.path.exists()
        if self._damaged:
            instead = "the training begins anew" if found is None else f"{BEFORE} is used"
            logger.warning("warning: %s is damaged: %s", self.path, instead)
        if found is None:
            return None
        state: dict[str, Any] = torch.load(found, map_location="cpu", weights_only=True)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Copy a state of tensors, numbers, lists and dicts now, and write it in the background.

        The earlier file is replaced only by a whole one. Waits if the last one is still written.
        """
        self.wait()
        if self.enabled:
            self._writing = self._thread.submit(self._write, snapshot(state))

    def wait(self) -> None:
        """Wait for what is being written.

        Raises:
            OSError: if it could not be written.
        """
        if self._writing is not None:
            self._writing.result()

    def _write(self, state: dict[str, Any]) -> None:
        with atomic_write(self.path) as unfinished:
            with unfinished.open("wb") as file:
                torch.save(state, file)  # to a name it would not say that the disk is full
            if self.path.exists() and not self._damaged:
                self.path.replace(self.path.with_name(BEFORE))
        self._damaged = False


def snapshot(state: Any) -> Any:
    """Return a copy on the CPU that does not change when training goes on."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: snapshot(value) for key, value in state.items()}
    if isinstance(state, list):
        return [snapshot(value) for value in state]
    return state
