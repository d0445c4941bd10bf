import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from colorizer.color.lab import rgb_to_lab
from colorizer.color.lab_torch import fit_to_srgb, lab_to_rgb
from colorizer.color.recoloring import recolor
from colorizer.photo.decode import decode

RGB = NDArray[np.uint8]

unhurried = settings(max_examples=100, deadline=None, database=None)

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


def pixel(*values: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(values, dtype=dtype).view(3, 1, 1)


def color_cube(step: int) -> RGB:
    levels = np.arange(0, 256, step, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return cube.reshape(len(levels), -1, 3)


def grays() -> RGB:
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def lab(rgb: RGB) -> Tensor:
    return torch.from_numpy(rgb_to_lab(rgb))


def picture(planes: Tensor) -> RGB:
    return planes.permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("rgb", "lab"), REFERENCE.values(), ids=REFERENCE.keys())
def test_published_lab_gives_the_primaries(
    rgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    assert (lab_to_rgb(pixel(*lab)).int() - pixel(*rgb).int()).abs().max() <= 1


@pytest.mark.parametrize("rgb", [color_cube(5), grays()], ids=["colors", "grays"])
def test_round_trip_is_exact(rgb: RGB) -> None:
    assert np.array_equal(picture(lab_to_rgb(lab(rgb))), rgb)


def test_round_trip_of_a_photograph_is_exact(sample_photos: dict[str, bytes]) -> None:
    rgb = decode(sample_photos["mirflickr/im2.jpg"]).rgb
    assert np.array_equal(picture(lab_to_rgb(lab(rgb))), rgb)


def test_neutral_lab_of_a_gray_gives_that_gray() -> None:
    planes = lab(grays())
    planes[1:] = 0
    assert np.array_equal(picture(lab_to_rgb(planes)), grays())


@pytest.mark.parametrize("strength", [1, 3, 30], ids=["shown", "beyond", "far beyond"])
def test_batches_are_colored_as_users_get_them(strength: float) -> None:
    random = np.random.default_rng(0)
    rgb = random.integers(0, 256, (80, 50, 3), dtype=np.uint8)
    ab = lab(rgb)[1:].numpy() * random.uniform(0, strength, (80, 50)).astype(np.float32)
    expected = lab_to_rgb(torch.cat((lab(rgb)[:1], torch.from_numpy(ab))))
    difference = np.abs(recolor(rgb, ab).astype(int) - picture(expected))
    assert difference.max() <= 1
    assert difference.mean() < 0.001


@unhurried
@given(st.floats(0, 100), st.floats(-200, 200), st.floats(-200, 200))
def test_what_srgb_cannot_show_keeps_lightness_and_hue(
    lightness: float, a: float, b: float
) -> None:
    given_ab = np.array([a, b], np.float32)
    fitted = fit_to_srgb(pixel(lightness, a, b)).flatten().numpy()
    assert fitted[0] == np.float32(lightness)
    share = np.linalg.norm(fitted[1:]) / max(np.linalg.norm(given_ab), 1e-9)
    np.testing.assert_allclose(fitted[1:], share * given_ab, atol=1e-3)
    assert share <= 1 + 1e-6
    with warnings.catch_warnings():  # scikit-image's, where it clips
        warnings.simplefilter("ignore")
        shown = rgb2lab(lab2rgb(fitted.astype(np.float64)))
    np.testing.assert_allclose(shown, fitted, atol=0.4)  # what `ROUNDING` leaves in the dark


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_gray_in_both(value: float) -> None:
    rgb, ab = np.full((1, 1, 3), 128, np.uint8), np.array([value, 5.0], np.float32).reshape(2, 1, 1)
    shown = lab_to_rgb(torch.cat((lab(rgb)[:1], torch.from_numpy(ab))))
    assert np.array_equal(recolor(rgb, ab), rgb)
    assert np.array_equal(picture(shown), rgb)


def test_what_srgb_can_show_is_left_as_it_is() -> None:
    planes = lab(color_cube(15))
    assert torch.equal(fit_to_srgb(planes), planes)


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_any_color_survives_the_round_trip(red: int, green: int, blue: int) -> None:
    rgb = np.array([[[red, green, blue]]], np.uint8)
    assert np.array_equal(picture(lab_to_rgb(lab(rgb))), rgb)


@unhurried
@given(st.floats(-50, 150), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_any_lab_gives_an_rgb_that_has_a_lab(lightness: float, a: float, b: float) -> None:
    rgb = lab_to_rgb(pixel(lightness, a, b))
    assert rgb.dtype == torch.uint8
    assert lab(picture(rgb)).isfinite().all()


@unhurried
@given(st.floats(0, 100), st.floats(-200, 200), st.floats(-200, 200))
def test_the_rgb_is_that_of_scikit_image(lightness: float, a: float, b: float) -> None:
    fitted = fit_to_srgb(pixel(lightness, a, b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        golden_rgb = lab2rgb(fitted.flatten().double().numpy()) * 255
    rgb = lab_to_rgb(pixel(lightness, a, b)).flatten().numpy()
    assert np.abs(rgb - golden_rgb).max() < 0.6  # half a level is rounding


@pytest.mark.parametrize(("lightness", "level"), [(-10.0, 0), (120.0, 255)])
def test_lightness_out_of_range_is_clipped(lightness: float, level: int) -> None:
    assert lab_to_rgb(pixel(lightness, 0, 0)).flatten().tolist() == [level] * 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_lab_of_any_float_type_gives_uint8(dtype: torch.dtype) -> None:
    assert lab_to_rgb(pixel(100, 0, 0, dtype=dtype)).flatten().tolist() == [255, 255, 255]


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4), (2, 4, 4, 4), (3,), (3, 3), ()])
def test_a_wrong_channel_axis_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 3, H, W\)"):
        lab_to_rgb(torch.zeros(shape))


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_a_batch_agrees_with_its_pictures(leading: tuple[int, ...]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
    pictures = rgb[: int(np.prod(leading))]
    planes = torch.stack([lab(one) for one in pictures]).view(*leading, 3, 5, 7)
    shown = lab_to_rgb(planes)
    assert shown.shape == planes.shape
    assert np.array_equal(shown.view(-1, 3, 5, 7).permute(0, 2, 3, 1).numpy(), pictures)


def test_the_input_is_left_as_it_was() -> None:
    planes = lab(color_cube(51))
    kept = planes.clone()
    lab_to_rgb(planes)
    assert torch.equal(planes, kept)
