"""Files of over 8 bits, floats and odd depths: read at their true range, or refused."""

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.recoloring import recolor
from colorizer.photo import pixels
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.photofile import PhotoFile
from icc_profiles import cmyk_profile, encoded, gamma, profile, rgb_profile

SIZE = (30, 50)
CHANNELS = {"gray": 1, "rgb": 3}
SMAX, SMIN, MAX = 341, 340, 281

RAMP = np.linspace(0, 1, SIZE[0] * SIZE[1]).reshape(SIZE)
COLORS = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1]])
ALPHA = np.tile(np.array([0, 1000, 65535, 7], np.uint16), (30, 13))[:, :50]


@pytest.fixture(autouse=True)
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "BAND", 300)


def shares(space: str) -> NDArray[np.float64]:
    """A picture of all lightnesses, in shares of white."""
    return RAMP if space == "gray" else COLORS


def tiff(levels: NDArray[Any], space: str = "gray", **options: Any) -> bytes:
    buffer = io.BytesIO()
    photometric = {"gray": "minisblack", "cmyk": "separated"}.get(space, space)
    options = {"photometric": photometric, "metadata": None} | options
    tifffile.imwrite(buffer, levels, **options)
    return buffer.getvalue()


def says(**tags: float) -> dict[str, Any]:
    """Return tifffile's option for tags of numbers."""
    places = {"smin": SMIN, "smax": SMAX, "max": MAX}
    return {
        "extratags": [
            (places[name], "H" if name == "max" else "f", 1, value, True)
            for name, value in tags.items()
        ]
    }


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as error:
        PhotoFile.parse(data)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


# Integers


@pytest.mark.parametrize("space", ["gray", "rgb"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16, 24, 32])
def test_tiff_of_any_depth_is_read_at_its_range(bits: int, space: str) -> None:
    top = 2**bits - 1
    levels = np.rint(shares(space) * top).astype(np.uint16 if bits <= 16 else np.uint32)
    data = tiff(levels, space, bitspersample=bits if bits != 24 else None)
    if bits == 24:
        data = tiff(levels, space, **says(smax=top))
    photo = decode(data)
    assert photo.levels.dtype == np.uint16
    assert photo.single_channel == (space == "gray")
    expected = np.rint(levels.astype(float) * 65535 / top)
    np.testing.assert_array_equal(photo.levels, expected)


@pytest.mark.parametrize("space", ["gray", "rgb"])
def test_levels_of_12_bits_in_16_are_read_where_the_file_says_so(space: str) -> None:
    levels = np.rint(shares(space) * 4095).astype(np.uint16)
    photo = decode(tiff(levels, space, **says(max=4095)))
    np.testing.assert_array_equal(photo.levels, np.rint(levels * (65535 / 4095)))
    assert "integers of 16 bits, but its levels end at 4095 of 65535" in refusal(
        tiff(levels, space)
    )
    png = imagecodecs.png_encode(levels)
    assert "integers of 16 bits, but its levels end at 4095 of 65535" in refusal(png)


def test_highest_level_that_a_file_counts_is_not_its_white() -> None:
    levels = np.rint(RAMP * 50_000).astype(np.uint16)
    np.testing.assert_array_equal(decode(tiff(levels, **says(max=50_000))).levels, levels)


def test_black_picture_is_black_at_any_depth() -> None:
    assert not decode(tiff(np.zeros(SIZE, np.uint16))).levels.any()


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32])
def test_integers_of_unknown_range_are_refused(dtype: Any) -> None:
    levels = (RAMP * 30_000).astype(dtype)
    bits, sign = levels.itemsize * 8, "unsigned" if dtype == np.uint32 else "signed"
    assert refusal(tiff(levels)).startswith(f"{sign} integers of {bits} bits")
    if dtype != np.uint32:
        photo = decode(tiff(levels, **says(smin=0, smax=30_000)))
        np.testing.assert_array_equal(photo.levels, np.rint(levels * (65535 / 30_000)))


# Floats


