import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.caching import CompileResultCacheImpl
from numpy.typing import NDArray
from skimage.color import rgb2lab

from colorizer.color import kernels
from colorizer.color.kernels import KAPPA, RGB_TO_XYZ, WHITE
from colorizer.color.lab import (
    AB_SCALE,
    convention,
    denormalize_ab,
    normalize_ab,
    normalize_lightness,
    rgb_to_lab,
)
from colorizer.color.recoloring import recolor
from colorizer.photo.decode import decode

RGB = NDArray[np.uint8]
AB = NDArray[np.float32]

unhurried = settings(max_examples=100, deadline=None, database=None)

COLORFUL = "mirflickr/im2.jpg"  # im1 is black and white

# Bruce Lindbloom's calculator (brucelindbloom.com): sRGB, D65, no adaptation.
REFERENCE = {
    "white": ((255, 255, 255), (100.0, 0.0, 0.0)),
    "black": ((0, 0, 0), (0.0, 0.0, 0.0)),
    "red": ((255, 0, 0), (53.24, 80.09, 67.20)),
    "green": ((0, 255, 0), (87.73, -86.18, 83.18)),
    "blue": ((0, 0, 255), (32.30, 79.19, -107.86)),
    "yellow": ((255, 255, 0), (97.14, -21.55, 94.48)),
    "cyan": ((0, 255, 255), (91.11, -48.09, -14.13)),
    "magenta": ((255, 0, 255), (60.32, 98.23, -60.82)),
    "mid-gray": ((128, 128, 128), (53.59, 0.0, 0.0)),
}

BYTES_OF_BOTH_LOOPS = """
import hashlib
import numpy as np
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
random = np.random.default_rng(0)
rgb = random.integers(0, 256, (53, 71, 3), dtype=np.uint8)
ab = random.normal(0, 60, (2, 9, 100)).astype(np.float32)
digest = hashlib.sha256(rgb_to_lab(rgb).tobytes() + recolor(rgb, ab).tobytes()).hexdigest()
"""


def pixel(*values: int) -> RGB:
    return np.array(values, np.uint8).reshape(1, 1, 3)


def flat_ab(a: float, b: float) -> AB:
    return np.array([a, b], np.float32).reshape(2, 1, 1)


