import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from colorizer.archive import ArchiveError
from colorizer.dataset import SUBSETS, LabDataset, ab_path, lightness_path, manifest_path
from colorizer.images import ImageError
from colorizer.params import Archive, Preprocess, Resample
from colorizer.preprocess import photo_to_lab, preprocess

PARAMS = Preprocess(image_size=24, resample="bicubic")
PHOTOS = [f"sample.zip/mirflickr/im{n}.jpg" for n in (5, 2, 6, 3, 4, 1)]  # 1 is grey
SPLIT = pd.DataFrame({"id": PHOTOS, "subset": ["train"] * 4 + ["test"] * 2})


def exact_lab(data: bytes, params: Preprocess) -> NDArray[np.float64]:
    """Return float64 (3, size, size) as Pillow and scikit-image make it."""
    side, resample = params.image_size, Image.Resampling[params.resample.upper()]
    rgb = Image.open(io.BytesIO(data)).convert("RGB").resize((side, side), resample)
    return rgb2lab(np.asarray(rgb, dtype=np.float64) / 255).transpose(2, 0, 1)


def assert_rounded(lab: NDArray[np.float16], exact: NDArray[np.float64]) -> None:
    """See that float16 values are the exact ones, give or take float16's and float32's rounding."""
    assert lab.dtype == np.float16
    ulp = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64)
    assert (np.abs(lab - exact) <= ulp / 2 + 1e-3).all()


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads(manifest_path(folder).read_text(encoding="utf-8"))


@pytest.fixture
def make(root: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that preprocesses bundled photographs into a new folder."""

    def run(
        name: str, split: pd.DataFrame = SPLIT, params: Preprocess = PARAMS, *, workers: int = 1
    ) -> Path:
        preprocess(root / "sample", split, tmp_path / name, params, workers=workers)
        return tmp_path / name

    return run


@pytest.mark.parametrize("resample", get_args(Resample))
def test_photograph_is_resized_and_converted_as_by_scikit_image(
    sample_photos: dict[str, bytes], resample: Resample
) -> None:
    params = Preprocess(image_size=40, resample=resample)
    for name in ("mirflickr/im2.jpg", "mirflickr/im4.jpg", "mirflickr/im7.jpg"):
        lab = photo_to_lab(sample_photos[name], params)
        assert lab.shape == (3, 40, 40)
        assert_rounded(lab, exact_lab(sample_photos[name], params))


def test_file_that_is_no_image_is_an_error() -> None:
    with pytest.raises(ImageError, match="no readable image"):
        photo_to_lab(b"no image", PARAMS)


def test_arrays_hold_the_photographs_in_the_split_s_order(
    make: Callable[..., Path], sample_photos: dict[str, bytes]
) -> None:
    folder = make("lab")
    for subset, ids in (("train", PHOTOS[:4]), ("test", PHOTOS[4:])):
        lightness = np.load(lightness_path(folder, subset))
        ab = np.load(ab_path(folder, subset))
        assert lightness.shape == (len(ids), 1, 24, 24)
        assert ab.shape == (len(ids), 2, 24, 24)
        for photo_id, lab in zip(ids, np.concatenate([lightness, ab], axis=1), strict=True):
            data = sample_photos[photo_id.removeprefix("sample.zip/")]
            assert_rounded(lab, exact_lab(data, PARAMS))
        assert manifest(folder)[subset]["ids"] == ids


def test_arrays_are_the_same_whatever_the_number_of_workers(make: Callable[..., Path]) -> None:
    one = read_all(make("one", workers=1))
    assert set(one) == {
        "manifest.json",
        *(f"{subset}_{part}.npy" for subset in SUBSETS for part in ("lightness", "ab")),
    }
    assert read_all(make("two", workers=2)) == one


def test_rows_of_the_split_may_lie_mixed(make: Callable[..., Path]) -> None:
    mixed = SPLIT.iloc[[4, 0, 1, 5, 2, 3]]
    assert read_all(make("mixed", mixed)) == read_all(make("sorted"))


def test_arrays_are_made_anew_over_older_ones(make: Callable[..., Path]) -> None:
    expected = read_all(make("fresh"))
    make("lab", SPLIT.iloc[::2], Preprocess(image_size=9, resample="box"))
    assert read_all(make("lab")) == expected


def test_digest_is_of_the_arrays_of_one_subset(make: Callable[..., Path]) -> None:
    before = manifest(make("before"))
    assert before["train"]["digest"] != before["test"]["digest"]

    other_test = SPLIT.assign(id=[*PHOTOS[:5], "sample.zip/mirflickr/im7.jpg"])
    after = manifest(make("another test photograph", other_test))
    assert after["train"] == before["train"]
    assert after["test"]["digest"] != before["test"]["digest"]


def test_digest_covers_lightness_and_colour(make: Callable[..., Path]) -> None:
    folder = make("lab")
    for subset in SUBSETS:
        paths = (lightness_path(folder, subset), ab_path(folder, subset))
        files = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)
        assert manifest(folder)[subset]["digest"] == hashlib.sha256(files).hexdigest()


@pytest.mark.parametrize(
    "params",
    [
        Preprocess(image_size=24, resample="bilinear"),
        Preprocess(image_size=23, resample="bicubic"),
    ],
)
def test_digest_changes_with_the_params(make: Callable[..., Path], params: Preprocess) -> None:
    before, after = manifest(make("before")), manifest(make("after", params=params))
    assert all(before[subset]["digest"] != after[subset]["digest"] for subset in SUBSETS)


def test_digest_changes_with_the_order(make: Callable[..., Path]) -> None:
    before, after = manifest(make("before")), manifest(make("after", SPLIT.iloc[::-1]))
    assert all(before[subset]["digest"] != after[subset]["digest"] for subset in SUBSETS)


@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_photograph_is_an_error_that_names_it(
    make_archive: Callable[[Mapping[str, bytes]], Archive],
    sample_photos: dict[str, bytes],
    tmp_path: Path,
    workers: int,
) -> None:
    photo = sample_photos["mirflickr/im2.jpg"]
    path = Path(make_archive({"im1.jpg": photo[:-1] + b"?"}).source)
    path.write_bytes(path.read_bytes().replace(photo[:-1] + b"?", photo))
    split = pd.DataFrame({"id": ["photos.zip/im1.jpg"], "subset": ["train"]})
    with pytest.raises(ArchiveError, match=r"photos\.zip: im1\.jpg is damaged") as error:
        preprocess(path.parent, split, tmp_path / "lab", PARAMS, workers=workers)
    assert len(str(error.value).splitlines()) == 1


def test_dataset_opens_what_was_written(make: Callable[..., Path]) -> None:
    folder = make("lab")
    photos = LabDataset.open(folder, "train")
    assert photos.ids == PHOTOS[:4]
    assert photos.size == PARAMS.image_size
    assert photos.digest == manifest(folder)["train"]["digest"]
    np.testing.assert_array_equal(photos.ab.numpy(), np.load(ab_path(folder, "train")))
