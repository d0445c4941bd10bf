import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from colorizer.color import tone
from colorizer.color.tone import is_black_and_white, tone_residual
from colorizer.data import grayscale
from colorizer.data.archive import list_members
from colorizer.data.grayscale import (
    REASONS,
    ColorStatistics,
    color_table,
    count_other_files,
    list_photos,
    measure,
    summarize,
    survey,
    verdict,
    write_colors,
)
from colorizer.data.workers import workers
from colorizer.params import Archive, DropGrayscale, Engine, load_params
from colorizer.photo.decode import decode

MakeArchive = Callable[[Mapping[str, bytes]], Archive]

THRESHOLDS = DropGrayscale(
    max_gray_chroma=4.0, max_tone_residual=0.15, drop_toned=False, min_side=64
)
DROP_TONED = THRESHOLDS.model_copy(update={"drop_toned": True})

COLORFUL = ColorStatistics(
    "a.zip/im.jpg", width=400, height=300, chroma_mean=20, chroma_p99=50, tone_residual=0.5
)


def encode(image: Image.Image, suffix: str = "png", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def exact_chroma(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    lab = rgb2lab(rgb.astype(np.float64) / 255)
    return np.hypot(lab[..., 1], lab[..., 2])


@pytest.fixture(scope="module")
def colorful(sample_photos: dict[str, bytes]) -> bytes:
    return sample_photos["mirflickr/im2.jpg"]


@pytest.fixture(scope="module")
def luma(colorful: bytes) -> Image.Image:
    return Image.open(io.BytesIO(colorful)).convert("L")


@pytest.fixture(scope="module")
def bundled(root: Path) -> list[ColorStatistics]:
    with workers(Engine(workers=2)):
        return survey(root / "sample", list_photos(root / "sample", ["sample.zip"]))


def test_colorful_photograph_is_kept(colorful: bytes) -> None:
    photo = measure("im2.jpg", colorful)
    assert (photo.id, photo.width, photo.height, photo.error) == ("im2.jpg", 400, 271, "")
    assert not (photo.single_channel or photo.equal_channels)
    assert verdict(photo, THRESHOLDS) == ""


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_file_of_one_channel_is_dropped(luma: Image.Image, mode: str) -> None:
    deep = Image.fromarray(257 * np.asarray(luma, np.uint16))
    photo = measure("im.png", encode(deep if mode == "I;16" else luma.convert(mode)))
    assert photo.single_channel
    assert verdict(photo, THRESHOLDS) == "single_channel"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_file_of_equal_channels_is_dropped(luma: Image.Image, mode: str) -> None:
    image = luma.convert("RGB")
    data = encode(image.quantize(64) if mode == "P" else image.convert(mode))
    photo = measure("im.png", data)
    assert not photo.single_channel
    assert photo.equal_channels
    assert photo.chroma_p99 < 0.02
    assert verdict(photo, THRESHOLDS) == "equal_channels"


def test_gray_photograph_with_noise_in_its_chroma_is_dropped(luma: Image.Image) -> None:
    noise = 128 + np.random.RandomState(7).randint(-1, 2, (luma.height, luma.width, 2))
    ycbcr = np.dstack([np.asarray(luma), noise.astype(np.uint8)])
    image = Image.fromarray(ycbcr, "YCbCr")
    photo = measure("im.jpg", encode(image, "jpeg", quality=95, subsampling=0))
    assert not (photo.single_channel or photo.equal_channels)
    assert 1 < photo.chroma_p99 < THRESHOLDS.max_gray_chroma
    assert photo.tone_residual > 0.9
    assert verdict(photo, THRESHOLDS) == "near_gray"


def test_gray_photograph_with_a_small_colorful_part_is_kept(luma: Image.Image) -> None:
    rgb = np.asarray(luma.convert("RGB")).copy()
    rgb[:30, :60] = (200, 30, 30)  # under 2% of the pixels
    photo = measure("im.png", encode(Image.fromarray(rgb)))
    assert photo.chroma_mean < THRESHOLDS.max_gray_chroma
    assert verdict(photo, THRESHOLDS) == ""


def test_sepia_print_is_measured_and_dropped_only_on_demand(luma: Image.Image) -> None:
    gray = np.asarray(luma)[..., None] / 255
    sepia = (255 * gray ** np.array([0.8, 1.0, 1.3])).round().astype(np.uint8)
    photo = measure("im.jpg", encode(Image.fromarray(sepia), "jpeg", quality=92))
    assert photo.chroma_p99 > THRESHOLDS.max_gray_chroma
    assert photo.tone_residual < THRESHOLDS.max_tone_residual
    assert verdict(photo, THRESHOLDS) == ""
    assert verdict(photo, DROP_TONED) == "toned"


def test_gray_and_sepia_are_black_and_white_and_color_is_not(
    luma: Image.Image, colorful: bytes
) -> None:
    gray = np.asarray(luma.convert("RGB"))
    assert is_black_and_white(gray)
    assert is_black_and_white((gray * [1.0, 0.85, 0.65]).astype(np.uint8))
    assert not is_black_and_white(decode(colorful).rgb)


def test_colorful_photograph_is_not_taken_for_toned(colorful: bytes) -> None:
    photo = measure("im2.jpg", colorful)
    assert photo.tone_residual > THRESHOLDS.max_tone_residual
    assert verdict(photo, DROP_TONED) == ""


@pytest.mark.parametrize(("side", "reason"), [(63, "too_small"), (64, "")])
def test_photograph_with_a_short_side_is_dropped(colorful: bytes, side: int, reason: str) -> None:
    image = Image.open(io.BytesIO(colorful))
    for size in ((side, 200), (200, side)):
        photo = measure("im.png", encode(image.resize(size)))
        assert (photo.width, photo.height) == size
        assert verdict(photo, THRESHOLDS) == reason


@pytest.mark.parametrize("data", [b"", b"<html>\nNot found\n</html>", b"\xff\xd8\xff\xe0 cut"])
def test_file_that_is_no_image_is_measured_as_an_error_of_one_line(data: bytes) -> None:
    photo = measure("im.jpg", data)
    assert len(photo.error.splitlines()) == 1
    assert "0x" not in photo.error  # an address would make color.csv differ from run to run
    assert (photo.width, photo.height) == (0, 0)
    assert verdict(photo, THRESHOLDS) == "unreadable"


@pytest.mark.parametrize(
    ("flaws", "reason"),
    [
        ({"single_channel": True, "equal_channels": True, "chroma_p99": 0.0}, "single_channel"),
        ({"equal_channels": True, "chroma_p99": 0.0, "tone_residual": 0.0}, "equal_channels"),
        ({"chroma_p99": 3.99, "tone_residual": 0.0, "width": 9}, "near_gray"),
        ({"tone_residual": 0.14, "width": 9}, "toned"),
        ({"height": 9}, "too_small"),
        ({"error": "cut short", "chroma_p99": 0.0, "width": 0}, "unreadable"),
        ({"chroma_p99": 4.0, "tone_residual": 0.15, "width": 64, "height": 64}, ""),
    ],
)
def test_first_reason_that_applies_is_given(flaws: dict[str, object], reason: str) -> None:
    assert verdict(replace(COLORFUL, **flaws), DROP_TONED) == reason


def test_tone_residual_is_what_the_best_cubic_leaves(colorful: bytes) -> None:
    lab = rgb2lab(decode(colorful).rgb).reshape(-1, 3).T
    lightness, ab = lab[0], lab[1:]
    fit = np.stack([np.polyval(np.polyfit(lightness, channel, 3), lightness) for channel in ab])
    expected = np.sqrt(((ab - fit) ** 2).sum() / (ab**2).sum())
    assert tone_residual(lightness, ab) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("ab", "expected"),
    [
        pytest.param(lambda x: np.stack([x - 40, x**3 / 500]), 0, id="function of lightness"),
        pytest.param(lambda x: np.tile([[10.0], [-20.0]], len(x)), 0, id="one tint"),
        pytest.param(lambda x: np.stack([np.cos(40 * x), np.sin(40 * x)]), 1, id="unrelated"),
        pytest.param(lambda x: np.zeros((2, len(x))), 1, id="no color"),
    ],
)
def test_tone_residual_of_known_colors(
    ab: Callable[[NDArray[np.float64]], NDArray[np.float64]], expected: float
) -> None:
    lightness = np.linspace(0, 100, 1001)
    assert tone_residual(lightness, ab(lightness)) == pytest.approx(expected, abs=0.01)


def test_tone_residual_of_one_flat_color_is_finite() -> None:
    assert tone_residual(np.full(9, 50.0), np.full((2, 9), 30.0)) == pytest.approx(0, abs=1e-3)


def test_chroma_is_that_of_scikit_image(
    sample_photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tone, "MAX_SAMPLES", 1 << 20)  # every pixel
    for name in list(sample_photos)[::10]:
        photo, chroma = (
            measure(name, sample_photos[name]),
            exact_chroma(decode(sample_photos[name]).rgb),
        )
        assert photo.chroma_mean == pytest.approx(chroma.mean(), abs=0.001), name
        assert photo.chroma_p99 == pytest.approx(np.percentile(chroma, 99), abs=0.001), name


def test_large_photograph_is_read_on_a_grid(
    colorful: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = decode(colorful).rgb
    monkeypatch.setattr(tone, "MAX_SAMPLES", rgb[::3, ::3, 0].size)
    photo = measure("im2.jpg", colorful)
    assert (photo.height, photo.width) == rgb.shape[:2]
    samples = exact_chroma(rgb[::3, ::3])
    assert photo.chroma_p99 == pytest.approx(np.percentile(samples, 99), abs=0.001)


def test_what_is_read_on_a_grid_stands_for_the_whole(
    bundled: list[ColorStatistics],
    sample_photos: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tone, "MAX_SAMPLES", 1 << 20)
    for photo in bundled[::3]:
        whole = measure(photo.id, sample_photos[photo.id.removeprefix("sample.zip/")])
        assert photo.chroma_mean == pytest.approx(whole.chroma_mean, rel=0.02, abs=0.1), photo.id
        assert photo.chroma_p99 == pytest.approx(whole.chroma_p99, rel=0.02, abs=0.1), photo.id
        assert photo.tone_residual == pytest.approx(whole.tone_residual, abs=0.01), photo.id
        assert verdict(photo, DROP_TONED) == verdict(whole, DROP_TONED)


def test_equal_channels_are_sought_in_every_pixel(
    luma: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tone, "MAX_SAMPLES", 100)
    rgb = np.asarray(luma.convert("RGB")).copy()
    rgb[1, 1] = (255, 0, 0)
    assert not measure("im.png", encode(Image.fromarray(rgb))).equal_channels


def test_bundled_photographs_suffice_for_the_demo(
    bundled: list[ColorStatistics], root: Path
) -> None:
    profile = load_params(root / "params.yaml").profiles["demo"]
    counts = summarize(color_table(bundled, profile.drop_grayscale), profile.drop_grayscale)
    assert counts == {
        "photographs": 106,
        "kept": profile.split.train + profile.split.validation + profile.split.test,
        "dropped_single_channel": 6,
        "dropped_equal_channels": 4,
        "dropped_near_gray": 0,
        "dropped_toned": 0,
        "dropped_too_small": 0,
        "dropped_unreadable": 0,
        "toned_kept": counts["toned_kept"],
    }


@pytest.fixture
def archive_with_damage(make_archive: MakeArchive, sample_photos: dict[str, bytes]) -> Path:
    names = ["mirflickr/im2.jpg", "mirflickr/im3.jpg"]
    good, damaged = (sample_photos[name] for name in names)
    members = {
        "b/good.jpg": good,
        "a/damaged.jpg": damaged,
        "c/text.jpg": b"no image\nat all",
        "notes.txt": b"read me",
        "b/tags.TXT": b"sky",
        "LICENSE": b"free",
    }
    path = Path(make_archive(members).source)
    data = path.read_bytes()
    path.write_bytes(data.replace(damaged, damaged[:-99] + bytes(99)))
    return path


def test_damaged_photographs_are_counted_and_named_and_do_not_end_the_survey(
    archive_with_damage: Path,
) -> None:
    with workers(Engine(workers=2)):
        photos = survey(
            archive_with_damage.parent, list_photos(archive_with_damage.parent, ["photos.zip"])
        )
    assert [photo.id for photo in photos] == [
        "photos.zip/a/damaged.jpg",
        "photos.zip/b/good.jpg",
        "photos.zip/c/text.jpg",
    ]
    damaged, good, text = photos
    assert "photos.zip: a/damaged.jpg is damaged" in damaged.error
    assert "no readable image" in text.error
    assert good.error == ""
    assert all(len(photo.error.splitlines()) == 1 for photo in (damaged, text))

    table = color_table(photos, THRESHOLDS)
    assert table["reason"].tolist() == ["unreadable", "", "unreadable"]
    assert table["kept"].tolist() == [False, True, False]
    counts = summarize(table, THRESHOLDS)
    assert (counts["photographs"], counts["kept"], counts["dropped_unreadable"]) == (3, 1, 2)


def test_survey_is_in_the_order_of_archives_and_names(
    bundled: list[ColorStatistics], root: Path
) -> None:
    names, _ = list_members(root / "sample" / "sample.zip")
    assert [photo.id for photo in bundled] == [f"sample.zip/{name}" for name in names]
    two = survey(root / "sample", list_photos(root / "sample", ["sample.zip", "sample.zip"]))
    assert two == bundled * 2


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize("threads", [1, 4])
def test_survey_is_the_same_however_it_is_handed_out(
    archive_with_damage: Path, threads: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = survey(
        archive_with_damage.parent, list_photos(archive_with_damage.parent, ["photos.zip"])
    )
    monkeypatch.setattr(grayscale, "CHUNK", chunk)
    with workers(Engine(workers=threads)):
        assert (
            survey(
                archive_with_damage.parent, list_photos(archive_with_damage.parent, ["photos.zip"])
            )
            == expected
        )


def test_files_not_named_like_images_are_counted_by_suffix(archive_with_damage: Path) -> None:
    counts = count_other_files(archive_with_damage.parent, ["photos.zip"])
    assert counts == {".txt": 2, "LICENSE": 1}


def test_summary_adds_up() -> None:
    toned = replace(COLORFUL, tone_residual=0.1)
    unreadable = replace(COLORFUL, error="cut short")
    small = replace(COLORFUL, width=9, tone_residual=0.1)
    photos = [COLORFUL, toned, toned, unreadable, small]
    counts = summarize(color_table(photos, THRESHOLDS), THRESHOLDS)
    assert (counts["photographs"], counts["kept"], counts["toned_kept"]) == (5, 3, 2)
    assert sum(counts[f"dropped_{reason}"] for reason in REASONS) == 2

    counts = summarize(color_table(photos, DROP_TONED), DROP_TONED)
    assert (counts["kept"], counts["dropped_toned"], counts["toned_kept"]) == (1, 3, 0)


def test_color_table_survives_a_csv(tmp_path: Path) -> None:
    table = color_table([COLORFUL, replace(COLORFUL, width=9)], THRESHOLDS)
    table.to_csv(tmp_path / "color.csv", index=False)
    read = pd.read_csv(tmp_path / "color.csv", keep_default_na=False)
    assert read.to_dict("records") == table.to_dict("records")


def test_archive_without_photographs_is_counted_as_none(make_archive: MakeArchive) -> None:
    path = Path(make_archive({"notes.txt": b"read me"}).source)
    table = color_table(survey(path.parent, list_photos(path.parent, [path.name])), THRESHOLDS)
    assert {"id", "kept", "reason"} <= set(table.columns)
    counts = summarize(table, THRESHOLDS)
    assert set(counts.values()) == {0}


def test_the_table_of_colors_is_written_in_parts_that_outlive_a_kill(
    root: Path, bundled: list[ColorStatistics], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    color_table(bundled, THRESHOLDS).to_csv(tmp_path / "expected.csv", index=False)
    monkeypatch.setattr(grayscale, "PART", 30)
    asked: list[int] = []

    def survey_twice(folder: Path, ids: list[str]) -> list[ColorStatistics]:
        asked.append(len(ids))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return survey(folder, ids)

    monkeypatch.setattr(grayscale, "survey", survey_twice)
    write = partial(write_colors, root / "sample", ["sample.zip"], THRESHOLDS)
    with workers(Engine(workers=2)):
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "color.csv")
        assert not (tmp_path / "color.csv").exists()
        write(tmp_path / "color.csv")
    assert asked == [30, 30, 30, 30, 16]
    assert (tmp_path / "color.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["color.csv", "expected.csv"]
