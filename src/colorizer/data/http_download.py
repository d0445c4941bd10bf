"""One archive from a web server: what is missing is asked for, again where a connection ends."""

import errno
import logging
import re
import ssl
from pathlib import Path
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from colorizer.data.archive import ArchiveError
from colorizer.params import Archive

logger = logging.getLogger(__name__)

CHUNK = 1 << 20  # bytes
ATTEMPTS = 6  # without a single byte gained
TIMEOUT = (10, 60)  # seconds to connect, and between two reads
STRONG = re.compile(r'"[!#-~]*"')  # an ETag that promises the same bytes
ELSEWHERE = (
    "`make demo` needs no download; or point download.archives in params.yaml to a local copy"
)


class _InterruptedError(Exception):
    """The connection ended early; asking again may help."""


def download(archive: Archive, part: Path, bar: "tqdm[Any]") -> None:
    """Download an archive, or what a file lacks of it.

    The server's name for the file's state (ETag) is kept beside an unfinished one: of a file that
    has changed meanwhile, nothing is put behind the old one's bytes.

    Args:
        archive: its length is known.
        part: the file, perhaps unfinished.
        bar: shows the progress.

    Raises:
        ArchiveError: if the server does not have it, or does not end sending it.
    """
    if _size(part) > archive.bytes:  # of an archive that was longer
        part.unlink()
    bar.update(_size(part))
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5, max=30),
        retry=retry_if_exception_type(_InterruptedError),
        before_sleep=lambda state: logger.warning("%s: trying again", archive.name),
        reraise=True,
    )
    reached = _size(part)
    try:
        while reached < archive.bytes:  # an attempt that gained bytes starts the count afresh
            reached = retrying(_gain, archive, part, reached, bar)
    except _InterruptedError as error:
        raise ArchiveError(
            f"cannot download {archive.source}: {error}; {_size(part):,} of {archive.bytes:,} "
            f"bytes are kept in {part} and the next run goes on from there; {ELSEWHERE}"
        ) from error
    _etag_path(part).unlink(missing_ok=True)


def _gain(archive: Archive, part: Path, reached: int, bar: "tqdm[Any]") -> int:
    """Request the missing bytes once; return the part's new size, if it has grown."""
    reason = "the server sent nothing new"
    try:
        _append(archive, part, bar)
    except (requests.RequestException, HTTPError) as error:
        reason = _reason(error, archive)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ArchiveError(
            f"the disk is full: {part} holds {_size(part):,} of {archive.bytes:,} bytes: make room "
            "and run the same again, which goes on from there"
        ) from error
    if _size(part) <= reached:
        raise _InterruptedError(reason)
    if _size(part) < archive.bytes:
        logger.warning("%s: connection lost at %s bytes", archive.name, f"{_size(part):,}")
    return _size(part)


def _append(archive: Archive, part: Path, bar: "tqdm[Any]") -> None:
    start, known = _size(part), _read_etag(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    if start and known:
        headers["If-Range"] = known
    with requests.get(archive.source, headers=headers, stream=True, timeout=TIMEOUT) as response:
        resumed = _check_response(response, archive, start)
        etag = response.headers.get("ETag", "")
        if resumed and known and etag not in ("", known):
            part.unlink()
            raise requests.RequestException("the file has changed on the server")
        if not resumed:
            bar.reset()
            _etag_path(part).write_text(etag, encoding="utf-8")
        with part.open("ab" if resumed else "wb") as writer:
            # not iter_content or stream, which forget what they hold when a connection is lost
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                if writer.tell() + len(chunk) > archive.bytes:
                    raise _of_other_length(archive, f"over {archive.bytes:,}")
                writer.write(chunk)
                bar.update(len(chunk))


def _check_response(response: requests.Response, archive: Archive, start: int) -> bool:
    """Return whether the answer goes on from `start`; raise if it is not this archive."""
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        raise requests.HTTPError(f"HTTP {status} {response.reason}")
    if start and status == 416:
        raise _of_other_length(archive, f"at most {start:,}")
    if status not in (200, 206):
        raise ArchiveError(
            f"{archive.source}: HTTP {status} {response.reason}; "
            f"correct download.archives in params.yaml; {ELSEWHERE}"
        )
    content_range = response.headers.get("Content-Range", "")
    resumed = status == 206
    if resumed and not content_range.startswith(f"bytes {start}-"):
        raise requests.RequestException("the server sent another part than it was asked for")
    total = content_range.rpartition("/")[2] if resumed else response.headers.get("Content-Length")
    if total and total.isdigit() and int(total) != archive.bytes:
        raise _of_other_length(archive, f"{int(total):,}")
    return resumed


def _of_other_length(archive: Archive, found: str) -> ArchiveError:
    return ArchiveError(
        f"{archive.source} has {found} bytes, but params.yaml expects {archive.bytes:,}: if the "
        f"archive has changed, correct bytes and md5; {ELSEWHERE}"
    )


def _reason(error: Exception, archive: Archive) -> str:
    """Return the innermost cause of a connection error, which is the informative one.

    Raises:
        ArchiveError: if asking again would be in vain.
    """
    if isinstance(error, ValueError | requests.TooManyRedirects):  # of the address
        raise ArchiveError(
            f"{archive.source}: {error}; correct download.archives in params.yaml; {ELSEWHERE}"
        ) from error
    cause: BaseException = error
    while inner := getattr(cause, "reason", None) or (cause.args and cause.args[0]):
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise ArchiveError(
                f"{archive.source}: its certificate is not trusted ({cause.verify_message}): set "
                f"REQUESTS_CA_BUNDLE to a file with your network's; {ELSEWHERE}"
            ) from error
        if not isinstance(inner, BaseException):
            return str(inner)
        cause = inner
    return type(cause).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _etag_path(part: Path) -> Path:
    return part.with_suffix(".etag")


def _read_etag(part: Path) -> str:
    """Return what the server called the state of the file that a part is of; "" if it did not."""
    path = _etag_path(part)
    known = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return known if STRONG.fullmatch(known) else ""
