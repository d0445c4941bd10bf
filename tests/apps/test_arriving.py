"""Who sends slowly or too much, or reads no answer, holds neither a connection nor the memory."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from app_server import answering
from colorizer.apps import arriving, page_server
from colorizer.apps.access import Access
from colorizer.apps.web import uploads
from colorizer.apps.web.uploads import Uploads

SECONDS = 0.5  # that heads and bodies may take here
LARGE = 30 << 20  # bytes of an answer, far more than the system takes for a client
HEAD = b"POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def make_app(static: Path) -> FastAPI:
    """Return an application that counts what it is sent."""
    app, here = page_server.make_app(static, max_bytes=None), Uploads()

    @app.post("/count")
    async def count(request: Request) -> int:
        async with here.read(request) as data:
            return len(data)

    @app.get("/late")
    def late() -> str:
        time.sleep(2 * SECONDS)
        return "late"

    @app.get("/whole")
    def whole() -> Response:
        return Response(bytes(LARGE))

    @app.get("/parts")
    def parts() -> StreamingResponse:
        return StreamingResponse(bytes(1 << 20) for _ in range(LARGE >> 20))

    page_server.guard(app, Access())
    return app


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    static = tmp_path_factory.mktemp("static")
    (static / "index.html").write_text("a page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arriving, "HEAD", SECONDS)
        patch.setattr(arriving, "BODY", SECONDS)
        patch.setattr(arriving, "RATE", 50)
        patch.setattr(page_server, "CONNECTIONS", 8)
        patch.setattr(uploads, "MAX_BYTES", 1000)
        patch.setattr(uploads, "MAX_TOGETHER", 1500)
        with answering(make_app(static), page_server.configure) as address:
            yield address


def connect(address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=30)


def trickle(client: socket.socket, data: bytes) -> bytes:
    """Send a byte now and then until the server closes; return what it answered."""
    client.settimeout(SECONDS / 10)
    said, started = b"", time.monotonic()
    for byte in data:
        assert time.monotonic() - started < 30
        try:
            client.sendall(bytes([byte]))
            part = client.recv(1000)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not part:
            return said
        said += part
    pytest.fail("it never closed")


@pytest.mark.parametrize(
    ("first", "rest", "answer"),
    [
        (b"", b"", b""),
        (b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 500, b""),
        (HEAD + b"Content-Length: 999\r\n\r\n", b"x" * 500, b" 408 "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nabcde\r\n" * 50, b" 408 "),
        (HEAD.replace(b"count", b"no") + b"Content-Length: 999\r\n\r\n", b"x" * 500, b" 404 "),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET" + b" " * 500, b" 200 "),
    ],
    ids=["silent", "head", "body", "chunks", "a body that nobody reads", "the next head"],
)
def test_a_trickle_is_cut_off(address: str, first: bytes, rest: bytes, answer: bytes) -> None:
    with connect(address) as client:
        client.sendall(first)
        if not rest:
            assert client.recv(1000) == b""
            return
        said = trickle(client, rest)
        assert answer in said.split(b"\r\n")[0] + b" "
        assert bool(said) == bool(answer)


def test_what_is_slow_but_comes_is_answered(address: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(8):
            time.sleep(SECONDS / 4)
            yield bytes(50)

    assert requests.post(f"{address}/count", parts(), timeout=30).json() == 400
    assert requests.get(f"{address}/late", timeout=30).json() == "late"


def test_silent_clients_take_all_places_for_some_seconds_at_most(address: str) -> None:
    silent = [connect(address) for _ in range(8)]
    assert requests.get(address, timeout=30).status_code == 503
    assert [client.recv(1) for client in silent] == [b""] * 8
    assert requests.get(address, timeout=30).status_code == 200
    for client in silent:
        client.close()


@pytest.mark.parametrize("path", ["whole", "parts"])
def test_who_reads_no_answer_is_cut_off(address: str, path: str) -> None:
    deaf = []
    for _ in range(7):
        client = connect(address)
        client.sendall(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        deaf.append(client)
    deadline = time.monotonic() + 30
    while requests.get(address, timeout=30).status_code == 503:  # as eight are all that may come
        assert time.monotonic() < deadline
        time.sleep(SECONDS / 5)
    for client in deaf:
        client.close()


@pytest.mark.parametrize("path", ["whole", "parts"])
def test_who_reads_slowly_gets_all(address: str, path: str) -> None:
    with requests.get(f"{address}/{path}", stream=True, timeout=30) as answer:
        read = 0
        for part in answer.iter_content(LARGE // 10):
            time.sleep(SECONDS / 5)  # ten times: longer than it may wait
            read += len(part)
    assert read == LARGE


@pytest.mark.parametrize("length_is_said", [True, False])
def test_too_large_a_body_is_refused(address: str, length_is_said: bool) -> None:
    body = bytes(1001)
    sent = body if length_is_said else iter([body])
    answer = requests.post(f"{address}/count", sent, timeout=30)
    assert answer.status_code == 413
    assert answer.json() == {"message": "over 0 MiB: use `colorize` for it"}
    assert requests.post(f"{address}/count", bytes(1000), timeout=30).json() == 1000


def test_bodies_that_are_too_large_together_are_asked_for_again(address: str) -> None:
    def slowly() -> Iterator[bytes]:
        yield bytes(900)
        time.sleep(2 * SECONDS)
        yield bytes(50)

    with ThreadPoolExecutor(3) as clients:
        asked = [
            clients.submit(requests.post, f"{address}/count", slowly(), timeout=30)
            for _ in range(3)
        ]
    answers = [one.result() for one in asked]
    assert sorted(one.status_code for one in answers) == [200, 429, 429]
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.json() == {"message": "too many files arrive at once: add it again later"}
    assert requests.post(f"{address}/count", bytes(1000), timeout=30).json() == 1000


def test_who_hangs_up_leaves_no_trace(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    with connect(address) as client:
        client.sendall(HEAD + b"Content-Length: 999\r\n\r\nx")
    assert requests.get(address, timeout=30).status_code == 200
    assert "Traceback" not in "".join(capfd.readouterr())
