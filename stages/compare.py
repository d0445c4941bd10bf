"""Put the models side by side: tables, the study's figures, the report, and the champion."""

import json
import time

from colorizer.console import entry_point
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.comparison import draw_figures, write_summary, write_tables
from colorizer.evaluation.report import write_report
from colorizer.inference.torch_network import TorchNetwork
from colorizer.params import load_params
from colorizer.paths import Paths
from colorizer.tracking.champion import best_model
from colorizer.tracking.live_logging import log_comparison
from colorizer.tracking.published import Published


@entry_point
def main() -> None:
    """Run the stage."""
    started_at = time.time()
    params = load_params()
    profile, paths = params.active, Paths(params.profile)
    runs = {model: Published(paths.run(model), paths.evaluation(model)) for model in params.models}
    networks = {m: TorchNetwork.from_file(r.weights, precision="float32") for m, r in runs.items()}
    histories = {model: run.history for model, run in runs.items()}
    losses = {model: run.record.loss for model, run in runs.items()}
    photos, metric = LabDataset.open(paths.lab, "test"), profile.register_.metric
    paths.report.mkdir(parents=True, exist_ok=True)
    baselines = {folder.name: folder for folder in sorted(paths.baselines.iterdir())}
    evaluations = {model: run.evaluation for model, run in runs.items()} | baselines
    table = write_tables(evaluations, paths.report)
    shown = profile.train.grid_photos
    draw_figures(networks, histories, photos, paths.report, losses=losses, count=shown)
    title, page = f"{params.profile}: {', '.join(networks)}", paths.report / "report.html"
    write_report(page, title, evaluations, networks, photos, histories, losses, metric=metric)
    write_summary(
        paths.report / "comparison.json",
        table,
        profile=params.profile,
        fingerprints={model: run.record.fingerprint for model, run in runs.items()},
        best=best_model({m: run.metrics for m, run in runs.items()}, metric),
        started_at=started_at,
        photographs=json.loads((paths.data / "color.json").read_text()),
    )
    log_comparison(params.tracking, paths.report, list(runs.values()), profile.register_)


if __name__ == "__main__":
    main()
