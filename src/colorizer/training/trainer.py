"""One training from params.yaml to a run's folder: network, photographs, checkpoints, record."""

import contextlib
import logging
import math
import os
import platform
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from colorizer.data.dataset import SUBSETS, LabDataset, lightness_path
from colorizer.errors import ColorizerError
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Params
from colorizer.paths import atomic_write
from colorizer.training.code import training_code
from colorizer.training.engine import choose_precision, compile_pays, make_fabric
from colorizer.training.loop.calibration import calibrated
from colorizer.training.loop.checkpoint import find_state
from colorizer.training.loop.epoch import mean_loss
from colorizer.training.loop.fit import Fit, OnEpochEnd, fit
from colorizer.training.loop.losses import Objective
from colorizer.training.loop.preparation import prepare
from colorizer.training.progress import Progress, warn_if_long
from colorizer.training.run_record import (
    GRIDS,
    OTHER_WEIGHTS,
    WEIGHTS,
    Epoch,
    RunRecord,
    fingerprint,
    git_commit,
    write_run,
)
from colorizer.training.start import FindWeights, check_recipe, load_start

logger = logging.getLogger(__name__)


class Trainer:
    """A training of one of params.yaml's models, begun or resumed.

    Args:
        params: the whole of params.yaml.
        model: a name among its active profile's models.
        lab: folder of the LAB arrays.
        checkpoints: where unfinished trainings are kept, each in a folder named by its fingerprint.
        find_weights: gets the weights file that `recipe.start` names; by default it is a path.

    Raises:
        ColorizerError: if the profile has no such model, or the photographs lack what its recipe
            asks for.
    """

    def __init__(
        self,
        params: Params,
        model: str,
        lab: Path,
        *,
        checkpoints: Path,
        find_weights: FindWeights = Path,
    ) -> None:
        profile = params.active
        if model not in profile.models:
            known = ", ".join(profile.models)
            raise ColorizerError(
                f"profiles.{params.profile}.models has no {model!r}: it has {known}"
            )
        self.params = params
        chosen_by = lightness_path(lab, "validation").exists()
        self.photos = {subset: LabDataset.open(lab, subset) for subset in SUBSETS[: 2 + chosen_by]}
        self.train_photos, self.test_photos = self.photos["train"], self.photos["test"]
        self.validation_photos = self.photos.get("validation")
        self.recipe = profile.models[model].recipe
        check_recipe(self.recipe, model, self.train_photos, chosen_by=chosen_by)
        self.fabric = make_fabric(params.engine)
        self.metadata = WeightsMetadata(
            model,
            profile.models[model].arguments,
            self.train_photos.size,
            profile.preprocess.resample,
            "square" if self.train_photos.shapes is None else "keep",
        )
        self.record = self._describe()
        self.folder = checkpoints / self.record.fingerprint
        with contextlib.suppress(FileNotFoundError, ColorizerError):  # or it is written anew
            self.record = RunRecord.read(self.folder)
        self._objective: Objective | None = None
        self._fit: Fit | None = None
        self._find_weights = find_weights

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and tracks; others only compute their share."""
        return self.fabric.is_global_zero

    def require_sound_photos(self) -> None:
        """Read all photographs once; raise ColorizerError if they are damaged."""
        for photos in self.photos.values():
            photos.require_sound()

    def train(self, *, on_epoch_end: OnEpochEnd = lambda network, history: None) -> None:
        """Train to the last epoch, from the last checkpoint if there is one.

        Args:
            on_epoch_end: called by the main process with the network and the history so far, before
                the epoch's checkpoint; what it writes into `folder`/`GRIDS` is kept by `save`.
        """
        train, engine, metadata = self.params.active.train, self.params.engine, self.metadata
        resumed = find_state(self.folder) is not None
        objective, photos = prepare(
            metadata.model,
            metadata.arguments,
            self.train_photos,
            seed=train.seed,
            recipe=self.recipe,
            start=None if resumed else load_start(self.recipe, metadata, self._find_weights),
            resumed=resumed,
        )
        self._objective = objective
        (self.folder / GRIDS).mkdir(parents=True, exist_ok=True)
        if self.is_main:
            self.record.write(self.folder)
        if self.is_main and not resumed:
            warn_if_long(metadata.model, objective, photos, train, self.fabric)
        self.fabric.launch()
        steps = train.epochs * math.ceil(len(photos) / train.batch_size)

        with Progress(len(photos), train.epochs, enabled=self.is_main) as progress:

            def after_epoch(network: nn.Module, history: list[Epoch]) -> None:
                progress.show(network, history)
                on_epoch_end(network, history)

            self._fit = fit(
                objective,
                photos,
                self.test_photos,
                validation=self.validation_photos,
                params=train,
                recipe=self.recipe,
                fabric=self.fabric,
                folder=self.folder,
                on_epoch_end=after_epoch,
                resident=engine.resident,
                compiled=compile_pays(engine, self.fabric.device, steps=steps),
            )

    def loss_of(self, network: nn.Module, photos: LabDataset) -> float:
        """Return the mean of the training's loss over photographs, for a callback of `train`.

        Args:
            network: what the callback is given.
            photos: on any device, such as those of the subset "validation".
        """
        assert self._objective is not None, "train first"
        batch_size = self.params.active.train.batch_size
        return mean_loss(self._objective.of(network), photos, batch_size, self.fabric)

    def calibrated(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return weights with the chroma curve fitted, if the model's recipe asks for one."""
        return calibrated(
            self.metadata.model,
            self.metadata.arguments,
            weights,
            self.train_photos,
            recipe=self.recipe,
            device=self.fabric.device,
        )

    def save(self, folder: Path, timing: Path) -> None:
        """Write the finished training to its final folder; the checkpoints stay for now.

        Args:
            folder: gets weights, losses, record and sample grids.
            timing: file that gets times and speeds, which no other training repeats.
        """
        assert self._fit is not None, "train first"
        result = self._fit
        with atomic_write(folder) as unfinished:
            unfinished.mkdir()
            weights = {WEIGHTS: result.best} | {
                OTHER_WEIGHTS.format(subset=subset): best for subset, best in result.others.items()
            }
            for name, best in weights.items():
                save_weights(unfinished / name, self.metadata, self.calibrated(best.weights))
            shutil.copytree(self.folder / GRIDS, unfinished / GRIDS)
            finished_at = result.history[-1].finished_at
            record = self.record.finished(at=finished_at, best_epoch=result.best_epoch)
            write_run(unfinished, timing, record, result.history)
        logger.info("%s: best epoch %d, kept in %s", self.metadata.model, result.best_epoch, folder)

    def discard_checkpoints(self) -> None:
        """Remove the checkpoints once the training's results are stored."""
        trash = self.folder.with_suffix(".trash")
        shutil.rmtree(trash, ignore_errors=True)  # of an earlier time that was interrupted here
        self.folder.replace(trash)  # at once, so that no half of it is ever resumed
        shutil.rmtree(trash)

    def _describe(self) -> RunRecord:
        profile = self.params.active
        asked = {
            "model": {"name": self.metadata.model, **self.metadata.arguments},
            "recipe": self.recipe.model_dump(),
            "train": profile.train.model_dump(),
        }
        data = {
            subset: {"photographs": len(p), "size": p.size, "digest": p.digest}
            for subset, p in self.photos.items()
        }
        made_with = {
            "split": profile.split.model_dump(),
            "preprocess": profile.preprocess.model_dump(),
        }
        return RunRecord(
            fingerprint=fingerprint(
                {"params": asked, "data": data}, training_code(self.metadata.model)
            ),
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
