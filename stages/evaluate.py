"""Score one model on the test photographs and register it: python stages/evaluate.py model1."""

import json
import sys

from colorizer.console import entry_point
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.evaluate import evaluate, write_scores
from colorizer.evaluation.grids import photo_grid, show_versions
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.inference.torch_network import TorchNetwork
from colorizer.params import load_params
from colorizer.paths import Paths
from colorizer.tracking.live_logging import log_model
from colorizer.tracking.published import SCORED, Published
from colorizer.training.device import choose_device
from colorizer.training.run_record import WEIGHTS, RunRecord


@entry_point
def main(model: str) -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    knobs = params.active.evaluate
    device = choose_device(params.engine)
    weights = paths.run(model) / WEIGHTS
    network = TorchNetwork.from_file(weights, device=str(device), precision="float32")
    photos = LabDataset.open(paths.lab, "test")

    folder = paths.evaluation(model)
    perceptual = Perceptual.load(device) if knobs.perceptual else None
    predict, at_once = by_network(network), knobs.batch_size
    scores = evaluate(predict, photos, batch_size=at_once, device=device, perceptual=perceptual)
    write_scores(scores, folder, perceptual)
    scored = {"fingerprint": RunRecord.read(paths.run(model)).fingerprint}
    (folder / SCORED).write_text(json.dumps(scored) + "\n")
    versions = show_versions(network.model, photos, knobs.grid_photos)
    photo_grid(versions).save(folder / "grid.png")
    published = Published(paths.run(model), folder)
    log_model(params.tracking, published, params.active.register_)


if __name__ == "__main__":
    main(*sys.argv[1:])
