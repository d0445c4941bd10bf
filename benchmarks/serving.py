"""Load on the service, on `mlflow models serve`, and what nothing can beat: the network alone.

pip install locust==2.47.0
python benchmarks/serving.py [--seconds 20] [--rounds 3] [--short]
"""

import base64
import contextlib
import csv
import io
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import photographs
import typer
from locust import FastHttpUser, task
from PIL import Image
from rounds import save

from colorizer.tracking.model_uri import find_weights

CLIENTS = (1, 4, 16, 64)
PORTS = {"colorizer serve": 8631, "mlflow models serve": 8632}
LIMIT = "network alone"
PHOTO = "COLORIZER_LOAD_PHOTO"  # the variable that names the photograph's file

NETWORK = """
import os, sys, time
os.environ["LOKY_MAX_CPU_COUNT"] = "1"
import numpy as np
from pathlib import Path
from colorizer.inference.onnx_network import OnnxNetwork
network = OnnxNetwork(Path(sys.argv[1]))
lightness = np.full((1, 1, *network.metadata.shape(2, 3)), 50, np.float32)
network.predict_ab(lightness)
ends, count = time.time() + float(sys.argv[2]), 0
while time.time() < ends:
    network.predict_ab(lightness)
    count += 1
print(count)
"""
"""Predicts one photograph after the other on one core, and prints how many."""


class Client(FastHttpUser):
    """Sends the photograph again and again, with no pause."""

    network_timeout = connection_timeout = 300.0

    def on_start(self) -> None:
        """Read the photograph."""
        self.photo = Path(os.environ[PHOTO]).read_bytes()
        image = base64.b64encode(self.photo).decode()
        frame = {"columns": ["image"], "data": [[image]]}
        self.request = {"dataframe_split": frame, "params": {"format": "jpeg"}}

    @task
    def color(self) -> None:
        """Color it."""
        if str(PORTS["colorizer serve"]) in self.host:
            self.client.post("/colorize", data=self.photo)
        else:
            self.client.post("/invocations", json=self.request)


@dataclass(frozen=True)
class Load:
    """What a run measured: photographs a second, seconds of half of them and of all but 1 %."""

    speed: float
    half: float
    most: float
    failed: int


def main(
    side: Annotated[int, typer.Option(help="A photograph's longer side.")] = 1000,
    seconds: Annotated[int, typer.Option(help="Of each run.")] = 20,
    rounds: int = 3,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure throughput and waiting; ways take turns."""
    seconds, rounds, counts = (3, 1, (1, 4)) if short else (seconds, rounds, CLIENTS)
    cores = os.cpu_count() or 1
    weights = find_weights("shipped")
    found: dict[tuple[int, str], list[Load]] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        photo = Path(folder) / "photo.jpg"
        data = photographs.read(photographs.SAMPLE, 1, side=side)[0]
        with Image.open(io.BytesIO(data)) as image:
            image.convert("L").save(photo, quality=90)
        os.environ[PHOTO] = str(photo)
        for name, command in commands(weights, Path(folder)).items():
            running.enter_context(served(name, command))
        for _ in range(rounds):
            for clients in counts:
                alone = Load(network_alone(weights, cores, seconds), 0, 0, 0)
                found.setdefault((clients, LIMIT), []).append(alone)
                for name in PORTS:
                    found.setdefault((clients, name), []).append(
                        press(name, clients, seconds, Path(folder))
                    )
    show(found, counts)
    rows = [
        {"clients": key[0], "way": key[1], "runs": list(map(vars, runs))}
        for key, runs in found.items()
    ]
    save("serving", {"load": os.getloadavg(), "side": side, "results": rows})


def commands(weights: Path, folder: Path) -> dict[str, list[str]]:
    """Return how both servers are started, each with the weights that ship."""
    import mlflow

    from colorizer.tracking import serving
    from colorizer.tracking.registration import SIGNATURE

    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=serving.__file__,
        artifacts={"weights": str(weights)},
        pip_requirements=["mlflow"],
        signature=SIGNATURE,
    )
    ours, theirs = (["--port", str(port)] for port in PORTS.values())
    python = [sys.executable, "-m"]
    serve = [*python, "colorizer.apps.cli", "serve", "--model", "shipped", *ours]
    models_serve = [*python, "mlflow", "models", "serve", "-m", str(folder / "model"), *theirs]
    return dict(zip(PORTS, (serve, [*models_serve, "--env-manager", "local"]), strict=True))


@contextlib.contextmanager
def served(name: str, command: list[str]) -> Iterator[None]:
    """Run a server, once it answers."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **quiet) as process:
        try:
            while True:
                if process.poll() is not None:
                    raise SystemExit(f"error: {name} ended with {process.returncode}")
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name]}/health").close()
                    break
                time.sleep(0.2)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)


def press(name: str, clients: int, seconds: int, folder: Path) -> Load:
    """Let clients send the photograph by locust."""
    command = [sys.executable, "-m", "locust", "-f", __file__, "--headless", "--only-summary"]
    command += ["--users", str(clients), "--spawn-rate", str(clients), "--stop-timeout", "120"]
    command += ["--run-time", f"{seconds}s", "--host", f"http://127.0.0.1:{PORTS[name]}"]
    subprocess.run([*command, "--csv", str(folder / "load")], capture_output=True, check=False)
    with (folder / "load_stats.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    return Load(
        float(row["Requests/s"]),
        _seconds(row["50%"]),
        _seconds(row["99%"]),
        int(row["Failure Count"]),
    )


def _seconds(milliseconds: str) -> float:
    return math.nan if milliseconds == "N/A" else float(milliseconds) / 1000  # nothing came back


def network_alone(weights: Path, cores: int, seconds: int) -> float:
    """Return how many photographs a second the network predicts, a process a core."""
    command = [sys.executable, "-c", NETWORK, str(weights.with_suffix(".onnx")), str(seconds)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(cores)]
    return sum(int(process.communicate()[0]) for process in processes) / seconds


def show(found: dict[tuple[int, str], list[Load]], counts: tuple[int, ...]) -> None:
    """Print the medians; ratios are those of a round."""
    heads = ("photos/s", "of limit", "p50 s", "p99 s", "failed")
    print(f"{'clients':>8s} {'':22s}" + "".join(f"{head:>10s}" for head in heads))
    for clients in counts:
        limits = [run.speed for run in found[clients, LIMIT]]
        print(f"{clients:8d} {LIMIT:22s}{statistics.median(limits):10.2f}")
        for name in PORTS:
            runs = found[clients, name]
            share = statistics.median(
                run.speed / limit for run, limit in zip(runs, limits, strict=True)
            )
            speed, half, most = (
                statistics.median(values)
                for values in zip(*((run.speed, run.half, run.most) for run in runs), strict=True)
            )
            failed = sum(run.failed for run in runs)
            print(f"{clients:8d} {name:22s}{speed:10.2f}{share:10.0%}", end="")
            print(f"{half:10.2f}{most:10.2f}{failed:10d}")


if __name__ == "__main__":
    typer.run(main)
