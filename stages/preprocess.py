"""Turn the chosen photographs into LAB arrays."""

from colorizer.console import entry_point
from colorizer.data.manifests import read_split
from colorizer.data.preprocess import preprocess
from colorizer.data.workers import workers
from colorizer.params import load_params
from colorizer.paths import Paths


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    split = read_split(paths.data / "split.csv", params.active.split)
    with workers(params.engine):
        preprocess(paths.archives, split, paths.lab, params.active.preprocess)


if __name__ == "__main__":
    main()
