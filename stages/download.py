"""Bring the archives here: resumed where an earlier download stopped, verified by MD5."""

from colorizer.console import entry_point
from colorizer.data.download import fetch
from colorizer.params import load_params
from colorizer.paths import Paths, project_root


@entry_point
def main() -> None:
    """Run the stage."""
    params = load_params()
    partial = project_root() / ".downloads"
    fetch(params.active.download.archives, Paths(params.profile).archives, partial=partial)


if __name__ == "__main__":
    main()
