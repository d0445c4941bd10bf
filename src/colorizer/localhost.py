"""A page for the person at this machine: what `colorizer web` and `colorizer turing` share."""

import socket
import webbrowser
from collections.abc import Awaitable, Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from colorizer.errors import ColorizerError

ADDRESS = "127.0.0.1"
NAMES = [ADDRESS, "localhost"]
"""How a browser on this machine calls it; another name is another site's, turned to this one."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""With every answer: the page loads nothing from elsewhere, and no other page loads it."""

Handler = Callable[[Request], Awaitable[Response]]


def make_app(static: Path | Traversable) -> FastAPI:
    """Return an application that answers this machine's browser alone.

    A `ColorizerError` becomes an answer with status 400 and `{"message": ...}`.

    Args:
        static: folder with index.html, the page at `/`, and what it loads, at `/static/`.
    """
    folder = Path(str(static))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # those load scripts from a CDN
    app.mount("/static", StaticFiles(directory=folder))
    app.middleware("http")(_guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES)
    app.exception_handler(ColorizerError)(_say)

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})

    return app


def serve(app: FastAPI, *, port: int, open_browser: bool, say: Callable[[str], None]) -> None:
    """Serve a page on this machine until Ctrl+C.

    Args:
        app: from `make_app`.
        port: 0 for any that is free.
        open_browser: also show the page.
        say: is told the page's address, once it answers there.

    Raises:
        ColorizerError: if the port is taken.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            raise ColorizerError(f"port {port}: {error}: name another by --port") from None
        listener.listen()  # from here on a browser waits until it is answered
        address = f"http://{ADDRESS}:{listener.getsockname()[1]}"
        say(f"{address} (Ctrl+C ends it)")
        if open_browser:
            webbrowser.open(address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn has shut down and passes it on
            return


async def _guard(request: Request, answer: Handler) -> Response:
    """Refuse what another site's page asks for, and keep this page to itself."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return JSONResponse({"message": f"asked by {origin}"}, 403, HEADERS)
    response = await answer(request)
    response.headers.update(HEADERS)
    return response


async def _say(_request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)
