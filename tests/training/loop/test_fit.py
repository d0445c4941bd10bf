"""The loop: exact resume, the recipe's rules, and what ends a training."""

import functools
import itertools
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.params import Engine, Train
from colorizer.params.recipe import Recipe
from colorizer.training.engine import Precision, make_fabric
from colorizer.training.loop.checkpoint import STATE
from colorizer.training.loop.fit import Fit, _require_shares, fit
from colorizer.training.loop.losses import Objective
from colorizer.training.loop.pace import Pace
from colorizer.training.loop.state import Begun
from colorizer.training.run_record import HISTORY, Epoch, read_history

SIZE = 16
CPU = Engine(accelerator="cpu")
STUDY = Recipe()
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed")


def photographs(count: int, *, seed: int) -> LabDataset:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(count, 1, SIZE, SIZE, generator=generator) * 100
    ab = torch.cat((lightness - 50, 50 - lightness), dim=1)
    ids = [f"photo{i}" for i in range(count)]
    return LabDataset(lightness.half(), ab.half(), ids, digest=f"digest{seed}")


@pytest.fixture
def run_fit(tmp_path: Path) -> Callable[..., Fit]:
    def run(
        folder: str = "run",
        *,
        epochs: int = 4,
        lr: float = 0.01,
        batch_size: int = 4,
        model: nn.Module | None = None,
        recipe: Recipe = STUDY,
        on_epoch_end: Callable[[nn.Module, list[Epoch]], None] = lambda model, history: None,
        engine: Engine = CPU,
        compiled: bool = False,
        validation: LabDataset | None = None,
    ) -> Fit:
        torch.manual_seed(7)
        params = Train(
            seed=7, epochs=epochs, batch_size=batch_size, lr=lr, grid_every=1, grid_photos=1
        )
        return fit(
            Objective(model or create_model("model2", widths=[4, 8, 8]), recipe.loss),
            photographs(10, seed=1),
            photographs(3, seed=2),
            validation=validation,
            params=params,
            recipe=recipe,
            fabric=make_fabric(engine),
            folder=tmp_path / folder,
            on_epoch_end=on_epoch_end,
            compiled=compiled,
        )

    return run


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh())


def same_weights(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_loss_falls_and_every_epoch_is_recorded(run_fit: Callable[..., Fit]) -> None:
    result = run_fit(epochs=12)
    losses = [epoch.train_loss for epoch in result.history]
    assert [epoch.epoch for epoch in result.history] == list(range(1, 13))
    assert losses[-1] < losses[0] / 2
    assert result.history[-1].test_loss < result.history[0].test_loss


@pytest.mark.parametrize("precision", PRECISIONS)
def test_best_weights_are_those_of_the_lowest_training_loss(
    run_fit: Callable[..., Fit], precision: Precision
) -> None:
    after: dict[int, dict[str, Tensor]] = {}

    def keep(model: nn.Module, history: list[Epoch]) -> None:
        after[len(history)] = {k: v.clone() for k, v in model.state_dict().items()}

    engine = Engine(accelerator="cpu", precision=precision)
    result = run_fit(epochs=8, lr=0.5, on_epoch_end=keep, engine=engine)  # the loss also rises
    losses = [epoch.train_loss for epoch in result.history]
    assert losses != sorted(losses, reverse=True)
    assert result.best_epoch == losses.index(min(losses)) + 1
    assert same_weights(result.weights, after[result.best_epoch])


def test_same_seed_gives_bit_identical_weights(run_fit: Callable[..., Fit]) -> None:
    assert same_weights(run_fit("one").weights, run_fit("two").weights)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("killed_in", [1, 3])
def test_resumed_training_ends_as_an_uninterrupted_one(
    run_fit: Callable[..., Fit], killed_in: int, precision: Precision
) -> None:
    engine = Engine(accelerator="cpu", precision=precision)

    class KilledError(Exception):
        pass

    def kill(model: nn.Module, history: list[Epoch]) -> None:
        if len(history) == killed_in:  # before this epoch's checkpoint is written
            raise KilledError

    with pytest.raises(KilledError):
        run_fit("resumed", on_epoch_end=kill, engine=engine)
    resumed, whole = run_fit("resumed", engine=engine), run_fit("whole", engine=engine)
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
    """Predicts well-behaved colors until its weights have been used in two epochs."""

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


@pytest.mark.parametrize(("devices", "batch_size", "smallest"), [(2, 9, 1), (4, 7, 3), (8, 5, 5)])
def test_a_batch_that_devices_cannot_share_is_one_clear_line(
    run_fit: Callable[..., Fit], devices: int, batch_size: int, smallest: int
) -> None:
    engine = Engine(accelerator="cpu", devices=devices)
    with pytest.raises(ColorizerError) as caught:
        run_fit(batch_size=batch_size, engine=engine)
    assert str(caught.value) == (
        f"{devices} devices cannot share a batch of {smallest}: of 10 photographs, "
        f"train.batch_size {batch_size} leaves one of that size; choose another in params.yaml"
    )


def test_every_device_has_a_share_of_every_batch_that_is_let_through() -> None:
    for photos, batch_size in itertools.product(range(1, 20), repeat=2):
        smallest = min(len(part) for part in torch.arange(photos).split(batch_size))
        for devices in (1, 2, 4, 8):
            try:
                _require_shares(photos, batch_size, devices)
                assert smallest >= devices
            except ColorizerError as error:
                assert smallest < devices
                assert f"a batch of {smallest}:" in str(error)


def test_too_little_memory_is_one_clear_line(run_fit: Callable[..., Fit]) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 9 GiB")

    model = small_network()
    model.register_forward_pre_hook(fail)
    with pytest.raises(ColorizerError) as caught:
        run_fit(model=model)
    assert str(caught.value) == (
        "the GPU's memory does not suffice: lower train.batch_size in params.yaml, or set "
        "engine.precision to bf16-mixed (CUDA out of memory. Tried to allocate 9 GiB)"
    )


def test_a_compiler_that_fails_is_one_clear_line(
    run_fit: Callable[..., Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Callable[..., Tensor]:
        raise FileNotFoundError("no g++")

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=fail))
    with pytest.raises(ColorizerError, match=r"engine.compile .* to never .*no g\+\+") as caught:
        run_fit(model=small_network(), compiled=True)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="nothing to compile with")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's, of its own code
