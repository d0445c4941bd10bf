"""Score what no network predicts, to read the networks' scores beside."""

from colorizer.console import entry_point  # isort: split

import torch

from colorizer.data.dataset import LabDataset
from colorizer.data.references import References, list_subsets
from colorizer.evaluation.baselines import make_baselines, mean_of_lab
from colorizer.evaluation.evaluate import evaluate, write_scores
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import load_params
from colorizer.paths import Paths


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    paths, profile = Paths(params.profile), params.active
    size = profile.preprocess
    mean = mean_of_lab(LabDataset.open(paths.lab, "train"))
    seen = WeightsMetadata("", {}, size.side, geometry=size.geometry).shape
    perceptual = Perceptual.load(torch.device("cpu")) if profile.evaluate.perceptual else None
    for subset in list_subsets(paths.references):
        photos = References.open(paths.references, subset)
        for name, predict in make_baselines(mean, photos, seen).items():
            scores = evaluate(predict, photos, perceptual=perceptual)
            write_scores(scores, paths.baselines(subset) / name, perceptual)


if __name__ == "__main__":
    main()
