"""Score one model on photographs it never saw and register it: python stages/evaluate.py model1."""

import sys
from functools import partial

from colorizer.console import entry_point
from colorizer.data.archive import decode_photo
from colorizer.data.references import References, list_subsets
from colorizer.evaluation.evaluate import evaluate, write_scores
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.predictions import by_network, first_places, show
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.inference.torch_network import TorchNetwork
from colorizer.params import load_params
from colorizer.paths import Paths
from colorizer.tracking.live_logging import log_model
from colorizer.tracking.published import Published
from colorizer.training.device import choose_device


@entry_point
def main(model: str) -> None:
    """Run the stage."""
    params = load_params()
    paths, knobs = Paths(params.profile), params.active.evaluate
    device = choose_device(params.engine)
    published = Published.of(paths, model)
    network = TorchNetwork.from_file(published.weights, device=str(device), precision="float32")
    perceptual = Perceptual.load(device) if knobs.perceptual else None

    sets = {
        name: References.open(paths.references, name) for name in list_subsets(paths.references)
    }
    read = partial(decode_photo, paths.archives)
    predict = {name: by_network(network, photos, read) for name, photos in sets.items()}
    metrics = {}
    for name, photos in sets.items():
        scores = evaluate(predict[name], photos, perceptual=perceptual)
        metrics[name] = write_scores(scores, published.scores(name), perceptual)
    published.write_metrics(metrics, {name: photos.digest for name, photos in sets.items()})
    decides = next(iter(sets))
    places = first_places(sets[decides], knobs.grid_photos)
    shown = show({"predicted": predict[decides]}, sets[decides], places)
    photo_grid(shown).save(published.evaluation / "grid.png")
    published.write_digests(paths.compared)
    log_model(params.tracking, published, params.active.register_)


if __name__ == "__main__":
    main(*sys.argv[1:])
