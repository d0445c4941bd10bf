"""The learning rate over a training."""

import pytest
import torch

from colorizer.training.loop.schedule import cosine, set_lr


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
