"""Keep the photographs that models are scored on as scores see them."""

from colorizer.console import entry_point
from colorizer.data.make_references import make_references
from colorizer.data.manifests import read_split
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
        make_references(paths.archives, split, paths.references)


if __name__ == "__main__":
    main()
