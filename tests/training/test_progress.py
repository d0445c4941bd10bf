"""What a person who watches a training sees."""

import logging

import pytest
import torch
from lightning_fabric import Fabric

from colorizer.data.dataset import LabDataset
from colorizer.models import create_model
from colorizer.params import Engine, Train
from colorizer.training.engine import make_fabric
from colorizer.training.loop.losses import Objective
from colorizer.training.progress import Progress, duration, estimate_seconds, warn_if_long
from colorizer.training.run_record import Epoch

NETWORK = torch.nn.Identity()


@pytest.fixture
def fabric() -> Fabric:
    return make_fabric(Engine(accelerator="cpu"))


@pytest.fixture
def photos() -> LabDataset:
    lightness = torch.full((10, 1, 16, 16), 50.0).half()
    ids = [f"photo{n}" for n in range(10)]
    return LabDataset(lightness, torch.cat((lightness, lightness), 1), ids, digest="digest")


def make_history(epochs: int) -> list[Epoch]:
    return [Epoch(n, 0.5 / n, 0.6 / n, 80.0, 1000 * n) for n in range(1, epochs + 1)]


def test_every_epoch_is_a_line_where_there_is_no_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(10, 3) as progress:
        for epochs in (2, 3):  # the first epoch was trained before an interruption
            progress.show(NETWORK, make_history(epochs))
    assert caplog.messages == [
        "epoch 2/3: train loss 0.25000, test loss 0.30000, 80 images/s",
        "about 0 s to go",
        "epoch 3/3: train loss 0.16667, test loss 0.20000, 80 images/s",
    ]


def test_a_bar_counts_photographs_and_not_those_of_an_earlier_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Progress(10, 3) as progress:
        progress.show(NETWORK, make_history(2))
        assert (progress.bar.n, progress.bar.initial, progress.bar.total) == (20, 10, 30)


def test_only_one_process_speaks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Progress(10, 3, enabled=False) as progress:
        progress.show(NETWORK, make_history(1))
    assert caplog.messages == []


def test_estimating_leaves_the_network_as_it_was(fabric: Fabric, photos: LabDataset) -> None:
    model = create_model("model1", widths=[4, 4])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    recipe = Train(seed=7, epochs=5, batch_size=4, lr=0.01, grid_every=1, grid_photos=1)
    seconds = estimate_seconds(Objective(model, "l2"), photos, recipe, fabric=fabric)
    assert seconds > 0
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in before.items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_long_training_on_a_cpu_is_announced(
    fabric: Fabric, photos: LabDataset, caplog: pytest.LogCaptureFixture
) -> None:
    model = create_model("model1", widths=[4, 4])
    forever = Train(seed=7, epochs=10**9, batch_size=4, lr=0.01, grid_every=1, grid_photos=1)
    warn_if_long("model1", Objective(model, "l2"), photos, forever, fabric)
    assert "training model1 on this CPU will take about" in caplog.text
    assert "make demo" in caplog.text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (95, "2 min"), (7200, "2.0 h"), (302_400, "3.5 days")],
)
def test_duration_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said
