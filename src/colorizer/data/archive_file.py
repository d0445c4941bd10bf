"""An archive as a file: its length, its checksum, and whether it is the one expected."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import requests

from colorizer.data.archive import ArchiveError
from colorizer.params import Archive

TIMEOUT = 60  # seconds


def is_at(path: Path, archive: Archive) -> bool:
    """Whether a file is an archive, as far as its length and checksum are known."""
    if not path.is_file() or path.stat().st_size != (archive.bytes or path.stat().st_size):
        return False
    return not archive.md5 or md5_of(path) == archive.md5


def md5_of(path: Path) -> str:
    """Return a file's MD5 in hexadecimal digits."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def with_length(archive: Archive) -> Archive:
    """Return an archive with its length: the one it has, or that of its file, or its server's.

    Raises:
        ArchiveError: if the server does not say it.
    """
    if archive.bytes:
        return archive
    path = Path(archive.source)
    if path.is_file():
        return archive.model_copy(update={"bytes": path.stat().st_size})
    if urlsplit(archive.source).scheme not in ("http", "https"):
        return archive
    headers = {"Accept-Encoding": "identity"}
    try:
        answer = requests.head(
            archive.source, headers=headers, timeout=TIMEOUT, allow_redirects=True
        )
        answer.raise_for_status()
        length = int(answer.headers["Content-Length"])
    except (requests.RequestException, KeyError, ValueError) as error:
        raise ArchiveError(
            f"{archive.source} does not say how long it is ({error}): give its bytes under "
            "download.archives in params.yaml, or try again"
        ) from error
    return archive.model_copy(update={"bytes": length})
