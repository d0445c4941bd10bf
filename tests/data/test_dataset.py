import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from colorizer.color.lab import AB_SCALE
from colorizer.data.dataset import (
    LabDataset,
    Resident,
    ab_path,
    lightness_path,
    manifest_path,
    prefetch,
)
from colorizer.errors import ColorizerError
from colorizer.training.loop.order import SHARDS, permutation

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


def test_photographs_are_divided_and_none_is_lost(folder: Path) -> None:
    photos = LabDataset.open(folder, "train")
    first, last = photos.divide(2)
    assert (first.ids, last.ids) == (photos.ids[:3], photos.ids[3:])
    assert first.lightness[:, 0, 0, 0].tolist() == list(LIGHTNESS[:3])
    assert last.ab[:, 0, 0, 0].tolist() == [lightness - 50 for lightness in LIGHTNESS[3:]]
    assert [len(part) for part in photos.divide(0)] == [5, 0]


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
        (7, 0, [16, 1, 10, 11, 12, 5, 14, 7, 8, 9, 18, 3, 4, 13, 6, 15, 0, 17, 2, 19]),
        (7, 1, [16, 9, 10, 11, 12, 13, 6, 7, 8, 17, 2, 3, 4, 5, 14, 15, 0, 1, 18, 19]),
        (8, 0, [8, 17, 10, 19, 12, 13, 14, 7, 16, 9, 2, 11, 4, 5, 6, 15, 0, 1, 18, 3]),
    ],
)
def test_permutation_is_the_frozen_one(seed: int, epoch: int, expected: list[int]) -> None:
    order = permutation(20, seed=seed, epoch=epoch)
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
    assert sorted(permutation(20, seed=seed, epoch=0).tolist()) == list(range(20))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 20])
def test_permutation_keeps_every_photograph_in_its_shard(length: int) -> None:
    order = permutation(length, seed=7, epoch=1)
    assert sorted(order.tolist()) == list(range(length))
    assert torch.equal(order % SHARDS, torch.arange(length) % SHARDS)


@pytest.mark.parametrize("world", [1, 2, 4, 8])
@pytest.mark.parametrize("batch_size", [3, 8, 20, 99])
@pytest.mark.parametrize("shuffled", [True, False])
def test_processes_share_every_batch_among_them(
    world: int, batch_size: int, shuffled: bool
) -> None:
    length = 21
    numbers = torch.arange(length).half().view(-1, 1, 1, 1)
    ids = [f"photo{n}" for n in range(length)]
    photos = LabDataset(numbers, torch.cat((numbers, -numbers), dim=1), ids, digest="abc")
    order = permutation(length, seed=7, epoch=1) if shuffled else None
    parts = [photos.shard(rank, world) for rank in range(world)]
    assert [len(part) for part in parts] == [length] * world
    assert sum(part.nbytes for part in parts) == photos.nbytes

    def numbers_in(batch: tuple[torch.Tensor, torch.Tensor]) -> list[int]:
        lightness, ab = ((batch[0] + 1) * 50).flatten(1), (batch[1] * AB_SCALE).flatten(1)
        torch.testing.assert_close(ab, torch.cat((lightness, -lightness), dim=1))  # still a pair
        return [round(number) for number in lightness[:, 0].tolist()]

    whole = photos.batches(batch_size, device=CPU, order=order)
    shared = [part.batches(batch_size, device=CPU, order=order) for part in parts]
    sizes = []
    for batch, *shares in zip(whole, *shared, strict=True):
        each = [numbers_in(share) for share in shares]
        assert sorted(number for share in each for number in share) == sorted(numbers_in(batch))
        lengths = [len(share) for share in each]
        assert max(lengths) - min(lengths) <= 1
        sizes.append(sum(lengths))
    assert sizes == [len(part) for part in torch.arange(length).split(batch_size)]


def test_batches_are_brought_to_another_device(folder: Path) -> None:
    meta = torch.device("meta")
    batches = list(LabDataset.open(folder, "train").batches(2, device=meta))
    assert [tuple(ab.shape) for _, ab in batches] == [(2, 2, 4, 4), (2, 2, 4, 4), (1, 2, 4, 4)]
    assert {part.device for batch in batches for part in batch} == {meta}


def test_the_next_part_is_loaded_meanwhile_and_none_further() -> None:
    loaded: list[int] = []
    started = {part: threading.Event() for part in range(4)}

    def load(part: int) -> tuple[torch.Tensor, torch.Tensor]:
        loaded.append(part)
        started[part].set()
        return torch.tensor(part), torch.tensor(-part)

    for part, (first, second) in enumerate(prefetch(load, range(4))):
        assert (first, second) == (part, -part)
        assert started[min(part + 1, 3)].wait(10)
        assert loaded == list(range(min(part + 2, 4)))
    assert part == 3


def test_an_error_while_loading_reaches_who_waits_for_that_part() -> None:
    def load(part: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(1 // part), torch.tensor(0)

    before = threading.active_count()
    parts = prefetch(load, [1, 0, 1])
    assert next(parts) == (1, 0)
    with pytest.raises(ZeroDivisionError):
        next(parts)
    assert threading.active_count() == before


def test_who_stops_early_leaves_nothing_running() -> None:
    loaded: list[int] = []

    def load(part: int) -> tuple[torch.Tensor, torch.Tensor]:
        loaded.append(part)
        return torch.tensor(part), torch.tensor(part)

    before = threading.active_count()
    parts = prefetch(load, range(100))
    next(parts)
    parts.close()
    assert loaded == [0, 1]
    assert threading.active_count() == before


def test_nothing_to_load_is_no_part() -> None:
    assert list(prefetch(lambda part: part, [])) == []


@pytest.mark.parametrize("resident", ["auto", "always", "never"])
def test_arrays_are_copied_to_a_device_as_asked(folder: Path, resident: Resident) -> None:
    photos = LabDataset.open(folder, "train")
    copied = photos.to(torch.device("meta"), resident)
    assert copied.lightness.device.type == ("cpu" if resident == "never" else "meta")
    assert photos.to(CPU, resident) is photos


def test_arrays_that_fill_more_than_half_of_a_gpu_stay_mapped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = LabDataset.open(folder, "train")
    free = 2 * photos.nbytes - 2
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    assert photos.to(torch.device("cuda")) is photos
