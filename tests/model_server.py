"""A registered model behind MLflow's own server."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import requests

from colorizer.tracking import serving


def save_model(weights: Path) -> Path:
    """Save weights as MLflow keeps a registered model, beside them."""
    mlflow.pyfunc.save_model(
        path := weights.parent / "model",
        python_model=serving.__file__,
        artifacts={"weights": str(weights)},
        pip_requirements=["mlflow"],
    )
    return path


class Server:
    """`mlflow models serve` on loopback."""

    def __init__(self, model: Path, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
        command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--env-manager", "local", "--port", str(self.port)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Server":
        try:
            deadline = time.monotonic() + 60
            while not self.answers():
                assert self.process.poll() is None and time.monotonic() < deadline, self.said()
                time.sleep(0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/ping", timeout=5).ok
        except requests.ConnectionError:
            return False

    def post(self, body: object) -> requests.Response:
        return requests.post(f"{self.url}/invocations", json=body, timeout=60)

    def hang_up(self, body: bytes, promised: int) -> None:
        """Send a request and go without having read the answer."""
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Content-Length: {promised}\r\n\r\n".encode() + body)

    def peak_memory(self) -> int:
        """Return the most bytes that a process of the server ever held; 0 where none tells."""
        peaks = [0]
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                if os.getpgid(int(status.parent.name)) == self.process.pid:
                    peaks += re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())
        return max(map(int, peaks)) * 1024
