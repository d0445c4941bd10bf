import contextlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import torch
import xxhash
from joblib import parallel_config
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.data import preprocess as module
from colorizer.data.archive import ArchiveError, read_photo
from colorizer.data.dataset import LabDataset, ab_path, lightness_path, manifest_path
from colorizer.data.preprocess import photo_to_lab, preprocess
from colorizer.data.unfinished import unfinished
from colorizer.data.workers import workers
from colorizer.errors import ColorizerError
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Archive, Engine, Preprocess, Resample
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.resize import resize

PARAMS = Preprocess(image_size=24, resample="bicubic")
PHOTOS = [f"sample.zip/mirflickr/im{n}.jpg" for n in (5, 2, 6, 3, 4, 1)]  # 1 is gray
SUBSETS = "train", "test"
SPLIT = pd.DataFrame({"id": PHOTOS, "subset": ["train"] * 4 + ["test"] * 2})


def exact_lab(data: bytes, params: Preprocess) -> NDArray[np.float64]:
    """Return float64 (3, size, size) as scikit-image makes it of the resized photograph."""
    rgb = resize(decode(data).rgb, size=params.image_size, resample=params.resample)
    return rgb2lab(rgb.astype(np.float64) / 255).transpose(2, 0, 1)


def lab_by_pillow(data: bytes, params: Preprocess) -> NDArray[np.float64]:
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
        name: str, split: pd.DataFrame = SPLIT, params: Preprocess = PARAMS, *, threads: int = 1
    ) -> Path:
        with workers(Engine(workers=threads)):
            preprocess(root / "sample", split, tmp_path / name, params)
        return tmp_path / name

    return run


@pytest.mark.parametrize("resample", get_args(Resample))
def test_photograph_is_resized_and_converted_as_by_scikit_image(
    sample_photos: dict[str, bytes], resample: Resample
) -> None:
    params = Preprocess(image_size=40, resample=resample)
    for name in ("mirflickr/im2.jpg", "mirflickr/im4.jpg", "mirflickr/im7.jpg"):
        lab = photo_to_lab(sample_photos[name], params)
        assert (lab.shape, lab.dtype) == ((3, 40, 40), np.float32)
        assert np.abs(lab - exact_lab(sample_photos[name], params)).max() < 0.001
        by_pillow = lab_by_pillow(sample_photos[name], params)
        assert deltaE_ciede2000(lab, by_pillow, channel_axis=0).mean() < 0.1


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
    one = read_all(make("one", threads=1))
    assert set(one) == {
        "manifest.json",
        *(f"{subset}_{part}.npy" for subset in SUBSETS for part in ("lightness", "ab")),
    }
    assert read_all(make("two", threads=2)) == one


def test_rows_of_the_split_may_lie_mixed(make: Callable[..., Path]) -> None:
    mixed = SPLIT.iloc[[4, 0, 1, 5, 2, 3]]
    assert read_all(make("mixed", mixed)) == read_all(make("sorted"))


def test_arrays_are_made_anew_over_older_ones(make: Callable[..., Path]) -> None:
    expected = read_all(make("fresh"))
    make("lab", SPLIT.iloc[::2], Preprocess(image_size=9, resample="bilinear"))
    assert read_all(make("lab")) == expected


def test_validation_photographs_have_arrays_and_leave_the_others(
    make: Callable[..., Path],
) -> None:
    ids = ["sample.zip/mirflickr/im7.jpg", "sample.zip/mirflickr/im8.jpg"]
    more = pd.concat([SPLIT, pd.DataFrame({"id": ids, "subset": "validation"})])
    before, after = read_all(make("without")), read_all(make("with", more))
    assert LabDataset.open(make("with", more), "validation").ids == ids
    assert {name: after[name] for name in before if name.endswith(".npy")} == {
        name: data for name, data in before.items() if name.endswith(".npy")
    }
    with pytest.raises(ColorizerError, match="no validation photographs"):
        LabDataset.open(make("without"), "validation")


def test_digest_is_of_the_arrays_of_one_subset(make: Callable[..., Path]) -> None:
    before = manifest(make("before"))
    assert before["train"]["digest"] != before["test"]["digest"]

    other_test = SPLIT.assign(id=[*PHOTOS[:5], "sample.zip/mirflickr/im7.jpg"])
    after = manifest(make("another test photograph", other_test))
    assert after["train"] == before["train"]
    assert after["test"]["digest"] != before["test"]["digest"]