def noise(height: int, width: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def color_cube(step: int) -> RGB:
    levels = np.arange(0, 256, step, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return cube.reshape(len(levels), -1, 3)


def grays() -> RGB:
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def golden(rgb: RGB) -> NDArray[np.float64]:
    """Return scikit-image's CIELAB of a picture (H, W, 3), in float64, as planes."""
    return rgb2lab(rgb.astype(np.float64) / 255).transpose(2, 0, 1)


def the_long_way(rgb: RGB, ab: AB) -> RGB:
    """Recolor by scikit-image and PyTorch, in float64."""
    wide = F.interpolate(torch.from_numpy(ab)[None].double(), size=rgb.shape[:2], mode="bicubic")
    lab = np.concatenate((golden(rgb)[:1], wide[0].numpy()))
    return exact_levels(within_srgb(lab)).transpose(1, 2, 0).round().astype(np.uint8)


def linear_light(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear red, green and blue of CIELAB (3, ...)."""
    fy = (lab[0] + 16) / 116
    f = np.stack((fy + lab[1] / 500, fy, fy - lab[2] / 200))
    xyz = np.where(f > 0.2068966, f**3, (f - 16 / 116) / KAPPA)
    return np.tensordot(np.linalg.inv(RGB_TO_XYZ) * WHITE, xyz, 1)


def within_srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take from each color of (3, ...) as much chroma as keeps sRGB from showing it."""
    shown, hidden = np.zeros_like(lab[0]), np.ones_like(lab[0])
    for share in [hidden] + [None] * 40:
        share = (shown + hidden) / 2 if share is None else share
        linear = linear_light(np.stack((lab[0], lab[1] * share, lab[2] * share)))
        fits = ((linear > -1e-4) & (linear < 1 + 1e-4)).all(0)
        shown, hidden = np.where(fits, share, shown), np.where(fits, hidden, share)
    return np.stack((lab[0], lab[1] * shown, lab[2] * shown))


def exact_levels(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB's levels, not rounded, of CIELAB (3, ...); too much light is clipped."""
    linear = linear_light(lab).clip(0, 1)
    return 255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def differences(one: RGB, other: RGB) -> NDArray[np.int64]:
    assert one.shape == other.shape
    return np.abs(one.astype(np.int64) - other)


@pytest.fixture(scope="module")
def photograph(sample_photos: dict[str, bytes]) -> RGB:
    return decode(sample_photos[COLORFUL]).rgb


@pytest.mark.parametrize(("rgb", "lab"), REFERENCE.values(), ids=REFERENCE.keys())
def test_primaries_have_their_published_lab(
    rgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    np.testing.assert_allclose(rgb_to_lab(pixel(*rgb)).ravel(), lab, atol=0.05, rtol=0)


@pytest.mark.parametrize(
    "rgb",
    [
        pytest.param(color_cube(3), id="every third level"),  # 86^3 colors, both ends among them
        pytest.param(np.random.default_rng(0).integers(0, 16, (99, 98, 3), np.uint8), id="dark"),
        pytest.param(grays(), id="gray"),
        pytest.param(noise(1, 1), id="one pixel"),
    ],
)
def test_lab_agrees_with_scikit_image(rgb: RGB) -> None:
    assert np.abs(rgb_to_lab(rgb) - golden(rgb)).max() < 0.001


def test_lab_of_a_photograph_agrees_with_scikit_image(photograph: RGB) -> None:
    lab = rgb_to_lab(photograph)
    assert (lab.shape, lab.dtype) == ((3, *photograph.shape[:2]), np.float32)
    assert lab.flags["C_CONTIGUOUS"]
    assert np.abs(lab - golden(photograph)).max() < 0.001


def test_every_gray_is_neutral_and_brighter_than_the_one_before() -> None:
    lightness, *ab = rgb_to_lab(grays())
    assert np.abs(ab).max() < 0.01
    assert (np.diff(lightness) > 0).all()


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_lab_of_any_color_is_in_the_documented_range(red: int, green: int, blue: int) -> None:
    lightness, a, b = rgb_to_lab(pixel(red, green, blue)).ravel().tolist()
    assert 0 <= lightness <= 100.001
    assert -108 < a < 99
    assert -108 < b < 99


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(lambda rgb: rgb[::3, ::2], id="grid"),
        pytest.param(lambda rgb: rgb[::-1, ::-1], id="turned"),
        pytest.param(lambda rgb: rgb.transpose(1, 0, 2), id="transposed"),
        pytest.param(lambda rgb: rgb[..., ::-1], id="BGR"),
        pytest.param(np.asfortranarray, id="Fortran", marks=pytest.mark.slow),  # compiles anew
    ],
)
def test_a_picture_may_lie_in_memory_as_it_likes(view: Callable[[RGB], RGB]) -> None:
    rgb, ab = view(noise(30, 44)), np.random.default_rng(0).normal(0, 40, (5, 4, 2))
    assert np.array_equal(rgb_to_lab(rgb), rgb_to_lab(rgb.copy(order="C")))
    planes = ab.astype(np.float32).transpose(2, 0, 1)[:, ::-1]
    expected = recolor(rgb.copy(order="C"), planes.copy(order="C"))
    assert np.array_equal(recolor(rgb, planes), expected)


def test_the_input_is_left_as_it_was() -> None:
    rgb, ab = noise(20, 30), flat_ab(20, -30)
    before = rgb.copy(), ab.copy()
    for array in (rgb, ab):
        array.setflags(write=False)
    rgb_to_lab(rgb)
    recolor(rgb, ab)
    assert np.array_equal(rgb, before[0])
    assert np.array_equal(ab, before[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, np.bool_])
def test_rgb_that_is_not_uint8_is_refused(dtype: type[np.generic]) -> None:
    rgb = np.zeros((4, 4, 3), dtype)
    with pytest.raises(TypeError, match="expected uint8"):
        rgb_to_lab(rgb)
    with pytest.raises(TypeError, match="expected uint8"):
        recolor(rgb, flat_ab(0, 0))


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4, 1), (4, 4, 4), (1, 4, 4, 3), (4, 3), (3,), ()])
def test_rgb_of_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    rgb = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match=r"expected \(H, W, 3\)"):
        rgb_to_lab(rgb)
    with pytest.raises(ValueError, match=r"expected \(H, W, 3\)"):
        recolor(rgb, flat_ab(0, 0))


