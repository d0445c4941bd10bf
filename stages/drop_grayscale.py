"""Measure the color of every photograph and decide which are kept."""

import json
import logging

from colorizer.console import entry_point  # isort: split

import pandas as pd

from colorizer.data.grayscale import SUMMARIZED, count_other_files, summarize, write_colors
from colorizer.data.workers import workers
from colorizer.params import load_params
from colorizer.paths import Paths, atomic_write


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    thresholds = params.active.drop_grayscale
    names = sorted(path.name for path in paths.archives.iterdir())
    with workers(params.engine):
        write_colors(paths.archives, names, thresholds, paths.data / "color.csv")
    table = pd.read_csv(paths.data / "color.csv", usecols=[*SUMMARIZED, "id", "error"])
    counts = summarize(table, thresholds)
    with atomic_write(paths.data / "color.json") as unfinished:
        unfinished.write_text(json.dumps(counts, indent=1) + "\n")
    logging.info("%s", ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    for row in table[table["reason"] == "unreadable"].itertuples():
        logging.warning("unreadable: %s: %s", row.id, row.error)
    if others := count_other_files(paths.archives, names):
        logging.info("left aside, not named like images: %s", others)


if __name__ == "__main__":
    main()