def test_a_compiled_training_learns_the_same(
    run_fit: Callable[..., Fit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    untried = {"cpp.vec_isa_ok": True}  # trying g++ on every instruction set takes 8 s
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, options=untried))
    engine = Engine(accelerator="cpu", precision="32-true")
    torch.manual_seed(7)
    eager = run_fit("eager", model=small_network(), batch_size=5, engine=engine)
    torch.manual_seed(7)
    compiled = run_fit(
        "compiled", model=small_network(), batch_size=5, engine=engine, compiled=True
    )
    assert any((tmp_path / "compiled").rglob("*.so"))
    for one, other in zip(eager.history, compiled.history, strict=True):
        assert (other.train_loss, other.test_loss) == pytest.approx(
            (one.train_loss, one.test_loss), rel=1e-5
        )
    assert compiled.weights.keys() == eager.weights.keys()


BINS = Recipe(
    loss="bins",
    uniform=0.5,
    optimizer="adamw",
    weight_decay=0.1,
    schedule="cosine",
    warmup=0.2,
    clip=0.5,
    flip=True,
    crop=0.7,
    aspect=1.3,
    sizes=((8, 0.4), (12, 0.6)),
    degrade=True,
    average=0.9,
)


def bins_network() -> nn.Module:
    torch.manual_seed(7)
    network = create_model("zhang2016", width=2, norm="batch")
    network.body = nn.Sequential(network.body, nn.Dropout2d(0.2))
    return network


class KilledError(Exception):
    pass


def test_a_recipe_with_everything_resumes_exactly_after_any_step(
    run_fit: Callable[..., Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_fit("whole", model=bins_network(), recipe=BINS)
    monkeypatch.setattr("colorizer.training.loop.pace.EVERY", 0)
    steps, after_step = itertools.count(1), Pace.after_step

    def kill(pace: Pace, begun: Begun) -> None:
        after_step(pace, begun)
        if next(steps) % 2 == 0:  # an epoch has three
            raise KilledError

    monkeypatch.setattr(Pace, "after_step", kill)
    killed = 0
    while True:
        try:
            resumed = run_fit("resumed", model=bins_network(), recipe=BINS)
            break
        except KilledError:
            killed += 1
            torch.manual_seed(killed)
    assert killed == 7  # the last step of an epoch is saved with the epoch
    assert same_weights(resumed.weights, whole.weights)
    losses = [[epoch.train_loss for epoch in fit.history] for fit in (resumed, whole)]
    assert losses[0] == losses[1]


def test_a_loss_that_is_not_finite_is_never_saved_within_an_epoch(
    run_fit: Callable[..., Fit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.training.loop.pace.EVERY", 0)
    with pytest.raises(ColorizerError, match="in epoch 3"):
        run_fit(model=BreaksInThirdEpoch())
    state = torch.load(tmp_path / "run" / STATE, weights_only=True)
    assert all(weights.isfinite().all() for weights in state["model"].values())


@pytest.mark.parametrize("select", ["train", "validation"])
def test_the_weights_of_both_best_losses_are_kept(run_fit: Callable[..., Fit], select: str) -> None:
    after: dict[int, dict[str, Tensor]] = {}

    def keep(model: nn.Module, history: list[Epoch]) -> None:
        after[len(history)] = {k: v.clone() for k, v in model.state_dict().items()}

    far = replace(photographs(4, seed=3), ab=-photographs(4, seed=3).ab)
    recipe = Recipe.model_validate({"select": select})
    result = run_fit(epochs=8, lr=0.5, recipe=recipe, validation=far, on_epoch_end=keep)
    found = {select: result.best} | result.others
    assert set(found) == {"train", "validation"}
    for subset, best in found.items():
        losses = [getattr(epoch, f"{subset}_loss") for epoch in result.history]
        assert (best.loss, best.epoch) == (min(losses), losses.index(min(losses)) + 1)
        assert same_weights(best.weights, after[best.epoch])
    assert found["train"].epoch != found["validation"].epoch


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(flip=True),
        Recipe(crop=0.6),
        Recipe(aspect=1.5),
        Recipe(sizes=((8, 1),)),
        Recipe(degrade=True),
        Recipe(schedule="cosine"),
        Recipe(clip=0.01),
        Recipe(optimizer="adamw", weight_decay=0.1),
        Recipe(loss="huber"),
    ],
)
def test_every_lever_changes_what_is_learned(run_fit: Callable[..., Fit], recipe: Recipe) -> None:
    assert not same_weights(run_fit("one").weights, run_fit("two", recipe=recipe).weights)


def test_the_average_is_kept_and_followed_while_training_is_the_same(
    run_fit: Callable[..., Fit],
) -> None:
    plain = run_fit("plain", epochs=6)
    averaged = run_fit("averaged", epochs=6, recipe=Recipe(average=0.9))
    train = [[epoch.train_loss for epoch in fit.history] for fit in (plain, averaged)]
    test = [[epoch.test_loss for epoch in fit.history] for fit in (plain, averaged)]
    assert train[0] == train[1]
    assert test[0] != test[1]
    assert not same_weights(plain.weights, averaged.weights)