@pytest.mark.parametrize(
    "shape", [(3, 4, 4), (4, 4, 2), (1, 2, 4, 4), (2, 4), (2, 0, 4), (2, 4, 0)]
)
def test_ab_of_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(2, h, w\)"):
        recolor(noise(4, 4), np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "size", [(96, 96), (271, 400), (320, 320), (600, 500), (7, 450), (2, 3), (1, 1)]
)
@pytest.mark.parametrize(
    ("brighter", "b"),
    [(False, (-60, 0)), (True, (-60, 60))],  # with more b than light scikit-image clips Z
    ids=["as it is", "brighter"],
)
def test_a_photograph_is_recolored_as_by_the_long_way(
    photograph: RGB, size: tuple[int, int], brighter: bool, b: tuple[int, int]
) -> None:
    rgb = photograph // 2 + 128 if brighter else photograph
    random = np.random.default_rng(0)
    ab = np.stack((random.uniform(-100, 100, size), random.uniform(*b, size))).astype(np.float32)
    difference = differences(recolor(rgb, ab), the_long_way(rgb, ab))
    assert difference.max() <= 1
    assert difference.mean() < 0.005


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (32, 32)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
def test_the_smallest_pictures_are_recolored(shape: tuple[int, int], size: tuple[int, int]) -> None:
    rgb = noise(*shape) // 2 + 128
    ab = np.random.default_rng(1).uniform(-50, 50, (2, *size)).astype(np.float32)
    assert differences(recolor(rgb, ab), the_long_way(rgb, ab)).max() <= 1


def test_its_own_colors_give_a_photograph_back(photograph: RGB) -> None:
    for rgb in (photograph, color_cube(5), grays()):
        again = recolor(rgb, rgb_to_lab(rgb)[1:])
        assert again.flags["C_CONTIGUOUS"]
        assert np.array_equal(again, rgb)


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (400, 271)])
def test_no_color_is_neutral_gray_of_the_photograph_s_lightness(
    photograph: RGB, size: tuple[int, int]
) -> None:
    gray = recolor(photograph, np.zeros((2, *size), np.float32))
    assert np.ptp(gray, axis=2).max() <= 1  # sRGB's white is not the constants' to the last digit
    assert np.ptp(gray, axis=2).mean() < 0.01
    lightness = rgb_to_lab(photograph)[0] - rgb_to_lab(gray)[0]
    assert np.abs(lightness).max() < 0.3  # a level is up to 0.5


def test_no_color_leaves_every_gray_as_it_is() -> None:
    assert np.array_equal(recolor(grays(), flat_ab(0, 0)), grays())


@unhurried
@given(st.integers(0, 255), st.floats(-200, 200, width=32), st.floats(-200, 200, width=32))
def test_a_color_beyond_srgb_keeps_lightness_and_hue(level: int, a: float, b: float) -> None:
    gray = np.full((1, 1, 3), level, np.uint8)
    lab = within_srgb(np.array([golden(gray)[0, 0, 0], a, b]))
    # 2 levels of a channel that has run out are 0.0006 of its light
    assert np.abs(recolor(gray, flat_ab(a, b)) - exact_levels(lab)).max() < 2.5
    lightness, *color = golden(recolor(gray, flat_ab(a, b)))[:, 0, 0]
    assert abs(lightness - lab[0]) < 0.5
    across = color[0] * b - color[1] * a
    assert abs(across) <= 1.5 * np.hypot(a, b)  # CIELAB units off the hue's line


def test_sixteen_bits_of_lightness_are_kept() -> None:
    ramp = np.arange(0, 65536, 13, dtype=np.uint16)[None]
    same = recolor(ramp, flat_ab(0, 0))
    assert same.dtype == np.uint16
    assert np.abs(same.astype(int) - ramp[..., None]).max() <= 3
    assert len(np.unique(recolor(ramp, flat_ab(20, -30))[..., 1])) > 4000
    levels = np.arange(256, dtype=np.uint16)[None] * 257
    difference = recolor(levels, flat_ab(20, -30)) / 257 - recolor(grays(), flat_ab(20, -30))
    assert np.abs(difference[0, 12:]).max() < 0.51  # in the dark, 8 bits leave 2 levels to rounding