def test_digest_covers_the_lightness_and_color_of_every_photograph(
    make: Callable[..., Path],
) -> None:
    folder = make("lab")
    for subset in SUBSETS:
        arrays = [np.load(path(folder, subset)) for path in (lightness_path, ab_path)]
        rows = [lightness.tobytes() + ab.tobytes() for lightness, ab in zip(*arrays, strict=True)]
        whole = xxhash.xxh3_128(b"".join(xxhash.xxh3_128_digest(row) for row in rows))
        assert manifest(folder)[subset]["digest"] == whole.hexdigest()


@pytest.mark.parametrize("chunk", [1, 3, 4, 100])
def test_arrays_are_the_same_however_they_are_handed_out(
    make: Callable[..., Path], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_all(make("as usual"))
    monkeypatch.setattr("colorizer.data.preprocess.CHUNK", chunk)
    assert read_all(make("otherwise", threads=2)) == expected


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


@pytest.mark.parametrize("threads", [1, 2])
def test_damaged_photograph_is_an_error_that_names_it(
    make_archive: Callable[[Mapping[str, bytes]], Archive],
    sample_photos: dict[str, bytes],
    tmp_path: Path,
    threads: int,
) -> None:
    photo = sample_photos["mirflickr/im2.jpg"]
    path = Path(make_archive({"im1.jpg": photo[:-1] + b"?"}).source)
    path.write_bytes(path.read_bytes().replace(photo[:-1] + b"?", photo))
    split = pd.DataFrame({"id": ["photos.zip/im1.jpg"], "subset": ["train"]})
    message = r"photos\.zip: im1\.jpg is damaged"
    with workers(Engine(workers=threads)), pytest.raises(ArchiveError, match=message) as error:
        preprocess(path.parent, split, tmp_path / "lab", PARAMS)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_file_that_is_no_image_is_an_error_that_names_it(
    make_archive: Callable[[Mapping[str, bytes]], Archive],
    sample_photos: dict[str, bytes],
    tmp_path: Path,
    threads: int,
) -> None:
    members = {f"im{n}.jpg": sample_photos["mirflickr/im2.jpg"] for n in range(20)}
    path = Path(make_archive(members | {"im9.jpg": b"no image\nat all"}).source)
    split = pd.DataFrame({"id": [f"photos.zip/{name}" for name in members], "subset": "train"})
    message = r"^photos\.zip/im9\.jpg: no readable image"
    with workers(Engine(workers=threads)), pytest.raises(ImageError, match=message) as error:
        preprocess(path.parent, split, tmp_path / "lab", PARAMS)
    assert len(str(error.value).splitlines()) == 1
    assert not manifest_path(tmp_path / "lab").exists()


def test_pytorch_s_threads_are_as_before(make: Callable[..., Path]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        make("lab", threads=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_dataset_opens_what_was_written(make: Callable[..., Path]) -> None:
    folder = make("lab")
    photos = LabDataset.open(folder, "train")
    assert photos.ids == PHOTOS[:4]
    assert photos.size == PARAMS.image_size
    assert photos.digest == manifest(folder)["train"]["digest"]
    np.testing.assert_array_equal(photos.ab.numpy(), np.load(ab_path(folder, "train")))


KEEP = Preprocess(geometry="keep", short_side=20, resample="bicubic")


def test_photographs_keep_their_proportions(
    make: Callable[..., Path], sample_photos: dict[str, bytes]
) -> None:
    photos = LabDataset.open(make("keep", params=KEEP), "train")
    assert photos.size == 20
    assert photos.lightness.shape == (4, 1, 30, 30)
    assert photos.shapes is not None
    for photo_id, lightness, ab, shape in zip(
        photos.ids, photos.lightness, photos.ab, photos.shapes.tolist(), strict=True
    ):
        rgb = decode(sample_photos[photo_id.removeprefix("sample.zip/")]).rgb
        seen = WeightsMetadata("model1", {}, 20, geometry="keep").shape(*rgb.shape[:2])
        assert shape == [min(side, 30) for side in seen]
        height, width = shape
        lab = np.concatenate([lightness.numpy(), ab.numpy()])
        if seen == (height, width):  # all of it
            exact = rgb2lab(resize(rgb, size=seen, resample="bicubic") / 255)
            assert_rounded(lab[:, :height, :width], exact.transpose(2, 0, 1))
        assert not lab[:, height:].any()
        assert not lab[:, :, width:].any()


def test_of_a_panorama_the_middle_is_kept() -> None:
    rgb = np.zeros((10, 100, 3), np.uint8)
    rgb[:, 45:55] = 255
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    lightness = photo_to_lab(file.getvalue(), KEEP)[0]
    assert lightness.shape == (20, 30)
    assert lightness[:, 9:21].min() > 90
    assert lightness[:, [0, -1]].max() < 10


def test_middle_squares_are_of_the_photographs(make: Callable[..., Path]) -> None:
    photos = LabDataset.open(make("keep", params=KEEP), "train")
    assert photos.shapes is not None
    [(lightness, ab)] = photos.lab_batches(4, device=torch.device("cpu"))
    assert (lightness.shape, ab.shape) == ((4, 1, 20, 20), (4, 2, 20, 20))
    for row, (height, width) in enumerate(photos.shapes.tolist()):
        top, left = (height - 20) // 2, (width - 20) // 2
        expected = photos.ab[row, :, top : top + 20, left : left + 20].float()
        assert torch.equal(ab[row], expected)
    parts = [photos.shard(rank, 2) for rank in range(2)]
    assert torch.equal(
        torch.stack([p.squares(torch.tensor([0]))[0][0] for p in parts]),
        photos.squares(torch.tensor([0, 1]))[0],
    )
    assert photos.divide(1)[1].shapes.tolist() == photos.shapes[-1:].tolist()


@pytest.mark.parametrize(("geometry", "needed"), [("square", "image_size"), ("keep", "short_side")])
def test_geometry_needs_its_size(geometry: str, needed: str) -> None:
    other = {"image_size", "short_side"} - {needed}
    with pytest.raises(ValidationError, match=f"geometry {geometry} needs {needed}"):
        Preprocess.model_validate({"geometry": geometry, "resample": "bicubic", other.pop(): 20})


def test_a_killed_run_goes_on_with_the_rows_that_are_what_they_were(
    root: Path, make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_all(make("undisturbed"))
    monkeypatch.setattr(module, "CHUNK", 1)
    seen: list[str] = []

    def read(archives: Path, photo_id: str) -> bytes:
        if len(seen) == 4:
            raise KeyboardInterrupt
        seen.append(photo_id)
        return read_photo(archives, photo_id)

    monkeypatch.setattr(module, "read_photo", read)
    with pytest.raises(KeyboardInterrupt), parallel_config("sequential"):
        preprocess(root / "sample", SPLIT, tmp_path / "lab", PARAMS)
    [work] = tmp_path.glob(".lab-*")
    assert not (tmp_path / "lab").exists()
    with ab_path(work / "lab", "train").open("r+b") as file:
        file.seek(-1, os.SEEK_END)  # of the fourth photograph
        file.write(b"\0")
    seen[:] = [""] * 5
    with parallel_config("sequential"):
        preprocess(root / "sample", SPLIT, tmp_path / "lab", PARAMS)
    assert seen[5:] == PHOTOS[3:]
    assert read_all(tmp_path / "lab") == expected
    assert not list(tmp_path.glob(".lab-*"))


def test_unfinished_work_of_other_params_archives_or_code_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.data.unfinished.PACKAGE", tmp_path)
    archive = tmp_path / "archives/a.zip"
    code = [tmp_path / name / "code.py" for name in ("color", "data", "photo")]
    for path in (archive, *code):
        path.parent.mkdir()
        path.write_text("old")

    def begin(asked: str) -> Path:
        with (
            contextlib.suppress(KeyboardInterrupt),
            unfinished(tmp_path / "out/lab", archive.parent, asked) as work,
        ):
            raise KeyboardInterrupt
        assert list((tmp_path / "out").iterdir()) == [work]
        return work

    places = [begin("a"), begin("b")]
    os.utime(archive, ns=(1, 1))  # another file of the same size
    places.append(begin("b"))
    archive = archive.rename(archive.with_name("b.zip"))
    places.append(begin("b"))
    archive.write_text("newer")
    os.utime(archive, ns=(1, 1))
    places.append(begin("b"))
    for path in code:
        path.write_text("new")
        places.append(begin("b"))
    assert begin("b") == places[-1]
    assert len(set(places)) == len(places) == 8


def test_an_earlier_folder_is_replaced_whole(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").touch()
    with unfinished(tmp_path / "out", root / "sample", {}) as work:
        (work / "out").mkdir()
        (work / "out/new").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]


def test_a_second_process_is_told_that_a_first_is_writing(root: Path, tmp_path: Path) -> None:
    with unfinished(tmp_path / "out", root / "sample", {}) as work:
        with (
            pytest.raises(ColorizerError, match="another process is making"),
            unfinished(tmp_path / "out", root / "sample", {}),
        ):
            pass
        (work / "out").write_text("made")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["made"]
