"""Put the models side by side: the table, the study's figures, and the champion."""

import json
import logging
import time

from colorizer.comparison import comparison_fingerprint, draw_figures, to_markdown, write_tables
from colorizer.console import entry_point
from colorizer.dataset import LabDataset
from colorizer.params import load_params
from colorizer.paths import Paths
from colorizer.tracking import Published, Store, best_model, tolerate


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    profile, paths = params.active, Paths(params.profile)
    runs = {model: Published(paths.run(model), paths.evaluation(model)) for model in profile.models}
    metrics = {model: run.metrics for model, run in runs.items()}

    paths.report.mkdir(parents=True, exist_ok=True)
    evaluations = {model: paths.evaluation(model) for model in metrics}
    evaluations |= {folder.name: folder for folder in sorted(paths.baselines.iterdir())}
    table = write_tables(evaluations, paths.report)
    photos = LabDataset.open(paths.lab, "test")
    folders = {model: run.run for model, run in runs.items()}
    draw_figures(folders, photos, paths.report, count=profile.train.grid_photos)
    fingerprints = {model: run.record.fingerprint for model, run in runs.items()}
    summary = {
        "fingerprint": comparison_fingerprint(fingerprints, table),
        "profile": params.profile,
        "fingerprints": fingerprints,
        "best": best_model(metrics, profile.register_.metric),
        "photographs": json.loads((paths.data / "colour.json").read_text()),
        "created_at": int(time.time() * 1000),
    }
    (paths.report / "comparison.json").write_text(json.dumps(summary, indent=1) + "\n")
    logging.info("%s", to_markdown(table))
    if params.tracking.enabled:
        with tolerate("publishing the comparison"):
            store = Store(params.tracking.experiment)
            store.publish_comparison(paths.report, list(runs.values()), profile.register_)


if __name__ == "__main__":
    main()
