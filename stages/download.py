"""Bring the archives here: resumed where an earlier download stopped, verified by MD5."""

from colorizer.console import entry_point
from colorizer.data.download import fetch
from colorizer.data.dvc_cache import find_cache
from colorizer.params import load_params
from colorizer.paths import Paths, project_root


@entry_point
def main() -> None:
    """Run the stage."""
    params, root = load_params(), project_root()
    fetch(
        params.active.download.archives,
        Paths(params.profile).archives,
        partial=root / ".downloads",
        cache=find_cache(root),
    )


if __name__ == "__main__":
    main()
