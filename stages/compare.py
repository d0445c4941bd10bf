"""Put the models side by side: tables, the study's figures, the report, and the champion."""

import time

from colorizer.console import entry_point
from colorizer.data.references import list_subsets
from colorizer.evaluation.comparison import compare, write_summary, write_times
from colorizer.evaluation.figures import learning_curves
from colorizer.inference.torch_network import TorchNetwork
from colorizer.params import load_params
from colorizer.paths import Paths, read_json
from colorizer.tracking.champion import best_model
from colorizer.tracking.live_logging import log_comparison
from colorizer.tracking.published import Published, score_folders


@entry_point
def main() -> None:
    """Run the stage."""
    started_at = time.time()
    params = load_params()
    profile, paths = params.active, Paths(params.profile)
    metric, subsets = profile.register_.metric, list_subsets(paths.references)
    runs = {model: Published.of(paths, model) for model in params.models}
    scored = runs | {m: Published.of(paths, m, "fit") for m in params.methods}
    histories = {model: run.history for model, run in runs.items()}
    tables = compare(
        paths,
        {m: TorchNetwork.from_file(run.weights, precision="float32") for m, run in runs.items()},
        {subset: score_folders(scored, paths.baselines(subset), subset) for subset in subsets},
        learning_curves(histories, {model: run.record.loss for model, run in runs.items()}),
        metric=metric,
        count=profile.train.grid_photos,
        methods=params.methods,
    )
    write_summary(
        paths.report / "comparison.json",
        tables,
        profile=params.profile,
        fingerprints={model: run.record.fingerprint for model, run in runs.items()},
        best=best_model({model: run.deciding for model, run in runs.items()}, metric),
        photographs=read_json(paths.data / "color.json"),
    )
    write_times(paths.timing("compare"), started_at)
    log_comparison(params.tracking, paths, list(runs.values()), profile.register_)


if __name__ == "__main__":
    main()