@pytest.mark.parametrize("space", ["gray", "rgb"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_up_to_1_are_read(dtype: Any, space: str) -> None:
    levels = shares(space).astype(dtype)
    photo = decode(tiff(levels, space))
    np.testing.assert_array_equal(photo.levels, np.rint(levels.astype(float) * 65535))


@pytest.mark.parametrize("space", ["gray", "rgb"])
def test_floats_over_1_are_read_where_the_file_says_what_is_white(space: str) -> None:
    levels = (shares(space) * 300 - 50).astype(np.float32)
    photo = decode(tiff(levels, space, **says(smin=-50, smax=250)))
    np.testing.assert_allclose(photo.levels, shares(space) * 65535, atol=1)
    said = refusal(tiff(levels, space))
    assert said.startswith("floats of 32 bits from -50 to 250, and the file does not say which")


def test_lights_over_a_profile_s_white_are_white() -> None:
    linear = profile(b"GRAY", {b"kTRC": gamma(1.0)})
    levels = (RAMP * 1.5).astype(np.float32)
    photo = decode(tiff(levels, iccprofile=linear))
    np.testing.assert_allclose(photo.levels, 65535 * encoded(levels.clip(0, 1)), atol=8)
    assert "up to 1.5" in refusal(tiff(levels))
    assert "up to 255" in refusal(tiff((RAMP * 255).astype(np.float32), iccprofile=linear))


def test_levels_that_are_no_numbers_are_black() -> None:
    levels = np.array([[1, np.nan, np.inf, -np.inf, 0.5, -3]], np.float32)
    photo = decode(tiff(levels, **says(smax=2)))
    np.testing.assert_array_equal(photo.levels, [[32768, 0, 65535, 0, 16384, 0]])


def test_floats_around_0_are_refused_and_a_filter_s_overshoot_is_not() -> None:
    levels = RAMP.astype(np.float32)
    assert "from -1 to 1, and the file" in refusal(tiff(2 * levels - 1))
    assert decode(tiff(1.05 * levels - 0.05)).levels.min() == 0


def test_a_pfm_file_says_nothing_of_white() -> None:
    height, width = RAMP.shape
    head = f"Pf\n{width} {height}\n-1.0\n".encode()
    assert "floats of 32 bits in a PPM file" in refusal(head + RAMP.astype("<f4").tobytes())


def test_other_files_of_floats_are_refused() -> None:
    buffer = io.BytesIO()
    Image.fromarray((RAMP * 255).astype(np.float32)).save(buffer, "SPIDER")
    assert refusal(buffer.getvalue()).startswith("floats of 32 bits in a SPIDER file")


# Opacity, profiles and other colors


@pytest.mark.parametrize("space", ["gray", "rgb"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bits_are_kept_with_their_opacity_from_end_to_end(format: str, space: str) -> None:
    levels = np.rint(shares(space) * 65535).astype(np.uint16)
    with_alpha = np.dstack([levels, ALPHA])
    png = format == "PNG"
    alpha = {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
    data = imagecodecs.png_encode(with_alpha) if png else tiff(with_alpha, space, **alpha)
    file = PhotoFile.parse(data)
    assert (file.format, file.single_channel) == (format, space == "gray")
    np.testing.assert_array_equal(file.levels, levels)
    np.testing.assert_array_equal(file.alpha, ALPHA)
    new = recolor(file.levels, np.full((2, 1, 1), 10, np.float32))
    again = PhotoFile.parse(file.encode(new))
    np.testing.assert_array_equal(again.levels, new)
    np.testing.assert_array_equal(again.alpha, ALPHA)
    for out in ("JPEG", "WEBP", "BMP", "AVIF"):
        assert PhotoFile.parse(file.encode(new, out)).levels.shape == (*SIZE, 3)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colors_multiplied_by_their_opacity_are_divided(planar: str) -> None:
    alpha = np.full(SIZE, 32768, np.uint16)
    levels = np.dstack([np.rint(COLORS * 32768).astype(np.uint16), alpha])
    stored = levels if planar == "contig" else np.moveaxis(levels, 2, 0)
    data = tiff(stored, "rgb", extrasamples=["assocalpha"], planarconfig=planar)
    photo = decode(data)
    np.testing.assert_allclose(photo.levels, COLORS * 65535, atol=2)
    np.testing.assert_array_equal(photo.alpha, alpha)


def test_color_that_stands_for_transparent_is_found_at_16_bits() -> None:
    levels = np.rint(COLORS * 65535).astype(np.uint16)
    png = imagecodecs.png_encode(levels)
    chunk = b"tRNS" + levels[3, 4].astype(">u2").tobytes()
    whole = struct.pack(">I", 6) + chunk + struct.pack(">I", zlib.crc32(chunk))
    place = png.index(b"IDAT") - 4
    photo = decode(png[:place] + whole + png[place:])
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[3, 4]]


def test_colors_of_16_bits_are_converted_by_their_profile() -> None:
    levels = np.rint(COLORS * 65535).astype(np.uint16)
    other = rgb_profile(gamma(1.8), "grb")
    photo = decode(tiff(levels, "rgb", iccprofile=other))
    expected = 65535 * encoded((levels[..., [1, 0, 2]] / 65535) ** (461 / 256))
    error = np.abs(photo.levels - expected)
    assert error.max() < 160  # what the profile's primaries are rounded to, in the dark
    assert np.median(error) < 8
    broken = decode(tiff(levels, "rgb", iccprofile=b"no profile"))
    np.testing.assert_array_equal(broken.levels, levels)


def test_cmyk_of_16_bits_is_converted() -> None:
    ink = np.zeros((*SIZE, 4), np.uint16)
    ink[..., 0] = 65535
    plain = decode(tiff(ink, "cmyk"))
    np.testing.assert_array_equal(plain.levels[3, 3], (0, 65535, 65535))
    teal = cmyk_profile((128, 88, 118))  # CIELAB 50, -40, -10
    by_profile = decode(tiff(ink, "cmyk", iccprofile=teal))
    np.testing.assert_allclose(by_profile.rgb[8, 8], (0, 136, 137), atol=4)


def test_negative_and_orientation_are_undone() -> None:
    levels = np.rint(RAMP * 4095).astype(np.uint16)
    turned = [(274, "H", 1, 6, True)]
    data = tiff(4095 - levels, "miniswhite", bitspersample=12, extratags=turned)
    np.testing.assert_array_equal(
        decode(data).levels, np.rot90(np.rint(levels * (65535 / 4095)), -1)
    )
    colors = np.rint(COLORS * 65535).astype(np.uint16)
    data = tiff(colors, "rgb", extratags=turned, resolution=(300, 200), resolutionunit=2)
    file = PhotoFile.parse(data)
    np.testing.assert_array_equal(file.levels, np.rot90(colors, -1))
    assert file.metadata.dpi == (200, 300)


def test_what_is_not_read_is_refused_by_its_name() -> None:
    lab = tiff(np.zeros((*SIZE, 3), np.uint16), "rgb")
    lab = lab.replace(struct.pack("<HHII", 262, 3, 1, 2), struct.pack("<HHII", 262, 3, 1, 8))
    assert refusal(lab) == "a TIFF of 16 bits in CIELAB: save it as RGB"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_deep_file_cut_short_is_refused(compression: str | None, share: float) -> None:
    levels = np.rint(COLORS * 65535).astype(np.uint16)
    for data in (tiff(levels, "rgb", compression=compression), imagecodecs.png_encode(levels)):
        refusal(data[: int(len(data) * share)])