def lightness_of(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """L* of levels 0..65535, (..., 3), in float64."""
    share = levels / 65535
    light = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    y = light @ RGB_TO_XYZ[1]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 116 * KAPPA * y)


@pytest.mark.parametrize("chroma", [0, 30, 80])
def test_lightness_of_16_bits_is_kept_to_the_rounding(chroma: int) -> None:
    random = np.random.RandomState(7)
    picture = random.randint(0, 65536, (60, 50, 3)).astype(np.uint16)
    picture[:20] //= 64
    picture[20:30] = np.arange(500).reshape(10, 50, 1)
    ab = chroma * random.randn(2, 9, 9).astype(np.float32)
    for levels in (picture, np.ascontiguousarray(picture[..., 1])):
        new = recolor(levels, ab).astype(float)
        gray = levels if levels.ndim == 3 else np.dstack([levels] * 3)
        below, above = lightness_of(new - 0.5), lightness_of(new + 0.5)
        before = lightness_of(gray.astype(float))
        assert ((below < before) & (before < above)).all()


@unhurried
@given(st.data())
def test_colors_beyond_all_reason_overflow_nowhere(data: st.DataObject) -> None:
    reasonable = st.floats(-200, 200, width=32)
    ab = [data.draw(reasonable), data.draw(st.floats(width=32).filter(lambda x: not abs(x) < 1e6))]
    values = data.draw(st.permutations(ab))
    rgb = noise(3, 5)
    strange, gray = recolor(rgb, flat_ab(*values)), recolor(rgb, flat_ab(0, 0))
    assert np.abs(rgb_to_lab(strange)[0] - rgb_to_lab(gray)[0]).max() < 0.8
    mixed = np.zeros((2, 1, 40), np.float32)
    mixed[:, 0, 0] = values
    wide = np.tile(rgb[:, :1], (1, 40, 1))
    assert np.array_equal(recolor(wide, mixed)[:, 3:], recolor(wide, flat_ab(0, 0))[:, 3:])


def test_ab_of_any_float_type_is_taken() -> None:
    ab = np.random.default_rng(0).normal(0, 40, (2, 3, 5)).astype(np.float16)
    expected = recolor(noise(20, 30), ab.astype(np.float32))
    for dtype in (np.float16, np.float64):
        assert np.array_equal(recolor(noise(20, 30), ab.astype(dtype)), expected)


def test_loops_compile_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(values: NDArray[np.int64]) -> int:
        return values[0] + 1

    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(loop)
    assert kernels.compiled(loop)(np.array([41])) == 42


@pytest.mark.slow
def test_a_plain_processor_that_keeps_nothing_gives_the_same_bytes() -> None:
    environment = {
        "NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator",  # the package is in no zip file
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    script = BYTES_OF_BOTH_LOOPS + "from colorizer.color import kernels\n"
    script += "loops = kernels.recolor_loop, kernels.rgb_to_lab_loop\n"
    script += "print(digest, *{type(loop._cache).__name__ for loop in loops})\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    here: dict[str, str] = {}
    exec(BYTES_OF_BOTH_LOOPS, here)
    assert done.stdout.split() == [here["digest"], "NullCache"]


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_lightness_is_brought_to_minus_one_to_one(array: Callable[..., AB]) -> None:
    assert normalize_lightness(array([0.0, 50.0, 100.0])).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_ab_survives_normalizing_and_back(array: Callable[..., AB]) -> None:
    ab = array(np.linspace(-107.9, 98.3, 1001))
    again = denormalize_ab(normalize_ab(ab))
    assert type(again) is type(ab)
    np.testing.assert_allclose(again, ab, atol=1e-4, rtol=0)
    assert normalize_ab(array(AB_SCALE)) == 1
    assert denormalize_ab(array(-1.0)) == -AB_SCALE


def test_every_color_of_srgb_is_within_the_network_s_range() -> None:
    assert np.abs(normalize_ab(rgb_to_lab(color_cube(15))[1:])).max() < 1


def test_the_convention_names_the_scale() -> None:
    assert convention()["ab_scale"] == AB_SCALE
    assert convention()["lightness"] == "L*/50 - 1"
