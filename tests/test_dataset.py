import json
from pathlib import Path

import numpy as np
import pytest
import torch

from colorizer.color import AB_SCALE
from colorizer.dataset import LabDataset, ab_path, lightness_path, manifest_path, permutation
from colorizer.errors import ColorizerError

CPU = torch.device("cpu")
LIGHTNESS = (0.0, 25.0, 50.0, 75.0, 100.0)  # one photograph each


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lightness = np.array(LIGHTNESS, dtype=np.float16).reshape(-1, 1, 1, 1)
    ab = np.stack([lightness[:, 0] - 50, 50 - lightness[:, 0]], axis=1)
    np.save(lightness_path(tmp_path, "train"), np.tile(lightness, (1, 1, 4, 4)))
    np.save(ab_path(tmp_path, "train"), np.tile(ab, (1, 1, 4, 4)))
    ids = [f"photos.zip/im{n}.jpg" for n in range(len(LIGHTNESS))]
    manifest = {"train": {"ids": ids, "digest": "abc"}}
    manifest_path(tmp_path).write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def test_arrays_are_opened_as_they_lie(folder: Path) -> None:
    photos = LabDataset.open(folder, "train")
    assert len(photos) == len(LIGHTNESS)
    assert photos.size == 4
    assert photos.digest == "abc"
    assert photos.ids[-1] == "photos.zip/im4.jpg"
    assert photos.lightness.dtype == photos.ab.dtype == torch.float16
    assert photos.nbytes == 5 * 3 * 4 * 4 * 2
    assert photos.lightness[:, 0, 0, 0].tolist() == list(LIGHTNESS)


def test_arrays_on_disk_cannot_be_changed_by_accident(folder: Path) -> None:
    LabDataset.open(folder, "train").lightness.zero_()
    assert LabDataset.open(folder, "train").lightness.max() == 100


@pytest.mark.parametrize("missing", ["manifest", "lightness", "ab", "subset", "folder"])
def test_what_was_not_written_is_an_error_that_says_what_to_run(folder: Path, missing: str) -> None:
    subset = "test" if missing == "subset" else "train"
    paths = {
        "manifest": manifest_path(folder),
        "lightness": lightness_path(folder, "train"),
        "ab": ab_path(folder, "train"),
    }
    if missing in paths:
        paths[missing].unlink()
    with pytest.raises(ColorizerError, match=f"no {subset} photographs in .*preprocess") as error:
        LabDataset.open(folder / "elsewhere" if missing == "folder" else folder, subset)
    assert len(str(error.value).splitlines()) == 1


def test_batches_are_normalized_and_the_last_is_smaller(folder: Path) -> None:
    batches = list(LabDataset.open(folder, "train").batches(2, device=CPU))
    assert [tuple(lightness.shape) for lightness, _ in batches] == [
        (2, 1, 4, 4),
        (2, 1, 4, 4),
        (1, 1, 4, 4),
    ]
    lightness, ab = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert lightness.dtype == ab.dtype == torch.float32
    expected = torch.tensor(LIGHTNESS)
    assert torch.equal(lightness[:, 0, 0, 0], expected / 50 - 1)
    torch.testing.assert_close(ab[:, 0, 3, 3], (expected - 50) / AB_SCALE)
    torch.testing.assert_close(ab[:, 1, 3, 3], (50 - expected) / AB_SCALE)


def test_batches_follow_the_order_asked_for(folder: Path) -> None:
    order = torch.tensor([3, 0, 4, 1, 2])
    batches = LabDataset.open(folder, "train").batches(3, device=CPU, order=order)
    seen = [((lightness[:, 0, 0, 0] + 1) * 50).tolist() for lightness, _ in batches]
    assert seen == [[75, 0, 100], [25, 50]]


def test_one_batch_may_hold_all(folder: Path) -> None:
    [(lightness, ab)] = LabDataset.open(folder, "train").batches(99, device=CPU)
    assert len(lightness) == len(ab) == len(LIGHTNESS)


def test_arrays_stay_mapped_for_a_cpu(folder: Path) -> None:
    photos = LabDataset.open(folder, "train")
    assert photos.to(CPU) is photos


@pytest.mark.parametrize(
    ("seed", "epoch", "expected"),
    [
        (7, 0, [1, 7, 5, 6, 4, 3, 2, 0]),
        (7, 1, [6, 7, 2, 3, 5, 0, 1, 4]),
        (8, 0, [1, 5, 2, 0, 7, 6, 4, 3]),
    ],
)
def test_permutation_is_the_frozen_one(seed: int, epoch: int, expected: list[int]) -> None:
    order = permutation(8, seed=seed, epoch=epoch)
    assert order.dtype == torch.int64
    assert order.tolist() == expected


def test_permutation_depends_on_nothing_but_seed_and_epoch() -> None:
    orders = []
    for state in (0, 1):
        np.random.seed(state)
        torch.manual_seed(state)
        orders.append(permutation(100, seed=7, epoch=3).tolist())
    assert orders[0] == orders[1]


def test_permutations_differ_by_seed_and_epoch() -> None:
    seen = {
        tuple(permutation(100, seed=seed, epoch=epoch).tolist())
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(seen) == 25
    assert all(sorted(order) == list(range(100)) for order in seen)


@pytest.mark.parametrize("seed", [-1, 2**32 + 7, 2**63])
def test_permutation_takes_any_seed(seed: int) -> None:
    assert sorted(permutation(8, seed=seed, epoch=0).tolist()) == list(range(8))
