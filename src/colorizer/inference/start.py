"""What a command waits for before its first photograph: the network, and Numba's start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import TypeVar

import numpy as np
from numba.np import linalg

from colorizer.color.lab import rgb_to_lab

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
        _start_loops()
        return loading.result()


def _start_loops() -> None:
    """Let Numba load what all its loops need, but not SciPy.

    Numba imports SciPy's BLAS only to know whether it could compile `numpy.cov`, and again when it
    does. That takes a tenth of a command's time; whether SciPy is installed is known without.
    """

    def look() -> None:
        if find_spec("scipy") is None:
            raise ImportError

    ensure = getattr(linalg, "ensure_blas", look)
    linalg.ensure_blas = look
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = ensure
    rgb_to_lab(np.zeros((1, 1, 3), np.uint8))
