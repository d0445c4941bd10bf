"""Faces in a photograph, found by its lightness.

The detector is CenterFace (Xu, Yan, Sun, Zhang and Yang 2019, "CenterFace: joint face detection and
alignment using face as point"), under the MIT license; models/pretrained/make_faces.py makes the
file from the one that is published.
"""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.photo.face_boxes import Face, distinct, to_face
from colorizer.photo.onnx_runtime import open_session
from colorizer.photo.resize import resize

DETECTOR = Path(__file__).with_name("faces.onnx")

MULTIPLE = 32  # pixels that the sides of what the detector sees are a multiple of
STRIDE = 4  # pixels on each side of the squares that it says something of
SEEN = 512, 896
"""Pixels of the longer side that it sees: a small photograph is enlarged, a large one is shrunk.

Faces down to a fiftieth of the longer side are found.
"""

LIKELY = 0.4  # of 1, from which on a face is one


def find_faces(rgb: NDArray[np.uint8]) -> list[Face]:
    """Find faces, the surest first.

    Args:
        rgb: uint8 (H, W, 3), sRGB, of which only the lightness is used.

    Returns:
        Boxes, which may reach beyond the photograph's edges.
    """
    height, width = rgb.shape[:2]
    scale = np.clip(max(height, width), *SEEN) / max(height, width)
    rows, columns = (_multiple(scale * side) for side in (height, width))
    gray = resize(rgb, size=(rows, columns), resample="bicubic").mean(2, dtype=np.float32)
    picture = np.broadcast_to(gray, (1, 3, rows, columns))
    likelihood, extent, offset = (out[0] for out in _detector().run(None, {"picture": picture}))
    found = np.argwhere(likelihood[0] > LIKELY)
    found = found[np.argsort(-likelihood[0][tuple(found.T)], kind="stable")]
    at = (slice(None), *found.T)
    sides = STRIDE * np.exp(extent[at]).T
    centers = STRIDE * (found + offset[at].T + 0.5)
    boxes = np.hstack((centers - sides / 2, sides)) * np.tile((height / rows, width / columns), 2)
    return [to_face(box) for box in distinct(boxes)]


def _multiple(side: float) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def _detector() -> Any:
    with _STARTING:  # once, whichever of a folder's threads comes first
        return _open()


@cache
def _open() -> Any:
    return open_session(DETECTOR)


_STARTING = Lock()
