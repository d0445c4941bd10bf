import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizer.apps.turing.pictures import (
    SIZE,
    Pictures,
    center_square,
    digest_of,
    encode,
    find_color_photos,
)
from colorizer.apps.turing.server import Study
from colorizer.apps.turing.trials import SIDES, Side, Trial
from colorizer.color.lab import rgb_to_lab
from colorizer.errors import ColorizerError
from colorizer.photo.decode import decode
from colorizer.photo.icc import PROFILE

ROUNDING = 0.6  # of L*, as much as 8 bits a channel can move it at these colors


def both(study: Study, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Return the original and the fake."""
    shown = {side: decode(study.pictures.png(1, trial, side)).rgb for side in SIDES}
    original = next(side for side in SIDES if side != trial.fake)
    return shown[original], shown[trial.fake]


@pytest.mark.parametrize("fake", SIDES)
@pytest.mark.parametrize("other", [None, "photo-05.png"])
def test_both_pictures_have_the_same_lightness_and_size(
    study: Study, fake: Side, other: str | None
) -> None:
    kind = "test" if other is None else "vigilance"
    original, painted = both(study, Trial(1, kind, "photo-03.png", other, fake))
    assert original.shape == painted.shape == (SIZE, SIZE, 3)
    lightness, lightness_painted = rgb_to_lab(original)[0], rgb_to_lab(painted)[0]
    assert np.abs(lightness - lightness_painted).max() < ROUNDING
    assert np.abs(rgb_to_lab(original)[1:] - rgb_to_lab(painted)[1:]).mean() > 5


def test_the_original_is_the_photograph_s_center(study: Study, photos: Path) -> None:
    original, _ = both(study, Trial(1, "test", "photo-03.png", None, "left"))
    with Image.open(photos / "photo-03.png") as image:
        width, height = image.size
        left = (width - height) // 2
        center = image.crop((left, 0, left + height, height))
        expected = np.asarray(center.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    assert np.abs(original.astype(int) - expected).max() <= 1


def test_a_vigilance_fake_has_the_other_photograph_s_colors(study: Study) -> None:
    _, fake = both(study, Trial(1, "vigilance", "photo-03.png", "photo-05.png", "left"))
    other, _ = both(study, Trial(1, "test", "photo-05.png", None, "left"))
    _, painted = both(study, Trial(1, "test", "photo-03.png", None, "left"))
    ab, ab_other, ab_painted = (rgb_to_lab(rgb)[1:] for rgb in (fake, other, painted))
    assert np.abs(ab - ab_other).mean() < 0.5 * np.abs(ab - ab_painted).mean()


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (1, 9), (300, 300)])
def test_any_shape_becomes_the_square(shape: tuple[int, int]) -> None:
    assert center_square(np.full((*shape, 3), 99, np.uint8)).shape == (SIZE, SIZE, 3)


def test_a_file_s_length_does_not_tell_what_is_in_it() -> None:
    random = np.random.default_rng(7)
    noise = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert len(encode(noise)) == len(encode(np.zeros_like(noise)))
    with Image.open(io.BytesIO(encode(noise))) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), noise)


def test_what_has_no_colors_is_left_out(
    make_photos: Callable[[Path, int], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_photos(tmp_path / "deep" / "er", 2)
    (tmp_path / "broken.jpg").write_bytes(b"no photograph")
    (tmp_path / "copy.png").write_bytes((tmp_path / "deep/er/photo-00.png").read_bytes())
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(64, 0)
    Image.fromarray(ramp).save(tmp_path / "gray.png")
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "gray_rgb.png")
    found = find_color_photos(tmp_path, needed=2)
    assert sorted(found) == ["copy.png", "deep/er/photo-01.png"]  # a copy is the same photograph
    assert "left out, being black and white: 2" in caplog.text
    assert "broken.jpg: no readable image" in caplog.text


def test_a_name_that_is_no_text_is_left_out(
    make_photos: Callable[[Path, int], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_photos(tmp_path, 2)
    (tmp_path / "photo-00.png").rename(tmp_path / os.fsdecode(b"\xff\xfe.png"))
    found = find_color_photos(tmp_path, needed=1)
    assert list(found) == ["photo-01.png"]
    assert "its name is not UTF-8" in caplog.text
    assert len(digest_of(found)) == 64


def test_colors_are_those_that_a_profile_means(study: Study, photos: Path, tmp_path: Path) -> None:
    red_for_green = (b"rXYZ", b"    "), (b"gXYZ", b"rXYZ"), (b"    ", b"gXYZ")
    profile = PROFILE
    for one, other in red_for_green:
        profile = profile.replace(one, other)
    with Image.open(photos / "photo-03.png") as image:
        image.save(tmp_path / "phone.png", icc_profile=profile)
        expected = center_square(np.asarray(image)[..., [1, 0, 2]])
    found = find_color_photos(tmp_path, needed=1)
    pictures = Pictures(tmp_path, found, study.pictures.colorizers)
    shown = decode(pictures.png(1, Trial(1, "test", "phone.png", None, "left"), "right")).rgb
    assert np.abs(shown.astype(int) - expected).mean() < 3


def test_a_photograph_that_was_replaced_is_not_shown(
    study: Study, make_photos: Callable[[Path, int], None], tmp_path: Path
) -> None:
    make_photos(tmp_path, 2)
    found = find_color_photos(tmp_path, needed=2)
    pictures = Pictures(tmp_path, found, study.pictures.colorizers)
    (tmp_path / "photo-00.png").write_bytes((tmp_path / "photo-01.png").read_bytes())
    with pytest.raises(ColorizerError, match=r"photo-00\.png has changed since the study"):
        pictures.png(1, Trial(1, "test", "photo-00.png", None, "left"), "left")


def test_too_few_photographs_are_one_line(photos: Path) -> None:
    with pytest.raises(ColorizerError, match=r"22 readable .* in color; expected at least 50"):
        find_color_photos(photos, needed=50)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match="no such folder"):
        find_color_photos(tmp_path / "nowhere", needed=1)


def test_the_digest_knows_a_set_of_photographs(photos: Path) -> None:
    found = find_color_photos(photos, needed=1)
    assert digest_of(found) == digest_of(dict(reversed(found.items())))
    name = next(iter(found))
    assert digest_of(found) != digest_of(found | {name: "0" * 64})


def test_a_photograph_that_has_gone_is_one_line(study: Study) -> None:
    with pytest.raises(ColorizerError, match=r"gone\.png: .*No such file"):
        study.pictures.png(1, Trial(1, "test", "gone.png", None, "left"), "left")


def test_a_model_that_is_not_served_is_one_line(study: Study) -> None:
    with pytest.raises(ColorizerError, match="is not served now"):
        study.pictures.png(9, Trial(1, "test", "photo-00.png", None, "left"), "left")
