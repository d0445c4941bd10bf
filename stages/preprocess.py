"""Turn the chosen photographs into LAB arrays."""

import pandas as pd

from colorizer.console import entry_point
from colorizer.data.preprocess import preprocess
from colorizer.data.workers import workers
from colorizer.params import load_params
from colorizer.paths import Paths, readable


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    with readable(paths.data / "split.csv"):
        split = pd.read_csv(paths.data / "split.csv", usecols=["id", "subset"])
    with workers(params.engine):
        preprocess(paths.archives, split, paths.lab, params.active.preprocess)


if __name__ == "__main__":
    main()
