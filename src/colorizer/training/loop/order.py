"""The order in which a training sees its photographs."""

import numpy as np
import torch
from torch import Tensor

SHARDS = 8
"""Photograph i is in shard i % SHARDS; a number of devices that divides it can share a training."""


def permutation(length: int, *, seed: int, epoch: int) -> Tensor:
    """Return an epoch's order, which depends on (seed, epoch) alone: int64 (length,).

    Each shard is shuffled for itself and place k goes to a photograph of shard k % SHARDS. So a
    process finds its share of every batch among its own photographs, and a batch holds the same
    photographs however many processes there are.

    Example:
        >>> permutation(20, seed=7, epoch=1) % SHARDS
        tensor([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3])
    """
    state = np.random.RandomState([seed % 2**32, epoch])  # a stream that NumPy keeps frozen
    order = np.empty(length, np.int64)
    for shard in range(SHARDS):
        order[shard::SHARDS] = state.permutation(np.arange(shard, length, SHARDS))
    return torch.from_numpy(order)
