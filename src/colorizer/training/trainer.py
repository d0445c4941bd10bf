"""One training from params.yaml to a run's folder: network, photographs, checkpoints, record."""

import logging
import math
import os
import platform
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from colorizer.color.ab_quantization import count_bins, rebalancing_weights
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.models import create_model, load_pretrained
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Params
from colorizer.paths import atomic_write
from colorizer.training.checkpoint import STATE, snapshot
from colorizer.training.engine import choose_precision, compile_pays, make_fabric
from colorizer.training.loop.calibration import calibrate, find_curve
from colorizer.training.loop.fit import Fit, OnEpochEnd, fit, warn_if_long
from colorizer.training.loop.losses import Objective
from colorizer.training.run_record import (
    GRIDS,
    HISTORY,
    RECORD,
    WEIGHTS,
    RunRecord,
    fingerprint,
    git_commit,
    write_history,
)

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
PRIOR_SIDE = 64  # pixels of a photograph's side that the colors' prior looks at
PRIOR_PHOTOS = 256  # at once

CODE = (
    "color/ab_quantization.py",
    "color/kernels.py",
    "color/lab.py",
    "color/lab_torch.py",
    "color/statistics.py",
    "data/dataset.py",
    "models/heads.py",
    "models/layers.py",
    "models/flagship.py",
    "models/model1.py",
    "models/model2.py",
    "models/model3.py",
    "models/predict.py",
    "models/rebalanced.py",
    "models/unet.py",
    "models/zhang2016.py",
    "training/checkpoint.py",
    "training/loop/augmentation.py",
    "training/loop/calibration.py",
    "training/loop/fit.py",
    "training/loop/losses.py",
    "training/trainer.py",
)
"""The code that a training's weights depend on: part of its fingerprint."""


