"""Score one method on photographs it never saw: python stages/evaluate_method.py gupta2012."""

import sys
from functools import partial

from colorizer.console import entry_point
from colorizer.data.archive import decode_photo
from colorizer.data.references import References, list_subsets
from colorizer.evaluation.by_method import draw_places, load_method
from colorizer.evaluation.colored import score_and_keep
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.predictions import by_colors, show
from colorizer.params import load_params
from colorizer.paths import SHIPPED, Paths
from colorizer.tracking.live_logging import log_method
from colorizer.tracking.published import Published


@entry_point
def main(method: str) -> None:
    """Run the stage."""
    params = load_params()
    paths, knobs = Paths(params.profile), params.active.methods
    published = Published.of(paths, method, "fit")
    read, encoder = partial(decode_photo, paths.archives), partial(Encoder.from_file, SHIPPED)
    colors = load_method(method, published.run, read, encoder, knobs)
    metrics, digests = {}, {}
    for subset in reversed(list_subsets(paths.references)):  # the grid is of the first
        photos = References.open(paths.references, subset)
        places = draw_places(photos, knobs)
        predict = by_colors(colors, photos, read)
        metrics[subset], kept = score_and_keep(predict, photos, places, published.scores(subset))
        digests[subset] = photos.take(places).digest
        first = places[: params.active.evaluate.grid_photos]
        pictures = show({}, photos, first)
        pictures["predicted"] = [kept[place] for place in first]
        photo_grid(pictures).save(published.evaluation / "grid.png")
    published.write_metrics(metrics, digests)
    published.write_digests(paths.compared)
    log_method(params.tracking, published)


if __name__ == "__main__":
    main(*sys.argv[1:])
