import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut, coins

from colorizer.photo import faces
from colorizer.photo.face_boxes import Face
from colorizer.photo.faces import find_faces
from colorizer.photo.resize import resize

RGB = NDArray[np.uint8]

EYES_AND_MOUTH = (90, 225), (150, 225)  # the astronaut's, row and column


def holds(
    face: Face, points: tuple[tuple[int, int], ...], *, scale: float = 1, at: int = 0
) -> bool:
    row, column, height, width = face
    return all(
        row <= scale * y + at <= row + height and column <= scale * x + at <= column + width
        for y, x in points
    )


def test_a_face_is_found_by_lightness_alone() -> None:
    gray = np.repeat(astronaut().mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
    for picture in (astronaut(), gray, astronaut()[..., ::-1].copy()):
        (face,) = find_faces(picture)
        assert holds(face, EYES_AND_MOUTH)
        assert 80 < face[2] < 160
        assert 60 < face[3] < 130


@pytest.mark.parametrize("side", [60, 128, 2048])
def test_a_face_is_found_at_any_size(side: int) -> None:
    (face,) = find_faces(resize(astronaut(), size=side, resample="bicubic"))
    assert holds(face, EYES_AND_MOUTH, scale=side / 512)


def test_each_of_several_faces_is_found_once_even_a_small_one() -> None:
    crowd = np.full((700, 1000, 3), 120, np.uint8)
    for corner, side in ((0, 100), (200, 200), (500, 150)):
        small = resize(astronaut(), size=side, resample="bicubic")
        crowd[corner : corner + side, corner : corner + side] = small
    found = find_faces(crowd)
    assert len(found) == 3
    for corner, side in ((0, 100), (200, 200), (500, 150)):
        scale = side / 512
        assert sum(holds(face, EYES_AND_MOUTH, scale=scale, at=corner) for face in found) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (40, 800), (32, 32)])
def test_where_no_face_is_none_is_found(shape: tuple[int, int]) -> None:
    assert find_faces(np.full((*shape, 3), 90, np.uint8)) == []


def test_threads_share_one_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    def open_slowly(path: Path) -> object:
        time.sleep(0.05)
        opened.append(path)
        return opened

    faces._open.cache_clear()
    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as threads:
        patch.setattr(faces, "open_session", open_slowly)
        list(threads.map(lambda _: faces._detector(), range(4)))
    faces._open.cache_clear()
    assert opened == [faces.DETECTOR]


def test_coins_are_no_faces() -> None:
    assert find_faces(np.repeat(coins()[..., None], 3, axis=2)) == []
