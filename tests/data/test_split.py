import random
from pathlib import Path

import pytest

from colorizer.data.manifests import read_colors
from colorizer.data.split import split
from colorizer.errors import ColorizerError
from colorizer.params import Split, load_params

IDS = [f"photos.zip/{folder}/im{n}.jpg" for folder in "ab" for n in (1, 2, 3)] + [
    "photos.zip/c/été.jpg"
]


def test_split_is_the_frozen_one() -> None:
    table = split(IDS, Split(seed=7, train=4, test=2))
    assert table.to_dict("list") == {
        "id": [
            "photos.zip/a/im1.jpg",
            "photos.zip/a/im3.jpg",
            "photos.zip/b/im1.jpg",
            "photos.zip/c/été.jpg",
            "photos.zip/b/im3.jpg",
            "photos.zip/a/im2.jpg",
        ],
        "subset": ["train"] * 4 + ["test"] * 2,
    }


def test_every_photograph_is_used_once_at_most() -> None:
    ids = [f"photos.zip/im{n}.jpg" for n in range(100)]
    table = split(ids, Split(seed=7, train=60, test=30))
    assert table["subset"].value_counts().to_dict() == {"train": 60, "test": 30}
    assert table["id"].is_unique
    assert set(table["id"]) < set(ids)


def test_order_of_the_photographs_does_not_matter() -> None:
    shuffled = random.Random(1).sample(IDS, len(IDS))
    params = Split(seed=7, train=4, test=2)
    assert shuffled != IDS
    assert split(shuffled, params).equals(split(IDS, params))


def test_another_seed_chooses_otherwise() -> None:
    seven, eight = (split(IDS, Split(seed=seed, train=4, test=2))["id"] for seed in (7, 8))
    assert seven.tolist() != eight.tolist()


def test_more_photographs_leave_the_order_of_the_others() -> None:
    few = split(IDS[:5], Split(seed=7, train=4, test=1))["id"].tolist()
    many = split(IDS, Split(seed=7, train=6, test=1))["id"].tolist()
    assert [photo for photo in many if photo in few] == few


def test_validation_photographs_are_the_next_ones() -> None:
    without = split(IDS, Split(seed=7, train=4, test=2))
    table = split(IDS, Split(seed=7, train=4, test=2, validation=1))
    assert table[:6].equals(without)
    assert table["subset"].tolist() == ["train"] * 4 + ["test"] * 2 + ["validation"]
    with pytest.raises(ColorizerError, match=r"\(4 train \+ 2 test \+ 2 validation\)"):
        split(IDS, Split(seed=7, train=4, test=2, validation=2))


def test_a_smaller_training_set_may_keep_the_test_photographs() -> None:
    whole = split(IDS, Split(seed=7, train=4, test=2, validation=1))
    part = split(IDS, Split(seed=7, train=1, skip=3, test=2, validation=1))
    assert part.equals(whole.drop(index=[1, 2, 3]).reset_index(drop=True))
    with pytest.raises(ColorizerError, match=r"\(1 train \+ 4 skipped \+ 2 test \+ 1 validation\)"):
        split(IDS, Split(seed=7, train=1, skip=4, test=2, validation=1))


def test_validation_leaves_the_study_s_photographs_what_they_were(root: Path) -> None:
    study = load_params(root / "params.yaml").profiles["paper"].split
    ids = [f"mirflickr25k.zip/mirflickr/im{n}.jpg" for n in range(1, 10_001)]
    table = split(ids, study)
    assert table["subset"].value_counts().to_dict() == {
        "train": 8000,
        "test": 1000,
        "validation": 500,
    }
    assert table[:9000].equals(split(ids, Split(seed=7, train=8000, test=1000)))


def test_too_few_photographs_are_an_error_that_counts_the_missing() -> None:
    assert len(split(IDS, Split(seed=7, train=5, test=2))) == len(IDS)
    with pytest.raises(ColorizerError, match="1,009 photographs are needed") as error:
        split(IDS, Split(seed=7, train=1_000, test=9))
    message = str(error.value)
    assert "1,002 are missing" in message
    assert "split.train" in message
    assert len(message.splitlines()) == 1


def test_the_table_s_old_name_says_the_new_one(tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match=r"color\.csv: no such file"):
        read_colors(tmp_path / "color.csv")
    (tmp_path / "colour.csv").touch()
    with pytest.raises(ColorizerError, match=r"colour\.csv is now color\.csv"):
        read_colors(tmp_path / "color.csv")


def test_archives_to_train_on_leave_the_other_photographs_where_they_were() -> None:
    params = Split(seed=7, train=4, test=2, validation=1)
    alone = split(IDS, params)
    more = [f"more.zip/photos/more{n}.webp" for n in range(5)]
    table = split(IDS + more, params.model_copy(update={"train_only": ("more.zip",)}))
    extra = table["id"].str.startswith("more.zip/")
    assert table[~extra].reset_index(drop=True).equals(alone)
    assert sorted(table[extra]["id"]) == more
    assert table["subset"].tolist() == ["train"] * 9 + ["test"] * 2 + ["validation"]
