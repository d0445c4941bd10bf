"""What both pages share: they answer those who may ask, by default this machine's browser alone."""

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
from fastapi import FastAPI
from PIL import Image

from colorizer.apps import page_server
from colorizer.apps.access import Access
from colorizer.errors import ColorizerError, UsageError

WEIGHTS = Path(__file__).parents[2] / "models" / "pretrained" / "colorizer.safetensors"


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return serve("web", "--model", WEIGHTS, cwd=tmp_path_factory.mktemp("nowhere"))


def test_it_answers_on_this_machine_s_address_alone(address: str) -> None:
    assert address.startswith("http://127.0.0.1:")
    assert requests.get(address, timeout=9).status_code == 200
    own = socket.gethostbyname(socket.gethostname())
    if own != "127.0.0.1":
        with pytest.raises(requests.ConnectionError):
            requests.get(address.replace("127.0.0.1", own), timeout=9)


def test_a_name_of_another_site_is_refused(address: str) -> None:
    for host in ("rebound.example", "[x", ""):
        answer = requests.get(address, headers={"Host": host}, timeout=9)
        assert answer.status_code == 400
    assert requests.get(address, headers={"Host": "LocalHost:1"}, timeout=9).status_code == 200


def test_another_site_s_page_may_ask_nothing(address: str) -> None:
    url = f"{address}/api/photos?name=a.jpg"
    answer = requests.post(url, b"", headers={"Origin": "https://evil.example"}, timeout=9)
    assert answer.status_code == 403
    assert answer.json() == {"message": "asked by https://evil.example"}
    for origin in ("null", "http://[x", address.replace("http:", "https:")):
        refused = requests.post(url, b"", headers={"Origin": origin}, timeout=9)
        assert refused.status_code == 403
    own = requests.post(url, b"", headers={"Origin": address}, timeout=9)
    assert own.status_code == 400
    assert own.json() == {"message": "empty, no photograph"}


def test_the_page_may_load_nothing_from_elsewhere(address: str) -> None:
    for path in ("/", "/static/page.js", "/api/session"):
        answer = requests.get(address + path, timeout=9)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert requests.get(f"{address}/docs", timeout=9).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static//etc/passwd",
        "/api/photos/..%2f..%2fetc%2fpasswd/file?model=shipped",
        "/api/photos/file:%2f%2f%2fetc%2fpasswd/before",
        "/api/likes/http:%2f%2f127.0.0.1:1%2f",
        "http://127.0.0.1:1/",
    ],
)
def test_no_path_or_address_of_the_caller_s_is_read(address: str, path: str) -> None:
    connection = HTTPConnection(address.removeprefix("http://"), timeout=9)
    connection.putrequest("GET", path)  # as it is, which browsers and requests would tidy up
    connection.endheaders()
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status in (400, 404), said
    assert b"root:" not in said and b"import" not in said


def test_a_model_or_a_likeness_is_none_that_the_caller_names_by_path_or_address(
    address: str,
) -> None:
    photo = io.BytesIO()
    Image.new("L", (8, 8), 99).save(photo, "png")
    url = f"{address}/api/photos"
    added = requests.post(url, photo.getvalue(), params={"name": "../../up.png"}, timeout=60)
    (known,) = added.json()["photos"]
    assert known["name"] == "up.png"
    for elsewhere in ("/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/a.safetensors"):
        for look in ({"model": elsewhere}, {"model": str(WEIGHTS), "like": elsewhere}):
            refused = requests.get(f"{url}/{known['id']}/file", params=look, timeout=60)
            assert refused.status_code == 400
            assert " here" in refused.json()["message"]
    requests.delete(f"{url}/{known['id']}", timeout=9)


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ColorizerError, match=f"port {port}: .*: name another with --port"):
            page_server.serve(FastAPI(), Access(), port=port, open_browser=False, say=pytest.fail)


def test_a_page_for_others_asks_each_for_the_token(serve: Callable[..., str]) -> None:
    options = ("--model", "none", "--token", "s3cret", "--allow-host", "Photos.example")
    first = serve("web", *options)
    address, _, token = first.partition("/?")
    assert token == "token=s3cret"
    for path in ("/", "/static/page.js", "/api/session", "/?token=guess", "/?token=\u00e9"):
        refused = requests.get(address + path, timeout=9)
        assert (refused.status_code, "terminal" in refused.json()["message"]) == (401, True)
    bearer = {"Authorization": "Bearer s3cret"}
    assert requests.get(f"{address}/api/session", headers=bearer, timeout=9).status_code == 200
    with requests.Session() as browser:
        shown = browser.get(first, timeout=9)
        assert (shown.status_code, shown.url) == (200, f"{address}/")
        assert browser.get(f"{address}/api/session", timeout=9).status_code == 200
        assert "HttpOnly" in str(vars(next(iter(browser.cookies))))
    proxied = bearer | {"Host": "photos.example", "Origin": "https://photos.example"}
    wiped = requests.post(f"{address}/api/kind", b"x", headers=proxied, timeout=9)
    assert wiped.status_code == 200


def test_a_page_that_others_reach_needs_a_token_or_a_word_against_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for local in ("127.0.0.1", "localhost", "127.0.0.5"):
        assert Access.of(local).token == ""
    with pytest.raises(UsageError, match=r"--token [0-9a-f]{16}, or none with --no-token"):
        Access.of("0.0.0.0")
    with pytest.raises(UsageError, match="name one of them"):
        Access.of("0.0.0.0", token="x", no_token=True)
    with pytest.raises(UsageError, match=r"no such address: name one of this machine's"):
        Access.of("no such host")
    assert not caplog.records
    access = Access.of("0.0.0.0", no_token=True)
    assert "whoever reaches 0.0.0.0" in caplog.text
    assert access.names > {"127.0.0.1", "localhost", socket.gethostname().lower()}


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a program even if a test fails."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_however_it_ends_no_photograph_is_left(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Not even while a download stands still, since nobody reads on."""
    command = [sys.executable, "-m", "colorizer.apps.cli", "web", "--model", str(WEIGHTS)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with (
        subprocess.Popen(
            [*command, "--no-browser", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
        ending(process),
    ):
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        photo = io.BytesIO()
        Image.new("L", (2400, 1600), 99).save(photo, "bmp")  # in color 11 MB, more than waits
        url = f"{address}/api/photos?name=photo.bmp"
        assert requests.post(url, photo.getvalue(), timeout=60).status_code == 200
        assert len(list(tmp_path.glob("colorizer-*/*"))) == 2  # the file and its preview
        with socket.create_connection(("127.0.0.1", int(address.split(":")[-1]))) as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            query = f"model={WEIGHTS}&count=1"
            stalled.sendall(
                f"GET /api/archive?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
            )
            assert stalled.recv(15) == b"HTTP/1.1 200 OK"
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
            assert (process.returncode, said) == (code, "")
    assert not list(tmp_path.glob("colorizer-*"))
