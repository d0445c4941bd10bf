"""Keep the photographs that models are scored on as scores see them."""

import pandas as pd

from colorizer.console import entry_point
from colorizer.data.make_references import make_references
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
        make_references(paths.archives, split, paths.references)


if __name__ == "__main__":
    main()
