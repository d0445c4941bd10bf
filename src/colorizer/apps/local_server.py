"""The local server that `colorizer web` and `colorizer turing` share."""

import logging
import signal
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from colorizer.errors import ColorizerError

ADDRESS = "127.0.0.1"
NAMES = [ADDRESS, "localhost"]
"""Allowed host names. Any other is another site's name that was pointed at this machine."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every response: the page loads nothing from elsewhere, and no other page embeds it."""

PATIENCE = 3  # seconds that requests under way get at shutdown

Handler = Callable[[Request], Awaitable[Response]]


def make_app(static: Path | Traversable) -> FastAPI:
    """Return an application that answers browsers on this machine only.

    A `ColorizerError` becomes a response with status 400 and `{"message": ...}`.

    Args:
        static: folder with index.html, served at `/`, and the files it loads, at `/static/`.
    """
    folder = Path(str(static))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # those load scripts from a CDN
    app.mount("/static", StaticFiles(directory=folder))
    app.middleware("http")(_guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES)
    app.exception_handler(ColorizerError)(_say)

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(folder / "index.html")

    return app


def serve(app: FastAPI, *, port: int, open_browser: bool, say: Callable[[str], None]) -> None:
    """Serve a page on this machine until Ctrl+C, SIGTERM, or the terminal closes.

    Args:
        app: from `make_app`.
        port: 0 takes any free one.
        open_browser: open the page in a browser.
        say: called with the page's address once the page answers.

    Raises:
        ColorizerError: if the port is taken.
        SystemExit: after SIGTERM or when the terminal closes, so that the caller can clean up.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            raise ColorizerError(f"port {port}: {error}: name another with --port") from None
        listener.listen()  # from here on a browser waits until it is answered
        address = f"http://{ADDRESS}:{listener.getsockname()[1]}"
        say(f"{address} (Ctrl+C ends it)")
        if open_browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE
        )
        _run_until_ended(uvicorn.Server(config), listener)


def _run_until_ended(server: uvicorn.Server, listener: socket.socket) -> None:
    """Run a server. SIGTERM and a closed terminal shut it down as Ctrl+C does."""
    ended: list[int] = []

    def is_news(_record: logging.LogRecord) -> bool:
        return not server.should_exit  # else it is about a request that the shutdown cut off

    def end(number: int, _frame: FrameType | None) -> None:
        server.should_exit = True
        ended.append(number)

    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.getsignal(number) for number in signals}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as under nohup
            signal.signal(number, end)
    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_news)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has shut down and passes it on
        return
    finally:
        log.removeFilter(is_news)
        for number, handler in before.items():
            signal.signal(number, handler)
    if ended:
        sys.exit(128 + ended[0])


async def _guard(request: Request, answer: Handler) -> Response:
    """Refuse requests from other sites' pages, and add `HEADERS` to every response."""
    origin, host = request.headers.get("origin"), request.headers.get("host")
    if origin not in (None, f"http://{host}"):
        return JSONResponse({"message": f"asked by {origin}"}, 403, HEADERS)
    response = await answer(request)
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


async def _say(_request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)
