"""Pictures to the size that a network sees."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray


def resize(
    rgb: NDArray[np.uint8], *, size: int | tuple[int, int], resample: str
) -> NDArray[np.uint8]:
    """Resize a whole picture, whatever its proportions, with antialiasing.

    Args:
        rgb: uint8 (H, W, 3).
        size: height and width in pixels, or the side of a square.
        resample: "bilinear" or "bicubic"; the same filters as Pillow's, up to rounding.

    Returns:
        uint8 (height, width, 3).
    """
    own = np.require(rgb, requirements=["C", "W"])  # copied only if PyTorch could not take it
    planes = torch.from_numpy(own)[None].permute(0, 3, 1, 2)  # interleaved, and so is the answer
    shape = (size, size) if isinstance(size, int) else size
    resized = F.interpolate(planes, size=shape, mode=resample, antialias=True)
    return resized[0].permute(1, 2, 0).contiguous().numpy()


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Let PyTorch compute with one thread a call, while calls come from as many as there are cores.

    It holds for the whole process until the context ends.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
