"""Weights from elsewhere are for training alone: a toy network whose encoder starts from some."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from colorizer import Colorizer
from colorizer.models import create_model, registry
from colorizer.models.heads import with_head
from colorizer.models.weights import load_model, save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.training.loop.preparation import load_pretrained


class Encoder(nn.Conv2d):
    """An encoder that starts from weights made elsewhere."""

    fetched = 0

    def load_pretrained(self) -> None:
        Encoder.fetched += 1
        nn.init.constant_(self.weight, 0.25)


class Toy(nn.Module):
    """An encoder and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(1, 3, 1)
        self.head = nn.Conv2d(3, 2, 1)

    def forward(self, lightness: Tensor) -> Tensor:
        ab: Tensor = self.head(self.encoder(lightness))
        return ab


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network called toy, in a module of its name."""
    module = ModuleType("colorizer.models.toy")
    module.toy = lambda: with_head(Toy(), "ab", 1.0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(registry, "NETWORKS", (*registry.NETWORKS, "toy"))
    monkeypatch.setattr(Encoder, "fetched", 0)


def test_training_loads_them_once_wherever_they_belong() -> None:
    network = create_model("toy")
    assert Encoder.fetched == 0
    load_pretrained(network)
    assert Encoder.fetched == 1
    assert (network.get_parameter("body.encoder.weight") == 0.25).all()


def test_loading_a_trained_network_fetches_nothing(tmp_path: Path) -> None:
    trained, path = create_model("toy"), tmp_path / "weights.safetensors"
    save_weights(path, WeightsMetadata("toy", {}, 8), trained.state_dict())
    network, _ = load_model(path)
    lightness = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(network(lightness), trained(lightness))
    Colorizer.from_file(path).colorize(np.zeros((8, 8, 3), np.uint8))
    assert Encoder.fetched == 0


def test_networks_without_them_are_left_as_they_are() -> None:
    network = create_model("model1", widths=[2, 4])
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    load_pretrained(network)
    assert all(torch.equal(before[name], weight) for name, weight in network.state_dict().items())
