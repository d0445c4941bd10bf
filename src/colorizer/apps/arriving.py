"""What clients send and read, within limits: who is slow or silent holds no connection for long.

uvicorn waits without end for a request's head and body, and for a client that reads no answer.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 20
"""Seconds in which a request's head has to arrive, after the connection or the last answer."""

BODY, RATE = 60, 16 << 10
"""Seconds in which a body has to arrive, with one more for so many bytes of it.

An answer that waits for its client has to be read as fast.
"""


class TimedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1; it closes a connection by which no request comes or nothing is read."""

    _closing: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._close_unless_asked()

    def on_response_complete(self) -> None:
        """Wait for the next one, or for the rest of a body that was answered before its end."""
        super().on_response_complete()
        self._close_unless_asked()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        _cancel(self._closing)
        _cancel(self._reading)

    def pause_writing(self) -> None:
        """Wait for the client to read what it asked for."""
        super().pause_writing()
        self._abort_unless_read()

    def resume_writing(self) -> None:
        """Wait no longer, unless this is the end: what is left then has to be read, too."""
        super().resume_writing()
        if not self.transport.is_closing():
            _cancel(self._reading)

    def _close_unless_asked(self) -> None:
        _cancel(self._closing)
        self._closing = self.loop.call_later(HEAD, self._close_if_last, self.cycle)

    def _close_if_last(self, cycle: Any) -> None:
        if self.cycle is cycle:  # no request has come since
            self.transport.close()  # once all is read
            self._abort_unless_read()

    def _abort_unless_read(self) -> None:
        _cancel(self._reading)
        most = max(0, self.transport.get_write_buffer_size() - BODY * RATE)
        self._reading = self.loop.call_later(BODY, self._abort_if_more, most)

    def _abort_if_more(self, most: int) -> None:
        if self.transport.get_write_buffer_size() > most:
            self.transport.abort()
        else:
            self._abort_unless_read()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()


class BodyInTime:
    """An application for which whoever does not deliver a body in time has hung up.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        deadline = asyncio.get_running_loop().time() + BODY
        complete = scope["type"] != "http"

        async def receive_in_time() -> Message:
            nonlocal deadline, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                return {"type": "http.disconnect"}
            deadline += len(message.get("body", b"")) / RATE
            complete = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)


async def read_parts(request: Request, most: int, refusal: Exception) -> AsyncIterator[bytes]:
    """Yield a request's body in parts.

    Args:
        request: the request.
        most: bytes.
        refusal: raised if there are more: at once, if its head says so.
    """
    length, arrived = request.headers.get("content-length", ""), 0
    if length.isdecimal() and int(length) > most:
        raise refusal
    async for part in request.stream():
        arrived += len(part)
        if arrived > most:
            raise refusal
        yield part
