"""The service answers what `colorize` would write, or says in one line why it does not."""

import asyncio
import base64
import io
import json
import os
import re
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from PIL import Image
from starlette.formparsers import MultiPartParser

from app_server import answering
from colorizer.apps.access import Access
from colorizer.apps.page_server import guard
from colorizer.apps.serve import coloring
from colorizer.apps.serve.app import make_service
from colorizer.apps.serve.coloring import Answer
from colorizer.apps.serve.metrics import Metrics
from colorizer.apps.serve.requests import MEBI, Limits
from colorizer.apps.serve.run import OPEN
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import colorize_data
from colorizer.tracking.model_uri import find_weights

LIMITS = Limits(mebibytes=1, megapixels=1, queue=1, seconds=1)
BEARER = {"Authorization": "Bearer s3cret"}


def picture(mode: str = "L", format: str = "png", size: tuple[int, int] = (48, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, format)
    return buffer.getvalue()


def in_color() -> bytes:
    buffer = io.BytesIO()
    bands = (Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256), 9))
    Image.merge("RGB", bands).save(buffer, "webp", lossless=True)
    return buffer.getvalue()


GRAY = picture()


class Pool:
    """Colors in this process, while its gate is open."""

    count = 1
    ready = 1
    here = most = 0

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()

    async def color(self, data: bytes, options: Options, seconds: float) -> Answer:
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            await asyncio.to_thread(self.gate.wait)
            return await asyncio.to_thread(coloring.color, data, options, LIMITS.megapixels)
        finally:
            self.here -= 1


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    coloring.Model.colorizer = Colorizer.from_file(find_weights("shipped"))
    yield Pool()
    coloring.Model.colorizer = None


@pytest.fixture(scope="module")
def address(pool: Pool) -> Iterator[str]:
    app = make_service(pool, LIMITS, Metrics())
    guard(app, Access(token="s3cret"), OPEN)
    with answering(app) as address:
        yield address


@pytest.fixture(scope="module")
def session(address: str) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers.update(BEARER)
        yield session


