"""A proxy that stands before a server and fails as it is told."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

DROPPED = {"connection", "content-length", "server", "date", "transfer-encoding"}
ANSWERS = {
    "failing": (500, b"Internal Server Error"),
    "closed": (401, b"You are not authenticated"),
    "garbage": (200, b"<html>Welcome</html>"),
}


class FaultyProxy(ThreadingHTTPServer):
    """Answers as the server behind it would, until it is told to fail.

    Attributes:
        fault: "" for none; "down" (no answer), "slow", one of `ANSWERS`, or "lost": the first
            answer to each kind of change is lost after the server made it.
        healthy: how many requests are answered well before the fault sets in.
        delay: seconds that an answer takes if the fault is "slow".
        asked: how many requests came.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.fault, self.healthy, self.delay, self.asked = "", 0, 5.0, 0
        self.lost: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fail(self, fault: str, *, healthy: int = 0) -> None:
        self.fault, self.healthy, self.asked, self.lost = fault, healthy, 0, set()


@contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    """Yield a proxy that runs in a thread."""
    with FaultyProxy(target) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy

    def handle_any(self) -> None:
        proxy = self.server
        proxy.asked += 1
        fault = proxy.fault if proxy.asked > proxy.healthy else ""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault == "down":
            return
        if fault in ANSWERS:
            self.answer(*ANSWERS[fault], {})
            return
        if fault == "slow":
            time.sleep(proxy.delay)
        status, found, headers = self.ask(body)
        path = self.path.partition("?")[0]
        change = f"{self.command} {'a file' if '/mlflow-artifacts/' in path else path}"
        if fault == "lost" and self.command != "GET" and change not in proxy.lost:
            proxy.lost.add(change)
            return
        self.answer(status, found, headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def ask(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        headers = dict(self.headers) | {"Host": self.server.target, "Connection": "close"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        kept = {k: v for k, v in response.getheaders() if k.lower() not in DROPPED}
        return response.status, response.read(), kept

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
