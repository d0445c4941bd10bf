"""What the page asks, and what it must not be told."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import uvicorn

from colorizer.apps.access import Access
from colorizer.apps.page_server import guard
from colorizer.apps.turing.database import Database
from colorizer.apps.turing.server import Study, make_study_app, open_study, run_study, served
from colorizer.errors import ColorizerError
from colorizer.photo.decode import decode


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """A browser without a page."""

    address: str
    study: Study

    def ask(self, path: str, given: object = None, method: str | None = None) -> Reply:
        data = None if given is None else json.dumps(given).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"})
        request.method = method or request.get_method()
        try:
            with urlopen(request, timeout=30) as response:
                return Reply(response.status, dict(response.headers), response.read())
        except HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def begin(self) -> str:
        reply = self.ask("/api/people", method="POST")
        assert reply.status == 201
        return str(reply.json["person"])

    def answer(self, person: str, number: int, side: str = "left", **changes: object) -> Reply:
        given = {"side": side, "layout": "beside", "seconds": 0.5, **changes}
        return self.ask(f"/api/people/{person}/answers/{number}", given)

    def finish(self, person: str, start: int = 1) -> None:
        for number in range(start, 23):
            assert self.answer(person, number).status == 200


@pytest.fixture
def client(study: Study) -> Iterator[Client]:
    app = make_study_app(study, chance=Random(7))
    guard(app, Access())
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Client(f"http://127.0.0.1:{listener.getsockname()[1]}", study)
        finally:
            server.should_exit = True
            thread.join()


def test_the_page_and_its_parts_are_served(client: Client) -> None:
    page = client.ask("/")
    assert page.status == 200
    for part in re.findall(rb'(?:href|src)="(/[^"]+)"', page.body):
        assert client.ask(part.decode()).status == 200, part
    assert b"<style" not in page.body
    assert not re.search(rb"<script(?![^>]*src=)|\son\w+=|style=", page.body)


def test_the_page_knows_the_protocol(client: Client) -> None:
    known = client.ask("/api/study").json
    shown = {"seconds": 1.0, "practice": 2, "pairs": 20, "size": 256}
    assert known == shown | {"id": client.study.database.id}


def test_nothing_is_stored_before_consent(client: Client) -> None:
    before = client.study.database.path.read_bytes()
    for path in ("/", "/api/study", "/static/turing.js", "/api/people/somebody"):
        client.ask(path)
    assert client.study.database.path.read_bytes() == before


def test_a_person_goes_all_the_way(client: Client) -> None:
    person = client.begin()
    for number in range(1, 23):
        assert client.ask(f"/api/people/{person}").json == {"person": person, "number": number}
        assert client.answer(person, number).json["number"] == number + 1
    assert client.ask(f"/api/people/{person}").json["number"] == 23
    assert client.answer(person, 23).status == 409
    assert [method for method in (1, 2) if client.study.database.answers(method)]


def test_only_practice_is_told_whether_it_was_right(client: Client) -> None:
    person = client.begin()
    for number in range(1, 23):
        trial = client.study.database.trial(person, number)
        assert trial is not None
        reply = client.answer(person, number, "left").json
        told = {"right": trial.fake == "left"} if number <= 2 else {}
        assert reply == {"number": number + 1, **told}


def test_nothing_before_the_answer_tells_which_is_the_fake(client: Client) -> None:
    person = client.begin()
    fakes = set()
    for number in range(1, 23):
        trial = client.study.database.trial(person, number)
        assert trial is not None
        fakes.add(trial.fake)
        path = f"/api/people/{person}/pictures/{number}"
        left, right = (client.ask(f"{path}/{side}") for side in ("left", "right"))
        assert left.status == right.status == 200
        assert left.body != right.body
        assert len(left.body) == len(right.body)
        ours = {"date"}
        assert {k: v for k, v in left.headers.items() if k not in ours} == {
            k: v for k, v in right.headers.items() if k not in ours
        }
        assert left.headers["cache-control"] == "no-store"
        assert left.headers["content-type"] == "image/png"
        assert decode(left.body).rgb.shape == (256, 256, 3)
        client.answer(person, number)
    assert fakes == {"left", "right"}


def test_pictures_are_those_of_this_pair_and_the_next(client: Client) -> None:
    person = client.begin()
    client.answer(person, 1)
    statuses = {
        number: client.ask(f"/api/people/{person}/pictures/{number}/left").status
        for number in (0, 1, 2, 3, 4, 22, 99)
    }
    assert statuses == {0: 404, 1: 404, 2: 200, 3: 200, 4: 404, 22: 404, 99: 404}


def test_an_answer_cannot_be_changed_nor_given_ahead(client: Client) -> None:
    person = client.begin()
    assert client.answer(person, 2).status == 409
    assert client.answer(person, 1, "left").status == 200
    again = client.answer(person, 1, "right")
    assert again.status == 409
    assert "right" not in again.json
    with closing(sqlite3.connect(client.study.database.path)) as connection:
        stored = connection.execute("SELECT number, answer FROM trials WHERE answer IS NOT NULL")
        assert stored.fetchall() == [(1, "left")]


@pytest.mark.parametrize(
    "change",
    [
        {"side": "middle"},
        {"layout": "upside down"},
        {"seconds": -1},
        {"seconds": "soon"},
        {"seconds": 1e9},
        {"name": "Phillip"},
    ],
)
def test_an_answer_that_is_none_is_refused(client: Client, change: dict[str, object]) -> None:
    person = client.begin()
    assert client.answer(person, 1, **change).status == 422  # type: ignore[arg-type]
    assert client.ask(f"/api/people/{person}").json["number"] == 1


def test_who_is_not_known_is_told_so(client: Client) -> None:
    for path in ("", "/pictures/1/left"):
        assert client.ask(f"/api/people/nobody{path}").status == 404
    assert client.answer("nobody", 1).status == 404


def test_another_site_s_page_stores_nothing(client: Client) -> None:
    request = Request(f"{client.address}/api/people", b"", {"Origin": "http://elsewhere.example"})
    with pytest.raises(HTTPError) as refused, urlopen(request, timeout=30):
        pass
    with refused.value:
        assert refused.value.code == 403


def test_people_are_shared_out_between_the_models(client: Client) -> None:
    people = [client.begin() for _ in range(6)]
    progress = [client.study.database.progress(person) for person in people]
    models = [known.method for known in progress if known]
    assert sorted(models) == [1, 1, 1, 2, 2, 2]


def test_a_study_goes_on_where_it_was(root: Path, photos: Path, tmp_path: Path) -> None:
    weights = root / "models" / "pretrained" / "colorizer.safetensors"
    path = tmp_path / "turing.db"

    def reopen(pairs: int = 20) -> Study:
        return open_study([str(weights)], photos, path, seconds=1.0, practice=2, pairs=pairs)

    assert [m.name for m in reopen().database.list_methods()] == ["colorizer"]
    assert reopen().database.list_methods() == Database(path).list_methods()
    database = reopen().database
    database.add_person([1], range(22), today=date(2016, 10, 8), chance=Random(7))
    with pytest.raises(ColorizerError, match="was begun with"):
        reopen(pairs=10)


def test_a_start_that_fails_leaves_no_study(photos: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"junk")
    path = tmp_path / "t.db"
    with pytest.raises(ColorizerError, match=r"broken\.safetensors"):
        open_study([str(broken)], photos, path, seconds=1.0, practice=2, pairs=20)
    assert not path.exists()


def test_a_study_is_served_once_at_a_time(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with (
        served(path),
        pytest.raises(ColorizerError, match="another `colorizer turing` serves this study"),
    ):
        run_study(
            ["colorizer"], photos, path, Access(), seconds=1.0, practice=2, pairs=20, port=0,
            open_browser=False, say=pytest.fail,
        )  # fmt: skip
    with served(path):
        pass
    with pytest.raises(ColorizerError, match="no such folder"), served(tmp_path / "a" / "t.db"):
        pass
    assert not (tmp_path / "a").exists()


def test_the_same_weights_under_two_names_are_refused(
    root: Path, photos: Path, tmp_path: Path
) -> None:
    weights = root / "models" / "pretrained" / "colorizer.safetensors"
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())
    models = [str(weights), str(copy)]
    with pytest.raises(ColorizerError, match="'colorizer' and 'copy' have the same weights"):
        open_study(models, photos, tmp_path / "t.db", seconds=1.0, practice=2, pairs=20)


def test_two_models_of_one_name_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match="another is called 'colorizer' already"):
        open_study(2 * ["colorizer"], photos, tmp_path / "t.db", seconds=1.0, practice=2, pairs=20)
