"""A training's photographs and weights, from params.yaml to its folder."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from colorizer.data.dataset import ab_path, lightness_path, manifest_path
from colorizer.errors import ColorizerError
from colorizer.models.weights import load_model
from colorizer.params import Params
from colorizer.training.run_record import HISTORY, RECORD, WEIGHTS, Epoch, read_history
from colorizer.training.trainer import Trainer

ROOT = Path(__file__).parents[2]
SIZE = 8
RECIPE = {"uniform": 0.5, "calibrate": 4}
NARROW = {"widths": [4, 8, 8, 8, 8, 8], "norm": "group"}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """LAB arrays of twelve photographs to learn from and two to test on, of random colors."""
    random, manifest = np.random.RandomState(7), {}
    for subset, count in {"train": 12, "test": 2}.items():
        lightness = random.uniform(20, 90, (count, 1, SIZE, SIZE))
        ab = random.uniform(-60, 60, (count, 2, 1, 1)) * np.ones((1, 1, SIZE, SIZE))
        np.save(lightness_path(tmp_path, subset), lightness.astype(np.float16))
        np.save(ab_path(tmp_path, subset), ab.astype(np.float16))
        manifest[subset] = {"ids": [f"{subset}{n}" for n in range(count)], "digest": subset}
    manifest_path(tmp_path).write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def make_trainer(lab: Path, tmp_path: Path) -> Callable[..., Trainer]:
    def make(model: str = "model3_tuned", *, lr: float = 0.001, **entry: Any) -> Trainer:
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params |= {"profile": "demo", "models": [model]}
        params["engine"] |= {"accelerator": "cpu", "precision": "32-true"}
        demo = params["profiles"]["demo"]
        demo["models"] = {model: entry}
        demo["train"] |= {"epochs": 2, "batch_size": 4, "lr": lr}
        checkpoints = tmp_path / "checkpoints"
        return Trainer(Params.model_validate(params), model, lab, checkpoints=checkpoints)

    return make


def test_a_calibrated_training_ends_with_a_fitted_curve_and_is_otherwise_the_same(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    trainer = make_trainer(**NARROW, head="bins", recipe=RECIPE | {"loss": "bins"})
    trainer.train()
    trainer.save(tmp_path / "run", tmp_path / "timing.json")
    assert trainer._fit is not None
    weights = load_file(tmp_path / "run" / WEIGHTS)
    assert weights["curve.gain"] != 1
    for name, learned in trainer._fit.weights.items():
        assert name.startswith("curve.") or torch.equal(weights[name], learned)
    network, metadata = load_model(tmp_path / "run" / WEIGHTS)
    assert network(torch.zeros(1, 1, metadata.size, metadata.size)).isfinite().all()


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_a_tuned_model3_that_was_interrupted_ends_as_one_that_was_not(
    make_trainer: Callable[..., Trainer], tmp_path: Path, norm: str
) -> None:
    everything = {
        **{"uniform": 0.5, "gradient": 0.1, "schedule": "cosine", "flip": True, "crop": 0.7},
        **{"average": 0.9, "calibrate": 4},
    }

    def interrupt(_network: nn.Module, history: list[Epoch]) -> None:
        raise KeyboardInterrupt

    def finished(*, interrupted: bool) -> dict[str, bytes]:
        trainer = make_trainer(widths=[4, 8, 8, 8, 8, 8], norm=norm, recipe=everything)
        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                trainer.train(on_epoch_end=interrupt)
            trainer = make_trainer(widths=[4, 8, 8, 8, 8, 8], norm=norm, recipe=everything)
        trainer.train()
        trainer.save(tmp_path / "run", tmp_path / "timing.json")
        trainer.discard_checkpoints()
        return {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()}

    made = finished(interrupted=True)
    assert made.keys() == {WEIGHTS, HISTORY, RECORD}
    assert made == finished(interrupted=False)


@pytest.mark.parametrize("recipe", [{}, {"flip": True, "crop": 0.7, "uniform": 0.5}])
def test_photographs_that_keep_their_shape_train_any_network_and_nothing_beside_them_does(
    make_trainer: Callable[..., Trainer], lab: Path, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    manifest = json.loads(manifest_path(lab).read_text())
    for subset in manifest:
        shapes = [(SIZE, 6), (6, SIZE), (6, 6), (6, 7)] * 3
        manifest[subset]["shapes"] = shapes = shapes[: len(manifest[subset]["ids"])]
        for path in (lightness_path(lab, subset), ab_path(lab, subset)):
            array = np.load(path)
            for picture, (height, width) in zip(array, shapes, strict=True):
                picture[:, height:] = picture[:, :, width:] = np.nan
            np.save(path, array)
    manifest_path(lab).write_text(json.dumps(manifest))
    trainer = make_trainer("model1", widths=[4, 8], recipe=recipe)
    trainer.train()
    trainer.save(tmp_path / "run", tmp_path / "timing.json")
    _, metadata = load_model(tmp_path / "run" / WEIGHTS)
    assert (metadata.geometry, metadata.size) == ("keep", 6)


def test_the_network_learns_nothing_from_photographs_that_are_kept_out(
    make_trainer: Callable[..., Trainer], lab: Path, tmp_path: Path
) -> None:
    def learned(recipe: dict[str, Any]) -> dict[str, Any]:
        trainer = make_trainer(**NARROW, recipe=recipe)
        trainer.train()
        assert trainer._fit is not None
        trainer.discard_checkpoints()
        return trainer._fit.weights

    def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
        return all(torch.equal(first[name], second[name]) for name in first)

    apart, together = learned({"calibrate": 4}), learned({})
    ab = np.load(ab_path(lab, "train"))
    ab[-4:] = -ab[-4:]
    np.save(ab_path(lab, "train"), ab)
    assert same(learned({"calibrate": 4}), apart)
    assert not same(learned({}), together)


@pytest.mark.parametrize(
    ("model", "entry", "said"),
    [
        ("model1", {"widths": [4, 4], "recipe": {"calibrate": 4}}, "set the model's `curve: true`"),
        (
            "model3_tuned",
            {**NARROW, "curve": False, "recipe": RECIPE},
            "set the model's `curve: true`",
        ),
        (
            "model3_tuned",
            {**NARROW, "recipe": RECIPE | {"calibrate": 12}},
            "recipe.calibrate of model3_tuned is 12; expected fewer than the 12 training",
        ),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_the_training(
    make_trainer: Callable[..., Trainer], model: str, entry: dict[str, Any], said: str
) -> None:
    trainer = make_trainer(model, **entry)
    with pytest.raises(ColorizerError, match=said):
        trainer.train()
    assert not trainer.folder.exists()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"select": "validation"}, "there are no validation photographs: set split.validation"),
        ({"sizes": [[SIZE, 0.5], [16, 0.5]]}, "reaches 16, but the photographs' short side is 8"),
    ],
)
def test_a_recipe_that_photographs_cannot_follow_is_refused(
    make_trainer: Callable[..., Trainer], recipe: dict[str, Any], said: str
) -> None:
    with pytest.raises(ColorizerError, match=said):
        make_trainer("model1", widths=[2, 4], recipe=recipe)


def test_the_weights_of_the_other_loss_lie_beside_the_selected_ones(
    make_trainer: Callable[..., Trainer], lab: Path, tmp_path: Path
) -> None:
    manifest = json.loads(manifest_path(lab).read_text())
    manifest["validation"] = manifest["test"]
    manifest_path(lab).write_text(json.dumps(manifest))
    for path in (lightness_path, ab_path):
        np.save(path(lab, "validation"), np.load(path(lab, "test")))
    trainer = make_trainer("model1", widths=[2, 4], recipe={"select": "validation"})
    trainer.train()
    trainer.save(tmp_path / "run", tmp_path / "timing.json")
    assert sorted(path.name for path in (tmp_path / "run").glob("*.safetensors")) == [
        "weights.safetensors",
        "weights_train.safetensors",
    ]
    assert [
        epoch.validation_loss
        for epoch in read_history(tmp_path / "run" / HISTORY, tmp_path / "timing.json")
    ] == [
        epoch.test_loss
        for epoch in read_history(tmp_path / "run" / HISTORY, tmp_path / "timing.json")
    ]


def test_weights_from_elsewhere_are_loaded_before_the_first_step_and_not_on_resuming(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[float] = []

    def load(head: nn.Conv2d) -> None:
        nn.init.zeros_(head.weight)
        loaded.append(0)

    monkeypatch.setattr(nn.Conv2d, "load_pretrained", load, raising=False)
    trainer = make_trainer("model1", widths=[2, 4])
    trainer.train()
    first = len(loaded)
    assert first > 0
    make_trainer("model1", widths=[2, 4]).train()
    assert len(loaded) == first


@pytest.fixture
def trained(make_trainer: Callable[..., Trainer], tmp_path: Path) -> dict[str, str]:
    """The recipe that starts from a model1 that is trained already."""
    trainer = make_trainer("model1", widths=[4, 8])
    trainer.train()
    trainer.save(tmp_path / "before", tmp_path / "timing.json")
    trainer.discard_checkpoints()
    path = tmp_path / "before" / WEIGHTS
    return {"start": str(path), "start_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_a_training_starts_from_given_weights_and_resumes_without_them(
    make_trainer: Callable[..., Trainer], trained: dict[str, str], tmp_path: Path
) -> None:
    before = load_file(trained["start"])

    def interrupt(_network: nn.Module, history: list[Epoch]) -> None:
        if len(history) == 2:  # the first epoch's checkpoint is written
            raise KeyboardInterrupt

    trainer = make_trainer("model1", lr=1e-9, widths=[4, 8], recipe=trained)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(on_epoch_end=interrupt)
    Path(trained["start"]).unlink()
    trainer = make_trainer("model1", lr=1e-9, widths=[4, 8], recipe=trained)
    trainer.train()
    trainer.save(tmp_path / "after", tmp_path / "timing.json")
    for name, weights in load_file(tmp_path / "after" / WEIGHTS).items():
        torch.testing.assert_close(weights, before[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("changed", "widths", "said"),
    [
        (
            {"start_sha256": ""},
            [4, 8],
            "start_sha256 of model1 is '', but .* has [0-9a-f]{64}: set",
        ),
        ({}, [4, 4], r"is a model1 with {'widths': \[4, 8\]}, of other layers .*: name weights of"),
    ],
)
def test_other_weights_than_those_named_are_refused_in_a_line(
    make_trainer: Callable[..., Trainer],
    trained: dict[str, str],
    changed: dict[str, str],
    widths: list[int],
    said: str,
) -> None:
    trainer = make_trainer("model1", widths=widths, recipe=trained | changed)
    with pytest.raises(ColorizerError, match=said):
        trainer.train()
