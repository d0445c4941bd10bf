"""How fast an epoch goes, and when a long one is saved."""

import logging
import math
import time
from pathlib import Path

from lightning_fabric import Fabric

from colorizer.errors import ColorizerError
from colorizer.params import Train
from colorizer.training.loop.checkpoint import Checkpoint
from colorizer.training.loop.state import Begun, TrainingState

logger = logging.getLogger(__name__)

EVERY = 5 * 60  # seconds between two checkpoints within an epoch


class Pace:
    """Watches the steps of an epoch.

    Where several processes share a training, its sum of losses is spread over them, and only whole
    epochs are saved.

    Args:
        state: what is saved.
        checkpoint: where.
        epoch: which it is.
        photos: how many it has.
        params: what holds for all models.
        fabric: what trains.
    """

    def __init__(
        self,
        state: TrainingState,
        checkpoint: Checkpoint,
        epoch: int,
        *,
        photos: int,
        params: Train,
        fabric: Fabric,
    ) -> None:
        self.state = state
        self.checkpoint = checkpoint
        self.epoch = epoch
        self.photos = photos
        self.params = params
        self.alone = fabric.world_size == 1
        self._first = state.begun.steps
        self._started = self._saved = time.perf_counter()

    def after_step(self, begun: Begun) -> None:
        """Record a step; save it if the last time is long ago and the epoch is not at its end.

        Raises:
            ColorizerError: if the loss is no longer finite.
        """
        self.state.after_step(begun)
        due = time.perf_counter() - self._saved >= EVERY
        steps = math.ceil(self.photos / self.params.batch_size)
        if not (due and self.alone and begun.steps < steps):
            return
        assert begun.total is not None
        require_finite(float(begun.total), self.epoch, self.checkpoint.path.parent)
        self.checkpoint.save(self.state.to_checkpoint())
        self._saved = time.perf_counter()
        logger.info(
            "epoch %d/%d: %.0f%%, %.0f images/s",
            self.epoch,
            self.params.epochs,
            100 * begun.steps / steps,
            self.images_per_second(begun.steps),
        )

    def images_per_second(self, steps: int | None = None) -> float:
        """Return the photographs a second of this process's steps, up to one or to the last."""
        reached = self.photos if steps is None else steps * self.params.batch_size
        done = reached - self._first * self.params.batch_size
        return round(done / (time.perf_counter() - self._started), 2)


def require_finite(loss: float, epoch: int, folder: Path) -> None:
    """Stop a training that has gone astray, before its checkpoint does.

    Raises:
        ColorizerError: if the loss is infinite or no number.
    """
    if not math.isfinite(loss):
        raise ColorizerError(
            f"the loss became {loss} in epoch {epoch}: lower train.lr or set the model's norm in "
            f"params.yaml; the last checkpoint is kept in {folder}"
        )
