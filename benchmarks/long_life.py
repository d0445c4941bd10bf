"""What runs long stays small: memory and open files of a training, servers and a watched folder.

    python benchmarks/long_life.py [training served page watching] [--share 0.1]

How much they grow is Theil-Sen's slope with its 95% interval, over the last three quarters of the
work: the first fills caches. The exit code is 1 if memory or open files surely grow.
"""

import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import mlflow
import photographs
import psutil
import requests
import typer
import yaml
from rounds import save
from scipy.stats import theilslopes

from colorizer.tracking import serving
from colorizer.tracking.model_uri import find_weights
from colorizer.tracking.registration import SIGNATURE

ROOT = Path(__file__).parents[1]
POINTS = 100  # in time at which a load is looked at
MEMORY, FILES = 0.05, 1.0  # growth that is none: a share of the memory; files
PATIENCE = 600  # seconds
STEPS = 10  # of an epoch
SIDE = 32  # pixels of what is trained on: what a step leaves behind does not depend on it
SHORT = 0.004  # of the work: it shows only that everything starts


@dataclass(frozen=True)
class Point:
    """What a load held at one moment.

    Attributes:
        work: what was done until then.
        memory: resident, MB, of a process and all that it started.
        files: their open files, sockets and pipes.
    """

    work: int
    memory: float
    files: int


