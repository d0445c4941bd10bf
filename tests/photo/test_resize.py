from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizer.params import Resample
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

RGB = NDArray[np.uint8]

PHOTOS = [f"mirflickr/im{n}.jpg" for n in (2, 3, 4, 5, 6, 7)]  # both upright and broad

every_filter = pytest.mark.parametrize("resample", get_args(Resample))


def noise(height: int, width: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_pillow(rgb: RGB, size: int, resample: str) -> NDArray[np.float32]:
    """Resize in floats, which Pillow rounds to levels nowhere."""
    filter = Image.Resampling[resample.upper()]
    planes = (Image.fromarray(plane.astype(np.float32)) for plane in rgb.transpose(2, 0, 1))
    return np.dstack([plane.resize((size, size), filter) for plane in planes]).clip(0, 255)


@every_filter
@pytest.mark.parametrize("size", [24, 96, 320, 640])  # 320 enlarges what lies across some photos
def test_photographs_are_resized_as_by_pillow(
    sample_photos: dict[str, bytes], size: int, resample: str
) -> None:
    for name in PHOTOS:
        rgb = decode(sample_photos[name]).rgb
        square, expected = resize(rgb, size=size, resample=resample), by_pillow(rgb, size, resample)
        np.testing.assert_allclose(square, expected, atol=0.501, rtol=0, err_msg=name)


@every_filter
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (40, 1), (3, 500), (9, 9)])
def test_pictures_of_any_proportions_are_resized_as_by_pillow(
    height: int, width: int, resample: str
) -> None:
    rgb = noise(height, width)
    for size in (1, 24):
        square = resize(rgb, size=size, resample=resample)
        np.testing.assert_allclose(square, by_pillow(rgb, size, resample), atol=0.501, rtol=0)


@every_filter
def test_whole_picture_is_resized_to_a_square(resample: str) -> None:
    rgb = np.zeros((30, 90, 3), dtype=np.uint8)
    rgb[:, :45, 0] = rgb[:, 45:, 2] = 255  # red on the left, blue on the right
    square = resize(rgb, size=16, resample=resample)
    assert (square.shape, square.dtype) == ((16, 16, 3), np.uint8)
    assert square.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(square[:, 0], np.full((16, 3), (255, 0, 0)))
    np.testing.assert_array_equal(square[:, -1], np.full((16, 3), (0, 0, 255)))


@every_filter
def test_fine_patterns_are_averaged(resample: str) -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    small = resize(np.dstack([checks.astype(np.uint8)] * 3), size=8, resample=resample)
    np.testing.assert_allclose(small[2:-2, 2:-2], 127.5, atol=2)


@every_filter
def test_square_of_the_same_size_stays_as_it_is(resample: str) -> None:
    np.testing.assert_array_equal(resize(noise(24, 24), size=24, resample=resample), noise(24, 24))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(lambda rgb: rgb[::3, ::2], id="grid"),
        pytest.param(lambda rgb: rgb[::-1], id="upside down"),
        pytest.param(lambda rgb: rgb.transpose(1, 0, 2), id="transposed"),
        pytest.param(
            lambda rgb: np.frombuffer(rgb.tobytes(), np.uint8).reshape(rgb.shape), id="RO"
        ),
    ],
)
def test_a_picture_may_lie_in_memory_as_it_likes(view: Callable[[RGB], RGB]) -> None:
    rgb, before = view(noise(50, 70)), view(noise(50, 70)).copy()
    expected = resize(before, size=24, resample="bicubic")
    np.testing.assert_array_equal(resize(rgb, size=24, resample="bicubic"), expected)
    np.testing.assert_array_equal(rgb, before)
