"""The service's requests."""

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from colorizer.apps.page_server import Handler
from colorizer.apps.serve.coloring import DONE, Answer
from colorizer.apps.serve.manual import BATCH, COLORIZE, write_manual
from colorizer.apps.serve.metrics import Metrics
from colorizer.apps.serve.requests import (
    Limits,
    Places,
    RefusedError,
    Sent,
    linger,
    read_options,
    read_photos,
)
from colorizer.errors import ColorizerError, one_line
from colorizer.inference.options import Options
from colorizer.version import __version__

RETRY = {"Retry-After": "1"}  # seconds

Wanted = Annotated[Options, Depends(read_options)]

Result = TypeVar("Result")


class Pool(Protocol):
    """What colors: `Workers`."""

    count: int
    ready: int

    async def color(self, data: bytes, options: Options, seconds: float) -> Answer:
        """Color a photograph's file, as `Workers.color`."""


def make_service(pool: Pool, limits: Limits, metrics: Metrics) -> FastAPI:
    """Return the service for `page_server.serve`, which decides who may ask it.

    Args:
        pool: what colors.
        limits: of what is taken.
        metrics: that are counted.
    """
    app = FastAPI(title="colorizer", version=__version__, docs_url=None, redoc_url=None)
    places = Places(pool.count + limits.queue)
    metrics.watch(places=lambda: places.taken, workers=lambda: pool.ready)
    _count_requests(app, metrics)
    _explain_refusals(app)
    _add_state(app, pool, metrics)

    async def color(photo: Sent, options: Options) -> Answer:
        photo.check()
        answer = await pool.color(photo.data, options, limits.seconds)
        metrics.photos.labels(answer.outcome or "failed").inc()
        if answer.status == DONE:
            metrics.work_seconds.observe(answer.seconds)
        return answer

    @app.post("/colorize", **COLORIZE)
    async def colorize(request: Request, options: Wanted) -> Response:
        """Color a photograph."""
        with places.take():
            photos = await read_photos(request, limits)
            if len(photos) > 1:
                raise RefusedError(422, f"{len(photos)} photographs: send them to /batch")
            answer = await color(photos[0], options)
        if answer.status != DONE:
            raise RefusedError(answer.status, answer.message)
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(_record(photos[0], answer))
        return Response(answer.data, media_type=answer.media_type, headers=_headers(answer))

    @app.post("/batch", **BATCH)
    async def batch(request: Request, options: Wanted) -> Response:
        """Color several photographs: for each a line of JSON, as soon as it is done, in order."""
        with places.take():
            photos = await read_photos(request, limits)
        turns = asyncio.Semaphore(pool.count)  # other requests come in between

        async def one(photo: Sent) -> dict[str, Any]:
            async with turns:
                try:
                    return _record(photo, await color(photo, options))
                except RefusedError as error:
                    return _record(photo, Answer(error.status, str(error)))

        async def lines() -> AsyncIterator[str]:
            with places.hold():
                async for record in _in_order((one(photo) for photo in photos), 2 * pool.count):
                    yield json.dumps(record) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app


def _add_state(app: FastAPI, pool: Pool, metrics: Metrics) -> None:
    """Add what those ask who look after the service."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the service answers."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> dict[str, int]:
        """Tell whether a worker has the model: status 503 if none has."""
        if not pool.ready:
            raise RefusedError(503, "no worker is ready: ask again in some seconds")
        return {"workers": pool.ready}

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    async def manual() -> Response:
        return Response(write_manual(app.openapi()), media_type="text/html")


def _count_requests(app: FastAPI, metrics: Metrics) -> None:
    @app.middleware("http")
    async def count(request: Request, answer: Handler) -> Response:
        started, status = time.perf_counter(), 500  # of whoever raises what nobody expects
        try:
            response = await answer(request)
            status = response.status_code
        finally:
            route = request.scope.get("route")
            path = getattr(route, "path", "other")  # never what was typed: labels are kept
            metrics.requests.labels(path, status).inc()
            metrics.request_seconds.labels(path).observe(time.perf_counter() - started)
        return response


def _explain_refusals(app: FastAPI) -> None:
    """Answer whatever is refused by `{"message": ...}`, one line."""

    @app.exception_handler(ColorizerError)
    async def refuse(request: Request, error: ColorizerError) -> Response:
        status = error.status if isinstance(error, RefusedError) else 422
        if status != 408:  # whose sender was waited for
            await linger(request)
        return JSONResponse({"message": str(error)}, status, RETRY if status in (429, 503) else {})

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: RequestValidationError) -> Response:
        await linger(request)
        said = (f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        return JSONResponse({"message": "; ".join(said)}, 422)

    @app.exception_handler(HTTPException)
    async def pass_on(_request: Request, error: HTTPException) -> Response:
        return JSONResponse({"message": error.detail}, error.status_code, error.headers)


async def _in_order(
    calls: Iterable[Coroutine[Any, Any, Result]], most: int
) -> AsyncIterator[Result]:
    """Yield what each call returns; of those that nobody has read at most so many are begun."""
    begun: deque[asyncio.Task[Result]] = deque()
    try:
        for call in calls:
            begun.append(asyncio.create_task(call))
            if len(begun) == most:
                yield await begun.popleft()
        while begun:
            yield await begun.popleft()
    finally:  # also if nobody reads on
        for task in begun:
            task.cancel()


def _record(photo: Sent, answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON: its result's file in base64."""
    return {
        "name": photo.name,
        "status": answer.status,
        "message": answer.message,
        "outcome": answer.outcome,
        "verdict": answer.verdict,
        "seconds": round(answer.seconds, 3),
        "media_type": answer.media_type,
        "image": base64.b64encode(answer.data).decode(),
    }


def _headers(answer: Answer) -> dict[str, str]:
    """Return what is said of a result as headers, which have to be short ASCII."""
    said = {"Outcome": answer.outcome, "Verdict": answer.verdict, "Message": answer.message}
    return {
        f"Colorizer-{key}": one_line(text).encode("ascii", "backslashreplace").decode()
        for key, text in said.items()
        if text
    }
