"""What a command waits for before its first photograph: the network, and Numba's start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from colorizer.data.start_loops import start_loops

Loaded = TypeVar("Loaded")


def load_beside_loops(load: Callable[[], Loaded]) -> Loaded:
    """Load a network while Numba starts: ONNX Runtime works outside of Python's lock meanwhile.

    Args:
        load: what loads it.

    Returns:
        What `load` returns; its errors are raised here.
    """
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load)
        start_loops()
        return loading.result()