def main(
    loads: Annotated[list[str] | None, typer.Argument(help="By default all.")] = None,
    share: Annotated[float, typer.Option(help="Of the work, where time is short.")] = 1,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure what runs long."""
    print(f"{'':10s}{'work':>16s}{'memory':>10s}{'growth, MB':>24s}{'files':>8s}{'growth':>20s}")
    results, grown = {}, []
    for name in loads or LOADS:
        load, unit, work = LOADS[name]
        work = max(round(work * (SHORT if short else share)), 8)
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            points = measure(load(Path(folder), work, stack), work)
        results[name], grows = report(name, unit, points)
        grown += [name] if grows and not short else []
    save("long_life", {"results": results})
    if grown:
        raise SystemExit(f"error: memory or open files grow: {', '.join(grown)}")


def measure(doing: Iterator[tuple[int, int]], work: int) -> list[Point]:
    """Let a load do its work, which yields what is done and by which process."""
    points: list[Point] = []
    for done, process in doing:
        if not points or done - points[-1].work >= work / POINTS:
            points.append(look(psutil.Process(process), done))
        if done >= work:
            return points
    raise SystemExit(f"error: it ended after {points[-1:]}, before its work was done")


def look(process: psutil.Process, done: int) -> Point:
    """Return what a process and all that it started hold."""
    memory = files = 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            memory, files = memory + one.memory_info().rss, files + one.num_fds()
    return Point(done, memory / 1e6, files)


def report(name: str, unit: str, points: list[Point]) -> tuple[dict[str, Any], bool]:
    """Print how memory and open files grow; return that, and whether they surely do."""
    last = points[-1]
    steady = [point for point in points if point.work >= last.work / 4]
    work = [point.work for point in steady]
    memory, files = (
        [float(end) * (work[-1] - work[0]) for end in (slope, low, high)]
        for slope, _, low, high in (
            theilslopes([point.memory for point in steady], work),
            theilslopes([point.files for point in steady], work),
        )
    )
    print(f"{name:10s}{f'{last.work:,} {unit}':>16s}{last.memory:>10.0f}", end="")
    print(f"{_interval(memory):>24s}{last.files:>8d}{_interval(files):>20s}", flush=True)
    found = {"points": [vars(point) for point in points], "memory": memory, "files": files}
    return found, memory[1] > MEMORY * last.memory or files[1] > FILES


def _interval(grown: list[float]) -> str:
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*grown)


def training(folder: Path, work: int, stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Train by the stage, MLflow included; a step is a unit of work."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    demo = params["profiles"]["demo"]
    demo["train"] |= {"epochs": -(-work // STEPS), "batch_size": demo["split"]["train"] // STEPS}
    demo["preprocess"]["image_size"] = SIDE
    (folder / "params.yaml").write_text(yaml.safe_dump(params | {"profile": "demo"}))
    (folder / "sample").symlink_to(ROOT / "sample")
    for stage in ("download", "drop_grayscale", "split", "preprocess"):
        _start(folder, stack, str(ROOT / f"stages/{stage}.py")).wait()
    process = _start(folder, stack, str(ROOT / "stages/train.py"), "model3")
    while process.poll() is None:
        for history in folder.glob(".checkpoints/*/history.csv"):
            with contextlib.suppress(FileNotFoundError):
                yield STEPS * (len(history.read_text().splitlines()) - 1), process.pid
        time.sleep(0.1)


def served(folder: Path, work: int, stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Ask the registered model that `mlflow models serve` serves; a request is a unit of work."""
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=serving.__file__,
        artifacts={"weights": str(find_weights("shipped"))},
        signature=SIGNATURE,
        pip_requirements=["mlflow"],
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = ("-m", "mlflow", "models", "serve", "--env-manager", "local", "--port", str(port))
    process = _start(folder, stack, *serve, "--model-uri", str(folder / "model"))
    url = f"http://127.0.0.1:{port}"
    _wait_for(f"{url}/ping", process)
    files = photographs.read(photographs.SAMPLE, 50)
    bodies = [{"columns": ["image"], "data": [[base64.b64encode(f).decode()]]} for f in files]
    for done in range(1, work + 1):
        body = {"dataframe_split": bodies[done % len(bodies)]}
        requests.post(f"{url}/invocations", json=body, timeout=PATIENCE).raise_for_status()
        yield done, process.pid


def page(folder: Path, work: int, stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Put photographs on the page, look at each and save it; all stay there."""
    serve = ("web", "--model", "shipped", "--port", "0", "--no-browser")
    process = _start(folder, stack, "-m", "colorizer.apps.cli", *serve)
    assert process.stdout
    url = f"{process.stdout.readline().split()[0].decode()}/api/photos"
    files = photographs.read(photographs.SAMPLE, work, side=1500)
    for done, file in enumerate(files, 1):
        answer = requests.post(url, file, params={"name": f"{done}.jpg"}, timeout=PATIENCE)
        (photo,) = answer.json()["photos"]
        requests.put(f"{url}/{photo['id']}/forced?forced=true", timeout=PATIENCE)
        for what in ("after?size=thumbnail&", "after?", "file?"):
            shown = requests.get(f"{url}/{photo['id']}/{what}model=shipped", timeout=PATIENCE)
            shown.raise_for_status()
        yield done, process.pid


def watching(folder: Path, work: int, stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Let photographs arrive in a folder that `colorize --watch` watches, some at a time."""
    scans, results = folder / "scans", folder / "scans_colorized"
    scans.mkdir()
    command = "from colorizer.apps.colorize import main; main()"
    process = _start(folder, stack, "-c", command, "scans", "--watch", "--force", "--json")
    some = min(20, work // 4)
    for number, file in enumerate(photographs.read(photographs.SAMPLE, work), 1):
        (scans / f"{number}.jpg").write_bytes(file)
        while number % some == 0 and (done := len(list(results.glob("*.jpg")))) < number:
            yield done, process.pid
            time.sleep(0.2)
    yield len(list(results.glob("*.jpg"))), process.pid


LOADS = {
    "training": (training, "steps", 1_000),
    "served": (served, "requests", 10_000),
    "page": (page, "photographs", 200),
    "watching": (watching, "files", 1_000),
}


def _start(folder: Path, stack: contextlib.ExitStack, *command: str) -> "subprocess.Popen[bytes]":
    """Run Python in a folder until the stack ends, which kills it and all that it started."""
    python = Path(sys.executable)
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_"))},
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TMPDIR": str(folder),
        "PYTHONPATH": str(ROOT / "src"),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [str(python), *command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE if "web" in command else subprocess.DEVNULL,
        stderr=(folder / "said.txt").open("ab"),
        start_new_session=True,
    )

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    stack.callback(end)
    return process


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=PATIENCE).ok:
                return
        time.sleep(0.2)
    raise SystemExit(f"error: nothing answers at {url}")


if __name__ == "__main__":
    typer.run(main)
