"""Finds DVC's cache of files, where an archive may already be."""

from pathlib import Path


def find_cache(root: Path) -> Path | None:
    """Return the folder in which DVC caches files by their MD5.

    Args:
        root: of the repository. Its `cache.dir`, from any level of DVC's configuration, says where
            the cache is.

    Returns:
        The folder, which need not exist; None if DVC is not installed.
    """
    try:
        from dvc.config import Config
    except ModuleNotFoundError:
        return None
    cache = Config(dvc_dir=str(root / ".dvc"))["cache"]
    return Path(cache.get("dir", root / ".dvc/cache")) / "files/md5"
