"""Choose train, test and validation photographs by seed."""

from colorizer.console import entry_point
from colorizer.data.manifests import read_colors
from colorizer.data.split import split
from colorizer.params import load_params
from colorizer.paths import Paths, atomic_write


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    data = Paths(params.profile).data
    color = read_colors(data / "color.csv")
    chosen = split(color.loc[color["kept"], "id"], params.active.split)
    with atomic_write(data / "split.csv") as unfinished:
        chosen.to_csv(unfinished, index=False)


if __name__ == "__main__":
    main()
