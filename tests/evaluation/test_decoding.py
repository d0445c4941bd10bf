"""How classes become colors is chosen by pixels whose true colors are known."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from colorizer.color.ab_quantization import bin_centers
from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation import calibrate, decoding
from colorizer.evaluation.calibrate import calibrate_weights
from colorizer.evaluation.decoding import Decoding, Sample, choose, score, shortfall
from colorizer.models import create_model
from colorizer.models.flagship import Flagship
from colorizer.models.weights import load_model, save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from pictures import random_references, reader

ARGUMENTS = {"encoder": "lite0", "widths": [8, 8, 8]}
SETTINGS = {"CORRECTIONS": (0.0, 1.0), "QUANTILES": (0.0, 0.5)}


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Flagship:
    for name, values in SETTINGS.items():
        monkeypatch.setattr(decoding, name, values)
    torch.manual_seed(0)
    made = create_model("flagship", **ARGUMENTS).eval()
    assert isinstance(made, Flagship)
    return made


@pytest.fixture
def sample(network: Flagship) -> Sample:
    """Half of the pixels blue, of which the network is unsure; half gray, which it sees often."""
    centers = bin_centers()
    weights = torch.ones(len(centers))
    weights[centers.norm(dim=1) > 0] = 4.0
    network.take_back(weights)
    blue = (centers == torch.tensor([0.0, -40.0])).all(1)
    gray = centers.norm(dim=1) == 0
    logits = torch.full((2, len(centers), 1, 64), -20.0)
    logits[0, blue] = 1.5
    logits[:, gray] = 0.0
    logits[1, blue] = 0.5
    lab = torch.full((2, 3, 1, 64), 50.0)
    lab[:, 1:] = 0.0
    lab[0, 2] = -40.0
    return Sample(logits.half(), lab)


NO_FACES = Sample(torch.zeros(0, len(bin_centers()), 1, 1).half(), torch.zeros(0, 3, 1, 1))


def test_the_settings_that_miss_the_goals_the_least_are_chosen(
    network: Flagship, sample: Sample
) -> None:
    chosen, scores = choose(network, sample, NO_FACES)
    assert chosen == Decoding(1.0, 0.5)  # blue as vivid as it is, and no color on gray
    assert score(network, chosen, sample, NO_FACES) == pytest.approx(scores, nan_ok=True)
    found = {
        settings: score(network, Decoding(*settings), sample, NO_FACES)
        for settings in product((0.0, 1.0), (0.0, 0.5))
    }
    assert shortfall(scores) == min(shortfall(other) for other in found.values())
    assert found[0.0, 0.5]["neutral_leakage"] > 10 > 1 > scores["neutral_leakage"]
    assert found[1.0, 0.0]["chroma_ratio"] < 0.9 < scores["chroma_ratio"]


def test_a_goal_that_is_met_costs_nothing() -> None:
    met = {name: low or high for name, (low, high, _) in decoding.GOALS.items()}
    assert shortfall(met) == 0
    assert shortfall(met | {"neutral_leakage": 15.0}) == pytest.approx(0.25)


def test_a_file_keeps_its_weights_and_says_how_they_are_decoded(
    network: Flagship, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = random_references(4, 40, patches=2)
    photos = replace(photos, faces=[[(4, 4, 30, 30)], [], [], []])
    monkeypatch.setattr(References, "open", lambda folder, subset: photos)
    monkeypatch.setattr(calibrate, "decode_photo", lambda folder, name: reader(photos)(name))
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    save_weights(before, WeightsMetadata("flagship", ARGUMENTS, 32), network.state_dict())
    look = {"size": 48, "smooth": 2}
    said = calibrate_weights(before, after, profile="photos", look=look)
    found, metadata = load_model(after)
    assert metadata.size == 48
    assert metadata.arguments.items() >= {"smooth": 2, **ARGUMENTS}.items()
    chosen = {name: metadata.arguments[name] for name in Decoding.__dataclass_fields__}
    assert f"correction {chosen['correction']:g}, quantile {chosen['quantile']:g}" in said
    assert "skin_hit" in said.splitlines()[1]
    for name, weights in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], weights)


def test_only_a_flagship_is_calibrated(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    network = create_model("model1", widths=[2, 4])
    save_weights(path, WeightsMetadata("model1", {"widths": [2, 4]}, 32), network.state_dict())
    with pytest.raises(ColorizerError, match="is a model1: only a flagship can be calibrated"):
        calibrate_weights(path, tmp_path / "out.safetensors", profile="photos", look={})
