import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage.data import astronaut

from colorizer.data.faces import find_skin
from colorizer.data.make_references import make_references, to_reference
from colorizer.data.references import LONGEST, References, list_subsets, write_references
from colorizer.errors import ColorizerError
from colorizer.params import Archive
from colorizer.photo.decode import ImageError, decode

MEMBERS = [f"mirflickr/im{n}.jpg" for n in (2, 3, 4, 5)]


def test_a_face_is_found_in_color_and_not_where_the_color_is_no_skin_s() -> None:
    small = to_reference(astronaut()).rgb
    ((row, column, height, width),) = find_skin(small)
    assert row <= 45 <= row + height  # the astronaut's eyes and mouth
    assert column <= 112 <= column + width
    assert 30 < height < 90
    assert find_skin(small[..., ::-1].copy()) == []
    assert find_skin(np.repeat(small[..., 1:2], 3, axis=2)) == []


@pytest.mark.parametrize(
    ("shape", "reference"),
    [
        ((500, 375), (256, 192)),
        ((90, 120), (192, 256)),
        ((64, 64), (256, 256)),
        ((3, 900), (1, 256)),
    ],
)
def test_a_reference_keeps_the_proportions(
    shape: tuple[int, int], reference: tuple[int, int]
) -> None:
    rgb = np.full((*shape, 3), 128, np.uint8)
    assert to_reference(rgb).rgb.shape == (*reference, 3)
    assert max(reference) == LONGEST


def test_those_of_validation_and_test_are_kept_in_the_split_s_order(
    sample_photos: dict[str, bytes],
    make_archive: Callable[[Mapping[str, bytes]], Archive],
    tmp_path: Path,
) -> None:
    archive = Path(make_archive({name: sample_photos[name] for name in MEMBERS}).source)
    ids = [f"{archive.name}/{name}" for name in MEMBERS]
    split = pd.DataFrame({"id": ids, "subset": ["train", "test", "test", "validation"]})
    make_references(archive.parent, split, tmp_path / "made")
    assert list_subsets(tmp_path / "made") == ["validation", "test"]
    test = References.open(tmp_path / "made", "test")
    assert test.ids == ids[1:3]
    for place, name in enumerate(MEMBERS[1:3]):
        expected = to_reference(decode(sample_photos[name]).rgb)
        np.testing.assert_array_equal(test[place].rgb, expected.rgb)
        assert test[place].faces == expected.faces
    make_references(archive.parent, split[:3], tmp_path / "again")
    assert list_subsets(tmp_path / "again") == ["test"]
    assert References.open(tmp_path / "again", "test").digest == test.digest


def test_faces_survive_being_written(tmp_path: Path) -> None:
    reference = to_reference(astronaut())
    assert write_references(tmp_path, "test", [("a", reference), ("b", reference)]) == 2
    found = References.open(tmp_path, "test")
    assert found[1].faces == reference.faces != []
    assert json.loads((tmp_path / "test.json").read_text())["ids"] == ["a", "b"]


def test_what_is_missing_or_broken_is_said_in_one_line(
    make_archive: Callable[[Mapping[str, bytes]], Archive], tmp_path: Path
) -> None:
    with pytest.raises(ColorizerError, match=r"no test photographs .*: run `dvc repro references`"):
        References.open(tmp_path, "test")
    archive = Path(make_archive({"a.jpg": b"none"}).source)
    split = pd.DataFrame({"id": [f"{archive.name}/a.jpg"], "subset": ["test"]})
    with pytest.raises(ImageError, match=r"photos\.zip/a\.jpg: no readable image"):
        make_references(archive.parent, split, tmp_path / "made")
