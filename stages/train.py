"""Train one model, followed by MLflow: python stages/train.py model1."""

import sys

from colorizer.console import entry_point
from colorizer.following import follow
from colorizer.params import load_params, project_root
from colorizer.paths import Paths
from colorizer.resume import only_process
from colorizer.trainer import Trainer


@entry_point
def main(model: str) -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    trainer = Trainer(params, model, paths.lab, checkpoints=project_root() / ".checkpoints")
    if not trainer.is_main:
        trainer.train()
        return
    with only_process(trainer.folder), follow(params.tracking, trainer.record) as live:
        trainer.train(on_epoch_end=lambda history: live.add(history, trainer.folder))
        trainer.save(paths.run(model))
        live.finish(paths.run(model))
        trainer.discard_checkpoints()


if __name__ == "__main__":
    main(*sys.argv[1:])
