"""The requests that the page makes."""

import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from colorizer.apps.access import Access
from colorizer.apps.page_server import make_app, serve
from colorizer.apps.web.look import Look, Size
from colorizer.apps.web.photograph import Photograph
from colorizer.apps.web.session import OutdatedError, Session
from colorizer.apps.web.uploads import Uploads
from colorizer.inference.options import TONES, Restoration, Tone
from colorizer.photo.identify import HEAD, identify
from colorizer.photo.signatures import SUFFIXES

KEPT = {"Cache-Control": "private, max-age=86400"}  # addresses say all that a picture depends on
FRESH = {"Cache-Control": "no-store"}

Pixel = Annotated[int, Query(ge=0)]


def read_look(
    model: str,
    strength: Annotated[float, Query(ge=0, le=4)] = 1,
    tone: Tone = "remove",
    restore: Restoration = "",
    like: str = "",
) -> Look:
    """Return how a request wants photographs to be colored."""
    return Look(model, strength, tone, restore, like)


Wanted = Annotated[Look, Depends(read_look)]


def run(
    models: Sequence[str],
    access: Access,
    *,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the page, and delete the photographs' files at the end.

    Args:
        models: see `Session`.
        access: see `serve`.
        port: see `serve`.
        open_browser: see `serve`.
        say: see `serve`.

    Raises:
        ColorizerError: if a model is missing, or the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="colorizer-") as folder:
        app = make_web(Session(models, Path(folder)))
        serve(app, access, port=port, open_browser=open_browser, say=say)


def make_web(session: Session) -> FastAPI:
    """Return the application that shows a session."""
    app = make_app(files("colorizer.apps.web") / "static", max_bytes=None)  # `Uploads` has limits
    uploads = Uploads()
    app.exception_handler(OutdatedError)(_say_outdated)

    @app.get("/api/session")
    def show() -> dict[str, Any]:
        return {
            "models": [vars(choice) for choice in session.coloring.choices],
            "photos": [_describe(photo) for photo in session.photos.values()],
            "likes": list(session.coloring.likes),
            "suffixes": sorted(SUFFIXES),
            "head": HEAD,
        }

    _add_photos(app, session, uploads)
    _add_likes(app, session, uploads)
    _add_strokes(app, session, uploads)
    _add_downloads(app, session)
    return app


def _add_photos(app: FastAPI, session: Session, uploads: Uploads) -> None:
    """Add the requests that put photographs on the page, show them and remove them."""

    @app.post("/api/photos")
    async def add(request: Request, name: str) -> dict[str, Any]:
        async with uploads.read(request) as data:
            photos, reasons = await run_in_threadpool(session.add, name, data)
        return {"photos": [_describe(photo) for photo in photos], "reasons": reasons}

    @app.post("/api/kind")
    async def tell_kind(request: Request) -> dict[str, Any]:
        async with uploads.read(request) as data:
            kind = identify(data)
        return {"name": kind.name, "is_picture": kind.format is not None}

    @app.get("/api/photos/{photo_id}")
    def describe(photo_id: str) -> dict[str, Any]:
        return _describe(session.get(photo_id))

    @app.delete("/api/photos/{photo_id}")
    def remove(photo_id: str) -> None:
        session.remove(photo_id)

    @app.get("/api/photos/{photo_id}/before")
    def before(photo_id: str, size: Size = "preview", part: str = "") -> Response:
        return _picture(session.show(photo_id, size=size, part=part))

    @app.get("/api/photos/{photo_id}/after")
    def after(photo_id: str, look: Wanted, size: Size = "preview", part: str = "") -> Response:
        return _picture(session.show(photo_id, look, size=size, part=part))

    @app.get("/api/photos/{photo_id}/palette")
    def palette(photo_id: str, look: Wanted, x: Pixel, y: Pixel) -> list[str]:
        return session.palette(photo_id, look, x, y)

    @app.get("/api/photos/{photo_id}/confidence")
    def confidence(photo_id: str, look: Wanted) -> Response:
        return _picture(session.show_confidence(photo_id, look))

    @app.put("/api/photos/{photo_id}/forced")
    def force(photo_id: str, forced: bool) -> dict[str, Any]:
        return _describe(session.force(photo_id, forced))


def _add_likes(app: FastAPI, session: Session, uploads: Uploads) -> None:
    """Add the requests that take and show photographs that others shall look like."""

    @app.post("/api/likes")
    async def add_like(request: Request) -> dict[str, str]:
        async with uploads.read(request) as data:
            return {"id": await run_in_threadpool(session.coloring.add_like, data)}

    @app.get("/api/likes/{like_id}")
    def show_like(like_id: str) -> Response:
        return _picture(session.show_like(like_id))


def _add_strokes(app: FastAPI, session: Session, uploads: Uploads) -> None:
    """Add the requests that read, replace and remove a photograph's strokes."""

    @app.get("/api/photos/{photo_id}/strokes")
    def strokes(photo_id: str) -> Response:
        painted = session.get(photo_id).strokes
        if painted is None:
            return Response(status_code=204, headers=FRESH)
        return Response(painted, media_type="image/png", headers=FRESH)

    @app.put("/api/photos/{photo_id}/strokes")
    async def paint(photo_id: str, revision: int, request: Request) -> dict[str, Any]:
        async with uploads.read(request) as data:
            return _describe(await run_in_threadpool(session.paint, photo_id, data, revision))

    @app.delete("/api/photos/{photo_id}/strokes")
    def wipe(photo_id: str, revision: int) -> dict[str, Any]:
        return _describe(session.paint(photo_id, None, revision))


def _add_downloads(app: FastAPI, session: Session) -> None:
    """Add the requests for finished files, one or all."""

    @app.get("/api/photos/{photo_id}/file")
    def finish(photo_id: str, look: Wanted) -> Response:
        name, data = session.finish(photo_id, look)
        return Response(data, media_type="application/octet-stream", headers=_saved_as(name))

    @app.get("/api/archive")
    def finish_all(look: Wanted, count: int) -> StreamingResponse:
        parts = session.finish_all(look, count)
        headers = _saved_as("colorized.zip")
        return StreamingResponse(parts, media_type="application/zip", headers=headers)


async def _say_outdated(_request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 409)


def _describe(photo: Photograph) -> dict[str, Any]:
    return {
        "id": photo.id,
        "name": photo.name,
        "size": photo.size,
        "shown": photo.shown,
        "kind": photo.verdict.kind,
        "reason": photo.verdict.reason,
        "doubtful": photo.verdict.doubtful,
        "losses": photo.losses,
        "forced": photo.forced,
        "copied": {tone: photo.is_copied(tone) for tone in TONES},
        "painted": photo.hints is not None,
        "revision": photo.revision,
    }


def _picture(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers=KEPT)


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"} | FRESH
