"""What a request holds: photographs, and how they are to be colored; within limits."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from colorizer.apps.arriving import read_parts
from colorizer.errors import ColorizerError
from colorizer.inference.options import Options, Restoration, Tone
from colorizer.photo.identify import HEAD, identify
from colorizer.photo.photofile import FORMATS
from colorizer.photo.restoration import require_restoration

MEBI = 2**20

MAX_PHOTOS = 1000  # in a batch

LINGER = 5  # seconds that the rest of a refused request's body may take to arrive


class RefusedError(ColorizerError):
    """A request is not answered; one line says why.

    Args:
        status: of HTTP.
        message: the line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """What the service takes.

    Attributes:
        mebibytes: of a request's body.
        megapixels: of a photograph.
        queue: requests that may wait while others are answered.
        seconds: in which a request has to arrive, and then each photograph to be colored; at most
            half of them it waits for a worker.
    """

    mebibytes: float = 64
    megapixels: float = 64
    queue: int = 64
    seconds: float = 60


@dataclass(frozen=True)
class Sent:
    """A photograph's file.

    Attributes:
        name: that it was sent under; or "".
        data: its bytes.
    """

    name: str
    data: bytes

    def check(self) -> None:
        """Refuse what is no picture, so that no worker is asked.

        Raises:
            RefusedError: 415.
        """
        kind = identify(self.data[:HEAD])
        if kind.format is None:
            raise RefusedError(
                415, f"{kind.name}, no photograph: send an image file's bytes, or form field image"
            )


class Places:
    """Requests that are here at once, so that what they hold in memory is bounded.

    Args:
        count: of places.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            RefusedError: 429, if there is none.
        """
        if self.taken >= self.count:
            raise RefusedError(429, f"{self.taken} requests are here already: send it again later")
        with self.hold():
            yield

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a place even if there is none."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


def read_options(
    strength: Annotated[float, Query(ge=0, le=4, description="multiplies the colors")] = 1,
    format: Annotated[
        str, Query(description="of the result, such as png; by default the photograph's")
    ] = "",
    tone: Annotated[Tone, Query(description="keep copies toned prints unchanged")] = "remove",
    restore: Annotated[Restoration, Query(description="light mends a scan first")] = "",
    force: Annotated[bool, Query(description="also color what is in color")] = False,
    visible_mark: Annotated[bool, Query(description="write “colorized” into a corner")] = False,
) -> Options:
    """Return how a request wants photographs to be colored, as the options of `colorize`.

    Raises:
        RefusedError: 422, if the format is none that is written.
    """
    written = FORMATS.get(f".{format.lower()}")
    if format and not written:
        known = ", ".join(sorted({name.lower() for name in FORMATS.values()}))
        raise RefusedError(422, f"format is {format!r}: choose {known}")
    if restore:
        require_restoration()
    return Options(
        format=written,
        strength=strength,
        tone=tone,
        restore=restore,
        force=force,
        visible_mark=visible_mark,
    )


async def read_photos(request: Request, limits: Limits) -> list[Sent]:
    """Return what a request's body holds: an image file, or a form with fields `image`.

    Raises:
        RefusedError: 408 if it does not arrive in time, 413 if it is too large, 422 if it is a
            damaged form or one without `image`.
    """
    try:
        async with asyncio.timeout(limits.seconds):
            body = await _read(request, limits.mebibytes)
    except TimeoutError:
        raise RefusedError(408, f"the body did not arrive within {limits.seconds:g} s") from None
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _parse_form(request, body)
    return [Sent("", body)]


async def linger(request: Request) -> None:
    """Read what is still coming of a body, or its sender might not see why it was refused."""
    waits = request.headers.get("expect") == "100-continue"  # to be told before it sends
    if waits or getattr(request.state, "complete", False):
        return
    with suppress(Exception):  # it is gone, or the body was read
        async with asyncio.timeout(LINGER):
            async for _ in request.stream():
                pass


async def _read(request: Request, mebibytes: float) -> bytes:
    """Return a request's body.

    Raises:
        RefusedError: 413, if it is too large.
    """
    refusal = RefusedError(413, f"over {mebibytes:g} MiB: send less at once, or use `colorize`")
    body = b"".join([part async for part in read_parts(request, int(mebibytes * MEBI), refusal)])
    request.state.complete = True
    return body


async def _parse_form(request: Request, body: bytes) -> list[Sent]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=MAX_PHOTOS)
    parser.spool_max_size = 2**63  # no file of it on the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(422, f"no readable form: {error.message}") from None
    images = [file for file in form.getlist("image") if isinstance(file, UploadFile)]
    photos = [Sent(file.filename or "", await file.read()) for file in images]
    await form.close()
    if not photos:
        raise RefusedError(422, "no file in the form: send it as field image")
    return photos