class Trainer:
    """A training of one of params.yaml's models, begun or resumed.

    Args:
        params: the whole of params.yaml.
        model: a name among its active profile's models.
        lab: folder of the LAB arrays.
        checkpoints: where unfinished trainings are kept, each in a folder named by its fingerprint.

    Raises:
        ColorizerError: if the profile has no such model.
    """

    def __init__(self, params: Params, model: str, lab: Path, *, checkpoints: Path) -> None:
        profile = params.active
        if model not in profile.models:
            known = ", ".join(profile.models)
            raise ColorizerError(
                f"profiles.{params.profile}.models has no {model!r}: it has {known}"
            )
        self.params = params
        self.train_photos = LabDataset.open(lab, "train")
        self.test_photos = LabDataset.open(lab, "test")
        self.recipe = profile.models[model].recipe
        self.fabric = make_fabric(params.engine)
        self.metadata = WeightsMetadata(
            model,
            profile.models[model].arguments,
            self.train_photos.size,
            profile.preprocess.resample,
        )
        self.record = self._describe()
        self.folder = checkpoints / self.record.fingerprint
        if (self.folder / RECORD).exists():
            self.record = RunRecord.read(self.folder)
        self._fit: Fit | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and tracks; others only compute their share."""
        return self.fabric.is_global_zero

    def train(self, *, on_epoch_end: OnEpochEnd = lambda network, history: None) -> None:
        """Train to the last epoch, from the last checkpoint if there is one.

        Args:
            on_epoch_end: called by the main process with the network and the history so far, before
                the epoch's checkpoint; what it writes into `folder`/`GRIDS` is kept by `save`.
        """
        train, engine, recipe = self.params.active.train, self.params.engine, self.recipe
        torch.manual_seed(train.seed)
        network = create_model(self.metadata.model, **self.metadata.arguments)
        if not (self.folder / STATE).exists():  # an interrupted training has all of its weights
            load_pretrained(network)
        learned = self._photos_to_learn_from(network)
        objective = Objective(
            network,
            recipe.loss,
            gradient_weight=recipe.gradient,
            bin_weights=self._bin_weights(learned) if recipe.uniform < 1 else None,
        )
        (self.folder / GRIDS).mkdir(parents=True, exist_ok=True)
        if self.is_main and not (self.folder / RECORD).exists():
            self.record.write(self.folder)
            warn_if_long(self.metadata.model, objective, learned, train, self.fabric)
        self.fabric.launch()
        steps = train.epochs * math.ceil(len(learned) / train.batch_size)

        self._fit = fit(
            objective,
            learned,
            self.test_photos,
            params=train,
            recipe=recipe,
            fabric=self.fabric,
            folder=self.folder,
            on_epoch_end=on_epoch_end,
            resident=engine.resident,
            compiled=compile_pays(engine, self.fabric.device, steps=steps),
        )

    def save(self, folder: Path) -> None:
        """Write the finished training to its final folder; the checkpoints stay for now."""
        assert self._fit is not None, "train first"
        result = self._fit
        with atomic_write(folder) as unfinished:
            unfinished.mkdir()
            save_weights(unfinished / WEIGHTS, self.metadata, self._calibrated(result.weights))
            write_history(unfinished / HISTORY, result.history)
            shutil.copytree(self.folder / GRIDS, unfinished / GRIDS)
            finished_at = result.history[-1].finished_at
            record = self.record.finished(at=finished_at, best_epoch=result.best_epoch)
            record.write(unfinished)
        logger.info("%s: best epoch %d, kept in %s", self.metadata.model, result.best_epoch, folder)

    def discard_checkpoints(self) -> None:
        """Drop what only an interrupted training needs, once all else is done."""
        trash = self.folder.with_suffix(".trash")
        shutil.rmtree(trash, ignore_errors=True)  # of an earlier time that was interrupted here
        self.folder.replace(trash)  # at once, so that no half of it is ever resumed
        shutil.rmtree(trash)

    def _bin_weights(self, photos: LabDataset) -> Tensor:
        """Return how much each bin counts, by the colors of the photographs to learn from."""
        step = max(1, photos.size // PRIOR_SIDE)
        ab = photos.ab[..., ::step, ::step]
        starts = range(0, len(ab), PRIOR_PHOTOS)
        parts = [count_bins(ab[start : start + PRIOR_PHOTOS].float()) for start in starts]
        counts = torch.stack(parts).sum(0)
        return rebalancing_weights(counts, self.recipe.uniform)

    def _photos_to_learn_from(self, network: nn.Module) -> LabDataset:
        """Return the training photographs but those that are kept out to calibrate on."""
        if not self.recipe.calibrate:
            return self.train_photos
        find_curve(network)  # now, and not after hours of training
        if self.recipe.calibrate >= len(self.train_photos):
            raise ColorizerError(
                f"recipe.calibrate of {self.metadata.model} is {self.recipe.calibrate}; expected "
                f"fewer than the {len(self.train_photos)} training photographs"
            )
        return self.train_photos.divide(self.recipe.calibrate)[0]

    def _calibrated(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.recipe.calibrate:
            return weights
        network = create_model(self.metadata.model, **self.metadata.arguments)
        network.load_state_dict(weights)
        _, kept_out = self.train_photos.divide(self.recipe.calibrate)
        calibrate(network, kept_out, self.fabric.device)
        calibrated: dict[str, Tensor] = snapshot(network.state_dict())
        return calibrated

    def _describe(self) -> RunRecord:
        profile = self.params.active
        asked = {
            "model": {"name": self.metadata.model, **self.metadata.arguments},
            "recipe": self.recipe.model_dump(),
            "train": profile.train.model_dump(),
        }
        photos = {"train": self.train_photos, "test": self.test_photos}
        data = {
            subset: {"photographs": len(p), "size": p.size, "digest": p.digest}
            for subset, p in photos.items()
        }
        code = [path for pattern in CODE for path in PACKAGE.glob(pattern)]
        made_with = {
            "split": profile.split.model_dump(),
            "preprocess": profile.preprocess.model_dump(),
        }
        return RunRecord(
            fingerprint=fingerprint({"params": asked, "data": data}, code),
            model=self.metadata.model,
            profile=self.params.profile,
            params=asked | made_with,
            data=data,
            machine={
                "device": _device_name(self.fabric.device),
                "devices": str(self.fabric.world_size),
                "precision": choose_precision(self.params.engine, self.fabric.device),
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            commit=git_commit(),
            stage=os.environ.get("DVC_STAGE", ""),
            experiment=os.environ.get("DVC_EXP_NAME", ""),
            started_at=int(time.time() * 1000),
        )


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)"