def form(*photos: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{number}.png", photo)) for number, photo in enumerate(photos)]


def test_a_photograph_comes_back_as_colorize_would_write_it(
    address: str, session: requests.Session
) -> None:
    new = colorize_data(GRAY, coloring.Model.colorizer, Options())
    for sent in ({"data": GRAY}, {"files": form(GRAY)}):
        answer = session.post(f"{address}/colorize", **sent)
        assert (answer.status_code, answer.content) == (200, new.data)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Colorizer-Outcome"] == "colorized"
    asked = {"strength": 1.5, "format": "tiff", "visible_mark": True}
    answer = session.post(f"{address}/colorize", GRAY, params=asked)
    options = Options(strength=1.5, format="TIFF", visible_mark=True)
    assert answer.content == colorize_data(GRAY, coloring.Model.colorizer, options).data
    assert answer.headers["Content-Type"] == "image/tiff"


def test_what_colorize_says_comes_along(address: str, session: requests.Session) -> None:
    photo = in_color()
    answer = session.post(f"{address}/colorize", photo)
    assert (answer.content, answer.headers["Content-Type"]) == (photo, "image/webp")
    assert answer.headers["Colorizer-Outcome"] == "copied"
    assert "is in color" in answer.headers["Colorizer-Message"]
    answer = session.post(f"{address}/colorize", photo, headers={"Accept": "application/json"})
    record = answer.json()
    assert base64.b64decode(record["image"]) == photo
    assert (record["verdict"], "is in color" in record["message"]) == ("color", True)
    forced = session.post(f"{address}/colorize?force=true", photo)
    assert forced.headers["Colorizer-Outcome"] == "colorized"


@pytest.mark.parametrize(
    ("path", "body", "status", "line"),
    [
        ("colorize", bytes(MEBI + 1), 413, "over 1 MiB: send less at once"),
        ("colorize", picture(size=(1200, 1000)), 413, "1 megapixels: at most 1"),
        ("colorize", b"Dear Anna,", 415, "a text, no photograph"),
        ("colorize", b"", 415, "empty, no photograph"),
        ("colorize", GRAY[:60], 422, "no readable image"),
        ("colorize?strength=nan", GRAY, 422, "strength: Input should be"),
        ("colorize?tone=blue", GRAY, 422, "tone: Input should be 'remove' or 'keep'"),
        ("colorize?format=gif", GRAY, 422, "format is 'gif': choose avif, bmp"),
        ("nothing", GRAY, 404, "Not Found"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_what_cannot_be_answered_gets_a_status_and_a_line(
    address: str, session: requests.Session, path: str, body: bytes, status: int, line: str
) -> None:
    answer = session.post(f"{address}/{path}", body)
    message = answer.json()["message"]
    assert (answer.status_code, line in message, "\n" in message) == (status, True, False)


def test_forms_that_hold_no_photograph_or_several_are_refused(
    address: str, session: requests.Session
) -> None:
    url = f"{address}/colorize"
    for sent, line in (
        ({"files": form(GRAY, GRAY)}, "2 photographs: send them to /batch"),
        ({"files": {"photo": GRAY}}, "send it as field image"),
        ({"data": GRAY, "headers": {"Content-Type": "multipart/form-data"}}, "no readable form"),
        ({"files": form(*[b"x"] * 1001)}, "Maximum number of files is 1000"),
    ):
        answer = session.post(url, **sent)
        assert (answer.status_code, line in answer.json()["message"]) == (422, True)


def test_a_batch_has_a_record_for_each_in_order(
    address: str, session: requests.Session, pool: Pool
) -> None:
    pool.most = 0
    answer = session.post(f"{address}/batch", files=form(GRAY, b"text", GRAY[:60], in_color()))
    records = [json.loads(line) for line in answer.iter_lines()]
    assert [record["name"] for record in records] == ["0.png", "1.png", "2.png", "3.png"]
    assert [record["status"] for record in records] == [200, 415, 422, 200]
    assert pool.most == pool.count  # other requests come in between
    alone = session.post(f"{address}/colorize", GRAY)
    assert base64.b64decode(records[0]["image"]) == alone.content
    assert "no photograph" in records[1]["message"]


def test_no_more_of_a_batch_is_colored_than_somebody_reads(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def color(*_: object) -> Answer:
        begun.append(None)
        return Answer(200, "", bytes(8 * MEBI), "image/png")  # more than the system holds

    monkeypatch.setattr(coloring, "color", color)
    body = {"files": form(*[GRAY] * 20), "headers": BEARER}
    with requests.post(f"{address}/batch", stream=True, **body) as answer:
        read = answer.iter_lines(chunk_size=MEBI)
        next(read)
        time.sleep(1)
        assert len(begun) < 10
        assert (sum(1 for _ in read), len(begun)) == (19, 20)


def test_who_finds_the_queue_full_may_come_again(
    address: str, session: requests.Session, pool: Pool
) -> None:
    pool.gate.clear()
    with ThreadPoolExecutor(4) as clients:
        url = f"{address}/colorize"
        asked = [clients.submit(requests.post, url, GRAY, headers=BEARER) for _ in range(4)]
        while sum(one.done() for one in asked) < 2:
            time.sleep(0.01)
        refused = [one.result() for one in asked if one.done()]
        pool.gate.set()
    assert sorted(one.result().status_code for one in asked) == [200, 200, 429, 429]
    assert all("send it again later" in one.json()["message"] for one in refused)
    assert all(int(one.headers["Retry-After"]) for one in refused)
    assert session.post(url, GRAY).status_code == 200


def test_a_body_that_does_not_come_or_never_ends_holds_nobody(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /colorize HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(f"{head}Content-Length: 99\r\n\r\n".encode() + b"slow")
        said = client.recv(4096)
        assert b" 408 " in said.split(b"\r\n")[0]
    endless = (bytes(MEBI // 2) for _ in range(5))
    answer = requests.post(f"{address}/colorize", endless, headers=BEARER)
    assert (answer.status_code, "over 1 MiB" in answer.json()["message"]) == (413, True)


def test_who_looks_after_the_service_needs_no_token(address: str, pool: Pool) -> None:
    assert requests.get(f"{address}/health").json() == {"status": "ok"}
    assert requests.get(f"{address}/ready").json() == {"workers": 1}
    pool.ready = 0
    refused = requests.get(f"{address}/ready")
    pool.ready = 1
    assert (refused.status_code, "ask again" in refused.json()["message"]) == (503, True)
    for path in ("metrics", "docs", "openapi.json", "colorize"):
        assert requests.get(f"{address}/{path}").status_code == 401
    assert requests.get(f"{address}/health", headers={"Host": "evil.example"}).status_code == 400


def test_a_body_that_is_too_large_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.apps.serve.requests.LINGER", 0.1)
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /colorize HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(f"{head}Content-Length: {2 * MEBI}\r\n\r\n".encode() + b"the first of it")
        assert b" 413 " in client.recv(4096).split(b"\r\n")[0]


def test_no_photograph_of_a_form_lies_on_the_disk(
    address: str, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)  # beyond it Starlette uses the disk
    monkeypatch.delattr(tempfile.SpooledTemporaryFile, "rollover")
    assert session.post(f"{address}/colorize", files=form(GRAY)).status_code == 200


def test_a_worker_loads_the_model_with_its_threads_and_hears_no_signal_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(signal, "signal", lambda *what: heard.append(what))
    for name in ("LOKY_MAX_CPU_COUNT", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    assert "no readable weights file" in coloring.begin(Path("gone.safetensors"), "cpu", 3)
    assert heard == [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_IGN)]
    assert os.environ["LOKY_MAX_CPU_COUNT"] == os.environ["OMP_NUM_THREADS"] == "3"


def test_what_is_said_of_many_pages_fits_into_a_header(
    address: str, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "page 1 is\nin color…; " * 9000
    monkeypatch.setattr(coloring, "color", lambda *_: Answer(200, said, GRAY, "image/tiff"))
    header = session.post(f"{address}/colorize", GRAY).headers["Colorizer-Message"]
    assert header.startswith("page 1 is in color\\u2026; page")
    assert len(header) < 1500
    record = session.post(f"{address}/colorize", GRAY, headers={"Accept": "application/json"})
    assert record.json()["message"] == said


def test_a_batch_that_nobody_waits_for_is_not_colored(
    address: str, session: requests.Session, pool: Pool
) -> None:
    colored = 'colorizer_photos_total{outcome="colorized"}'
    before = counted(address, colored)
    pool.gate.clear()
    asked = {"files": form(GRAY, GRAY, GRAY), "headers": BEARER, "stream": True, "timeout": 20}
    try:
        with requests.post(f"{address}/batch", **asked):
            assert counted(address, "colorizer_requests_here") == 1
        while counted(address, "colorizer_requests_here"):
            time.sleep(0.01)
    finally:
        pool.gate.set()
    assert session.post(f"{address}/colorize", GRAY).status_code == 200
    assert counted(address, colored) == before + 1


def counted(address: str, line: str) -> float:
    text = requests.get(f"{address}/metrics", headers=BEARER).text
    found = re.search(rf"^{re.escape(line)} (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_a_fault_of_the_service_s_own_is_counted(
    address: str, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Answer:
        raise ZeroDivisionError

    monkeypatch.setattr(coloring, "color", fail)
    assert session.post(f"{address}/colorize", GRAY).status_code == 500
    assert counted(address, 'colorizer_requests_total{path="/colorize",status="500"}') == 1
    assert counted(address, "colorizer_requests_here") == 0


def test_prometheus_learns_of_each_request(address: str, session: requests.Session) -> None:
    lines = (
        'colorizer_requests_total{path="/colorize",status="200"}',
        'colorizer_photos_total{outcome="colorized"}',
        "colorizer_work_seconds_count",
        'colorizer_requests_total{path="other",status="404"}',
    )
    before = [counted(address, line) for line in lines]
    session.post(f"{address}/colorize", GRAY)
    session.get(f"{address}/whatever/was/typed")
    assert [counted(address, line) for line in lines] == [number + 1 for number in before]
    assert counted(address, "colorizer_workers_ready") == 1
    assert counted(address, "colorizer_requests_here") == 0


def test_the_manual_says_what_openapi_says_and_runs_no_script(
    address: str, session: requests.Session
) -> None:
    schema = session.get(f"{address}/openapi.json").json()
    assert set(schema["paths"]) == {"/colorize", "/batch", "/health", "/ready"}
    body = schema["paths"]["/colorize"]["post"]["requestBody"]["content"]
    assert set(body) == {"image/*", "multipart/form-data"}
    manual = session.get(f"{address}/docs").text
    assert all(path in manual for path in schema["paths"])
    parameters = schema["paths"]["/colorize"]["post"]["parameters"]
    assert all(f"?{one['name']}" in manual for one in parameters)
    assert "<script" not in manual
    assert "http" not in manual
