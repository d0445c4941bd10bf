"""The loop: exact resume, the recipe's rules, and what ends a training."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from colorizer.dataset import LabDataset
from colorizer.engine import make_fabric
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.params import Engine, Train
from colorizer.runs import HISTORY, Epoch, read_history
from colorizer.training import (
    STATE,
    Fit,
    duration,
    estimate_seconds,
    fit,
    only_process,
    warn_if_long,
)

SIZE = 16


def photographs(count: int, *, seed: int) -> LabDataset:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(count, 1, SIZE, SIZE, generator=generator) * 100
    ab = torch.cat((lightness - 50, 50 - lightness), dim=1)
    ids = [f"photo{i}" for i in range(count)]
    return LabDataset(lightness.half(), ab.half(), ids, digest=f"digest{seed}")


@pytest.fixture
def fabric() -> Fabric:
    return make_fabric(Engine(accelerator="cpu"))


@pytest.fixture
def run_fit(tmp_path: Path, fabric: Fabric) -> Callable[..., Fit]:
    def run(
        folder: str = "run",
        *,
        epochs: int = 4,
        lr: float = 0.01,
        model: nn.Module | None = None,
        on_epoch_end: Callable[[nn.Module, list[Epoch]], None] = lambda model, history: None,
    ) -> Fit:
        torch.manual_seed(7)
        recipe = Train(seed=7, epochs=epochs, batch_size=4, lr=lr, grid_every=1, grid_photos=1)
        return fit(
            model or create_model("model2", widths=[4, 8, 8]),
            photographs(10, seed=1),
            photographs(3, seed=2),
            params=recipe,
            fabric=fabric,
            folder=tmp_path / folder,
            on_epoch_end=on_epoch_end,
        )

    return run


def same_weights(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_loss_falls_and_every_epoch_is_recorded(run_fit: Callable[..., Fit]) -> None:
    result = run_fit(epochs=12)
    losses = [epoch.train_loss for epoch in result.history]
    assert [epoch.epoch for epoch in result.history] == list(range(1, 13))
    assert losses[-1] < losses[0] / 2
    assert result.history[-1].test_loss < result.history[0].test_loss


def test_best_weights_are_those_of_the_lowest_training_loss(run_fit: Callable[..., Fit]) -> None:
    after: dict[int, dict[str, Tensor]] = {}

    def keep(model: nn.Module, history: list[Epoch]) -> None:
        after[len(history)] = {k: v.clone() for k, v in model.state_dict().items()}

    result = run_fit(epochs=8, lr=0.2, on_epoch_end=keep)  # so high that the loss also rises
    losses = [epoch.train_loss for epoch in result.history]
    assert losses != sorted(losses, reverse=True)
    assert result.best_epoch == losses.index(min(losses)) + 1
    assert same_weights(result.weights, after[result.best_epoch])


def test_same_seed_gives_bit_identical_weights(run_fit: Callable[..., Fit]) -> None:
    assert same_weights(run_fit("one").weights, run_fit("two").weights)


@pytest.mark.parametrize("killed_in", [1, 3])
def test_resumed_training_ends_as_an_uninterrupted_one(
    run_fit: Callable[..., Fit], killed_in: int
) -> None:
    class KilledError(Exception):
        pass

    def kill(model: nn.Module, history: list[Epoch]) -> None:
        if len(history) == killed_in:  # before this epoch's checkpoint is written
            raise KilledError

    with pytest.raises(KilledError):
        run_fit("resumed", on_epoch_end=kill)
    resumed, whole = run_fit("resumed"), run_fit("whole")
    assert same_weights(resumed.weights, whole.weights)
    assert [e.train_loss for e in resumed.history] == [e.train_loss for e in whole.history]
    assert [e.test_loss for e in resumed.history] == [e.test_loss for e in whole.history]


def test_a_finished_training_is_not_trained_again(run_fit: Callable[..., Fit]) -> None:
    first = run_fit()
    seen: list[int] = []
    again = run_fit(on_epoch_end=lambda model, history: seen.append(len(history)))
    assert seen == []
    assert same_weights(first.weights, again.weights)


def test_history_is_on_disk_before_the_callback_hears_of_it(
    run_fit: Callable[..., Fit], tmp_path: Path
) -> None:
    def check(model: nn.Module, history: list[Epoch]) -> None:
        assert read_history(tmp_path / "run" / HISTORY) == history

    run_fit(on_epoch_end=check)


class BreaksInThirdEpoch(nn.Module):
    """Predicts well-behaved colours until its weights have been used in two epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = create_model("model1", widths=[4, 4])
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, lightness: Tensor) -> Tensor:
        if self.training:
            self.batches += 1
        ab: Tensor = self.inner(lightness)
        return ab / (self.batches <= 6).float()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    run_fit: Callable[..., Fit], tmp_path: Path
) -> None:
    with pytest.raises(
        ColorizerError, match=r"became (nan|inf) in epoch 3: lower train.lr"
    ) as caught:
        run_fit(model=BreaksInThirdEpoch())
    assert "\n" not in str(caught.value)
    state = torch.load(tmp_path / "run" / STATE, weights_only=True)
    assert len(state["history"]) == 2
    assert all(math.isfinite(row["train_loss"]) for row in state["history"])


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    with (
        only_process(tmp_path / "run"),
        pytest.raises(ColorizerError, match="another process is training"),
        only_process(tmp_path / "run"),
    ):
        pass
    with only_process(tmp_path / "run"):  # free again
        pass


def test_estimating_leaves_the_network_as_it_was(fabric: Fabric) -> None:
    model = create_model("model1", widths=[4, 4])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    recipe = Train(seed=7, epochs=5, batch_size=4, lr=0.01, grid_every=1, grid_photos=1)
    seconds = estimate_seconds(model, photographs(10, seed=1), recipe, fabric=fabric)
    assert seconds > 0
    assert same_weights(model.state_dict(), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_long_training_on_a_cpu_is_announced(
    fabric: Fabric, caplog: pytest.LogCaptureFixture
) -> None:
    model = create_model("model1", widths=[4, 4])
    forever = Train(seed=7, epochs=10**9, batch_size=4, lr=0.01, grid_every=1, grid_photos=1)
    warn_if_long("model1", model, photographs(10, seed=1), forever, fabric)
    assert "training model1 on this CPU will take about" in caplog.text
    assert "make demo" in caplog.text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (95, "2 min"), (7200, "2.0 h"), (302_400, "3.5 days")],
)
def test_duration_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_gpu_that_is_not_there_is_one_clear_line() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ColorizerError, match="PyTorch sees no GPU"):
        make_fabric(Engine(accelerator="cuda"))
