"""Score what no network predicts, to read the networks' scores beside."""

from colorizer.console import entry_point
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.baselines import make_baselines
from colorizer.evaluation.evaluate import CPU, evaluate, write_scores
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.params import load_params
from colorizer.paths import Paths


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    train, test = (LabDataset.open(paths.lab, subset) for subset in ("train", "test"))
    knobs = params.active.evaluate
    perceptual = Perceptual.load(CPU) if knobs.perceptual else None
    for name, predict in make_baselines(train, test).items():
        scores = evaluate(predict, test, batch_size=knobs.batch_size, perceptual=perceptual)
        write_scores(scores, paths.baselines / name, perceptual)


if __name__ == "__main__":
    main()
