"""Numba's start, before the first photograph and outside of the threads that work on them."""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numba.np import linalg

from colorizer.color.lab import rgb_to_lab


def start_loops() -> None:
    """Let Numba load what all its loops need, but not SciPy.

    Numba imports SciPy's BLAS only to know whether it could compile `numpy.cov`, and again when it
    does. That takes a tenth of a command's time, and without end where memory does not suffice;
    whether SciPy is installed is known without.
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
