"""The state of a training on disk, from which an interrupted one resumes."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colorizer.paths import atomic_write

STATE = "state.pt"


class Checkpoint:
    """The state of a training on disk, written in a thread while the training goes on.

    A context manager: at its end, whatever ends it, the state last saved is on disk.

    Args:
        folder: where it is kept, as `STATE`; it must belong to this training alone.
        enabled: whether to write; of several processes only the first does.
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self.path = folder / STATE
        self.enabled = enabled
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self.wait()

    def load(self) -> dict[str, Any] | None:
        """Return the state that an earlier process saved, on the CPU, if there is one."""
        if not self.path.exists():
            return None
        state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
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
        with atomic_write(self.path) as unfinished, unfinished.open("wb") as file:
            torch.save(state, file)  # to a name it would not say that the disk is full


def snapshot(state: Any) -> Any:
    """Return a copy on the CPU that does not change when training goes on."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: snapshot(value) for key, value in state.items()}
    if isinstance(state, list):
        return [snapshot(value) for value in state]
    return state
