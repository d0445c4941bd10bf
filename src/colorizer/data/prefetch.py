"""Batches that are brought to the training device while the one before is worked on."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]
"""Lightness and ab."""

Part = TypeVar("Part")


def upload(batch: Batch, device: torch.device) -> Batch:
    """Copy a batch to a device, a GPU meanwhile going on with its work."""
    if device.type == "cuda":
        batch = batch[0].pin_memory(), batch[1].pin_memory()
    return batch[0].to(device, non_blocking=True), batch[1].to(device, non_blocking=True)


def prefetch(load: Callable[[Part], Batch], parts: Iterable[Part]) -> Iterator[Batch]:
    """Yield `load(part)` of each part, the next one loading in a thread meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        ahead = None
        for part in parts:
            loading = thread.submit(load, part)
            if ahead is not None:
                yield ahead.result()
            ahead = loading
        if ahead is not None:
            yield ahead.result()
