"""The learning rate and the size over a training."""

import pytest
import torch

from colorizer.training.loop.schedule import cosine, set_lr, size_at


@pytest.mark.parametrize(("schedule", "lr"), [("constant", 0.1), ("cosine", 0.05)])
def test_only_a_cosine_changes_the_learning_rate(schedule: str, lr: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    set_lr(optimizer, 0.1, schedule, progress=0.525)  # type: ignore[arg-type]
    assert optimizer.param_groups[0]["lr"] == pytest.approx(lr)


def test_a_cosine_rises_and_falls_to_nothing() -> None:
    shares = [cosine(progress / 100) for progress in range(101)]
    assert shares[0] == 0
    assert max(shares) == shares[5] == 1
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert shares[100] == pytest.approx(0, abs=1e-12)


def test_a_group_learns_at_its_share_and_the_warm_up_is_as_long_as_asked() -> None:
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "share": 0.3}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    set_lr(optimizer, 0.1, "cosine", 0.2, warmup=0.4)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.05, 0.015])


def test_sizes_come_one_after_the_other() -> None:
    sizes = ((128, 0.5), (160, 0.3), (192, 0.2))
    reached = [size_at(sizes, step / 100, default=64) for step in range(101)]
    assert [reached.count(size) for size, _ in sizes] == [50, 30, 21]
    assert reached == sorted(reached)
    assert size_at((), 0.5, default=64) == 64
