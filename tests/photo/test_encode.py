import io
from typing import get_args

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from colorizer.photo.decode import decode
from colorizer.photo.encode import Format, encode

SMALL: NDArray[np.uint8] = np.random.RandomState(7).randint(0, 256, (2, 3, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def small_photo(sample_photos: dict[str, bytes]) -> Image.Image:
    with Image.open(io.BytesIO(sample_photos["mirflickr/im2.jpg"])) as image:
        return image.resize((61, 43))


def test_png_round_trip() -> None:
    data = encode(SMALL)
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(decode(data).rgb, SMALL)


def test_jpeg_is_encoded_at_quality_95_with_its_colors_at_full_resolution(
    small_photo: Image.Image,
) -> None:
    def error(data: bytes) -> float:
        return np.abs(decode(data).rgb - np.asarray(small_photo, dtype=float)).mean()

    buffer = io.BytesIO()
    small_photo.save(buffer, "jpeg", quality=95, subsampling="4:4:4")
    ours = encode(np.array(small_photo), format="jpeg")
    pillows = buffer.getvalue()
    assert simplejpeg.decode_jpeg_header(ours) == simplejpeg.decode_jpeg_header(pillows)
    tables = [Image.open(io.BytesIO(data)).quantization for data in (ours, pillows)]
    assert tables[0] == tables[1]
    assert error(ours) < 1.1 * error(pillows)


@pytest.mark.parametrize("format", get_args(Format))
def test_picture_of_any_memory_layout_is_encoded(format: Format) -> None:
    turned = np.tile(SMALL, (9, 9, 1))[::-1, ::2]
    expected = encode(turned.copy(), format=format)
    assert encode(turned, format=format) == expected
    turned.setflags(write=False)
    assert encode(turned, format=format) == expected
