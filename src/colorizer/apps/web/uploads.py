"""Bodies that arrive for the page, of which memory holds so much at once."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request

from colorizer.apps.arriving import read_parts

MAX_BYTES = 1 << 30
"""Of a photograph's file."""

MAX_TOGETHER = 2 * MAX_BYTES
"""Of all that are arriving or being read."""


class Uploads:
    """What is here of all bodies at once."""

    def __init__(self) -> None:
        self._bytes = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Yield a request's body, and count it until it is no longer used.

        Raises:
            HTTPException: 413, if it is too large; 429, if all together are.
        """
        large = HTTPException(413, f"over {MAX_BYTES >> 20:,} MiB: use `colorize` for it")
        body = io.BytesIO()
        try:
            async for part in read_parts(request, MAX_BYTES, large):
                self._bytes += body.write(part)
                if self._bytes > MAX_TOGETHER:
                    raise HTTPException(429, "too many files arrive at once: add it again later")
            yield body.getvalue()
        finally:
            self._bytes -= body.tell()
