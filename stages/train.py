"""Train one model, followed by MLflow: python stages/train.py model1."""

import sys

from colorizer.console import entry_point  # isort: split

from torch import nn

from colorizer.evaluation.samples import draw_samples
from colorizer.params import load_params
from colorizer.paths import Paths, project_root
from colorizer.tracking.live_logging import follow
from colorizer.tracking.model_uri import find_weights
from colorizer.tracking.published import Published
from colorizer.training.lock import only_process
from colorizer.training.run_record import Epoch
from colorizer.training.trainer import Trainer


@entry_point
def main(model: str) -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    checkpoints = project_root() / ".checkpoints"
    trainer = Trainer(params, model, paths.lab, checkpoints=checkpoints, find_weights=find_weights)
    if not trainer.is_main:
        trainer.train()
        return
    photos, train = trainer.test_photos, params.active.train
    with only_process(trainer.folder), follow(params.tracking, trainer.record) as live:

        def after_epoch(network: nn.Module, history: list[Epoch]) -> None:
            draw_samples(network, photos, trainer.folder, epoch=len(history), params=train)
            live.add(history, trainer.folder)

        trainer.require_sound_photos()
        trainer.train(on_epoch_end=after_epoch)
        trainer.save(paths.run(model), paths.timing(f"train_{model}"))
        live.finish(Published.of(paths, model))
        trainer.discard_checkpoints()


if __name__ == "__main__":
    main(*sys.argv[1:])
