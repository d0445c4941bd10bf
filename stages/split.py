"""Choose train, test and validation photographs by seed."""

from colorizer.console import entry_point
from colorizer.data.split import read_colors, split
from colorizer.params import load_params
from colorizer.paths import Paths


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    data = Paths(params.profile).data
    color = read_colors(data / "color.csv")
    chosen = split(color.loc[color["kept"], "id"], params.active.split)
    chosen.to_csv(data / "split.csv", index=False)


if __name__ == "__main__":
    main()
