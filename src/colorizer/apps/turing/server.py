"""The study as a page on this machine."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field

from colorizer.apps.access import Access
from colorizer.apps.page_server import make_app, serve
from colorizer.apps.turing.database import Database
from colorizer.apps.turing.pictures import SIZE, Pictures, digest_of, find_color_photos
from colorizer.apps.turing.trials import Layout, Progress, Protocol, Side
from colorizer.errors import ColorizerError, UsageError
from colorizer.inference.colorizer import Colorizer
from colorizer.tracking.model_uri import find_named

logger = logging.getLogger(__name__)

DAY = 86_400  # seconds


class Given(BaseModel):
    """An answer in the form that the page sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Side
    layout: Layout
    seconds: float = Field(ge=0, le=DAY)


@dataclass(frozen=True)
class Study:
    """A study that is ready to be served.

    Attributes:
        database: the planned pairs and the answers.
        pictures: of the pairs.
    """

    database: Database
    pictures: Pictures


def run_study(
    models: Sequence[str],
    folder: Path,
    path: Path,
    access: Access,
    *,
    seconds: float,
    practice: int,
    pairs: int,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the study until Ctrl+C.

    Args:
        models: names, for `colorizer.tracking.model_uri.find_named`.
        folder: of photographs.
        path: the study's database; created if it is missing.
        access: see `serve`.
        seconds: how long a pair is shown.
        practice: pairs with feedback.
        pairs: pairs that count.
        port: see `serve`.
        open_browser: see `serve`.
        say: see `serve`.

    Raises:
        ColorizerError: if a model is missing or the photographs are too few, the database belongs
            to another study or is served already, or the port is taken.
    """
    with served(path):
        study = open_study(models, folder, path, seconds=seconds, practice=practice, pairs=pairs)
        serve(make_study_app(study), access, port=port, open_browser=open_browser, say=say)


@contextmanager
def served(path: Path) -> Iterator[None]:
    """Lock a study's database while this program serves it.

    Raises:
        ColorizerError: if another program serves it.
    """
    if not path.parent.is_dir():  # which the lock would make
        raise UsageError(f"{path}: no such folder: name another database with --db")
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ColorizerError(
            f"{path}: another `colorizer turing` serves this study: end it, or name another --db"
        ) from None
    except OSError as error:
        raise ColorizerError(f"{path}: {error.strerror}: name another database with --db") from None
    try:
        yield
    finally:
        lock.release()


def open_study(
    models: Sequence[str], folder: Path, path: Path, *, seconds: float, practice: int, pairs: int
) -> Study:
    """Prepare a study. Arguments and errors are those of `run_study`."""
    weights = find_named(models)
    digests = {name: _sha256(file) for name, file in weights.items()}
    for name, digest in digests.items():
        if (same := next(other for other in digests if digests[other] == digest)) != name:
            raise UsageError(f"{same!r} and {name!r} have the same weights: name one of them")
    loaded = {
        name: Colorizer.from_file(file, precision="float32") for name, file in weights.items()
    }
    photos = find_color_photos(folder, needed=practice + pairs)
    database = Database.create(path, Protocol(seconds, practice, pairs, digest_of(photos)))
    colorizers = {
        database.add_method(name, digests[name]).id: colorizer for name, colorizer in loaded.items()
    }
    logger.info("%d photographs in color, %s", len(photos), ", ".join(weights))
    return Study(database, Pictures(folder, photos, colorizers))


def make_study_app(study: Study, *, chance: Random | None = None) -> FastAPI:
    """Return the page and its requests. Before the answer, none reveals the fake.

    Args:
        study: what to serve.
        chance: draws people's ids, seeds and models; by default the system's randomness.
    """
    app = make_app(Path(str(files(__package__) / "static")))
    database, pictures = study.database, study.pictures
    chance = chance or SystemRandom()

    @app.get("/api/study")
    def protocol() -> dict[str, Any]:
        known = database.protocol
        shown = {"seconds": known.seconds, "practice": known.practice, "pairs": known.pairs}
        return shown | {"id": database.id, "size": SIZE}

    @app.post("/api/people", status_code=201)
    def begin() -> dict[str, Any]:
        methods, photos = list(pictures.colorizers), list(pictures.photos)
        person = database.add_person(methods, photos, today=date.today(), chance=chance)
        return {"person": person, "number": 1}

    @app.get("/api/people/{person}")
    def resume(person: str) -> dict[str, Any]:
        return {"person": person, "number": _progress(database, person).number}

    @app.get("/api/people/{person}/pictures/{number}/{side}")
    def picture(person: str, number: int, side: Side) -> Response:
        now = _progress(database, person)
        trial = database.trial(person, number)
        if trial is None or not now.number <= number <= now.number + 1:
            raise HTTPException(404, "not this person's pair, nor the one after it")
        data = pictures.png(now.method, trial, side)
        return Response(data, media_type="image/png", headers={"Cache-Control": "no-store"})

    @app.post("/api/people/{person}/answers/{number}")
    def answer(person: str, number: int, given: Given) -> dict[str, Any]:
        _progress(database, person)
        trial = database.trial(person, number)
        if trial is None or not database.answer(person, number, **given.model_dump()):
            raise HTTPException(409, "answered already, or another pair is next")
        feedback = {"right": given.side == trial.fake} if trial.kind == "practice" else {}
        return {"number": number + 1, **feedback}

    return app


def _progress(database: Database, person: str) -> Progress:
    progress = database.progress(person)
    if progress is None:
        raise HTTPException(404, "nobody of this id takes part")
    return progress


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
