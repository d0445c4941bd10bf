"""The server that `colorizer web`, `turing` and `serve` share: it answers those who may ask."""

import logging
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Collection
from importlib.resources.abc import Traversable
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from colorizer.apps.access import Access
from colorizer.apps.arriving import BodyInTime, TimedProtocol
from colorizer.errors import ColorizerError

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

PATIENCE = 3  # seconds that a page's requests under way get at shutdown
CONNECTIONS = 200  # at once; more are answered 503

Handler = Callable[[Request], Awaitable[Response]]


def make_app(static: Path | Traversable, *, max_bytes: int | None = 1 << 20) -> FastAPI:
    """Return an application for `serve`, which decides who may ask it.

    A `ColorizerError` becomes a response with status 400 and `{"message": ...}`.

    Args:
        static: folder with index.html, served at `/`, and the files it loads, at `/static/`.
        max_bytes: of a request's body; None if the requests themselves limit it.
    """
    folder = Path(str(static))
    app = FastAPI(
        docs_url=None,  # which loads scripts from a CDN, as the next one
        redoc_url=None,
        openapi_url=None,
        max_body_size=max_bytes,
    )
    app.mount("/static", StaticFiles(directory=folder))
    app.exception_handler(ColorizerError)(_say)

    @app.exception_handler(HTTPException)
    async def explain(_request: Request, error: HTTPException) -> Response:
        return JSONResponse({"message": error.detail}, error.status_code, error.headers)

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(folder / "index.html")

    return app


def serve(
    app: FastAPI,
    access: Access,
    *,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
    public: Collection[str] = (),
    patience: int = PATIENCE,
) -> None:
    """Serve a page until Ctrl+C, SIGTERM, or the terminal closes.

    Args:
        app: from `make_app`.
        access: where it is served, and who may ask.
        port: 0 takes any free one.
        open_browser: open the page in a browser.
        say: called with the page's address once the page answers.
        public: paths that are answered without a token.
        patience: seconds that requests under way get at shutdown.

    Raises:
        ColorizerError: if the port is taken, or the address is another machine's.
        SystemExit: after SIGTERM or when the terminal closes, so that the caller can clean up.
    """
    guard(app, access, public)
    family = socket.AF_INET6 if ":" in access.address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((access.address, port))
        except (OSError, OverflowError) as error:
            raise ColorizerError(f"port {port}: {error}: name another with --port") from None
        listener.listen()  # from here on a browser waits until it is answered
        host = f"[{access.address}]" if ":" in access.address else access.address
        address = f"http://{host}:{listener.getsockname()[1]}"
        if access.token:
            address += f"/?token={access.token}"
        say(f"{address} (Ctrl+C ends it)")
        if open_browser:
            webbrowser.open(address)
        _run_until_ended(uvicorn.Server(configure(app, patience)), listener)


def configure(app: FastAPI, patience: int = PATIENCE) -> uvicorn.Config:
    """Return uvicorn's configuration: what clients may do bounds what they hold."""
    return uvicorn.Config(
        app,
        http=TimedProtocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=patience,
        limit_concurrency=CONNECTIONS,
    )


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


def guard(app: FastAPI, access: Access, public: Collection[str] = ()) -> None:
    """Let an application refuse those who may not ask, and add `HEADERS` to every response.

    Args:
        app: the application.
        access: who may ask.
        public: paths that are answered without a token.
    """

    @app.middleware("http")
    async def check(request: Request, answer: Handler) -> Response:
        refusal = _refuse_site(request, access)
        if not refusal and request.url.path not in public:
            refusal = _ask_for_token(request, access)
        response = refusal or await answer(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

    app.add_middleware(BodyInTime)
    app.exception_handler(ClientDisconnect)(_say_late)


def _refuse_site(request: Request, access: Access) -> Response | None:
    """Return a refusal for a request under another name, or from another site's page."""
    host = request.headers.get("host", "")
    if _hostname(host) not in access.names:
        message = f"this page is not called {host}: start it with --allow-host to name it so"
        return JSONResponse({"message": message}, 400)
    origin = request.headers.get("origin")
    schemes = ("http", "https") if access.proxied else ("http",)
    if origin is None or origin in {f"{scheme}://{host}" for scheme in schemes}:
        return None
    return JSONResponse({"message": f"asked by {origin}"}, 403)


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # such as [x
        return None


def _ask_for_token(request: Request, access: Access) -> Response | None:
    """Return a refusal for a request without the token; a link with it leaves a cookie.

    Later requests of the page show the cookie, and programs `Authorization: Bearer TOKEN`.
    """
    if not access.token:
        return None
    cookie = f"colorizer_{request.url.port or 80}"  # cookies do not tell ports apart
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if _is_token(bearer, access) or _is_token(request.cookies.get(cookie, ""), access):
        return None
    if not _is_token(request.query_params.get("token", ""), access):
        message = (
            "no token: open the address that the terminal shows, with its ?token=, or send "
            "Authorization: Bearer and the token"
        )
        return JSONResponse({"message": message}, 401)
    response = RedirectResponse(request.url.path, 303)  # so that no later request shows it
    response.set_cookie(cookie, access.token, httponly=True, samesite="lax")
    return response


def _is_token(shown: str, access: Access) -> bool:
    return secrets.compare_digest(shown.encode(), access.token.encode())


async def _say_late(_request: Request, _error: Exception) -> Response:
    """Answer whose body did not arrive; if it has hung up, nobody reads this."""
    return JSONResponse({"message": "the body did not arrive in time: send it again"}, 408)


async def _say(_request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)
