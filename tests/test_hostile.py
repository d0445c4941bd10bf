"""Damaged and hostile files by every door: none ends it, and each is accounted for in one line.

`make test-slow` tries a few files of each kind, `make soak` over 1,000.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import requests
import torch
import yaml

from colorizer.data.archive import list_members
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from hostile_pictures import Hostile, corpus, short_corpus, whole_files
from model_server import Server, save_model

ROOT = Path(__file__).parents[1]
GIBI = 1 << 30

MEMORY = 4.5 * GIBI
"""Of a door: one picture of 178 megapixels at a time, and beside it one of 40 on each core."""

PATIENCE = 1200  # seconds for all files

ALL = pytest.mark.skipif("HOSTILE" not in os.environ, reason="takes long: by `make soak`")

NAMES = (
    b"line\nbreak.jpg",
    b"carriage\rreturn.jpg",
    b"\x1b[31mred\x1b[0m.jpg",
    b"-o.jpg",
    b"--help.jpg",
    b"-",
    b" .jpg",
    b"$(touch escaped).jpg",
    b"`id`;&|<>.jpg",
    b"'\".jpg",
    b"..\\..\\escaped.jpg",
    b"%2e%2e%2fescaped.jpg",
    b"*?[a].jpg",
    b"CON.jpg",
    b"two.jpg.jpg",
    b"invalid\xff\xfe.jpg",
    b"n" * 251 + b".jpg",
    b"n" * 255,
    *(
        name.encode()
        for name in (
            "Großmutter.jpg",
            "e\u0301.jpg",
            "\u00e9.jpg",
            "\u202egpj.exe.jpg",
            "\u200b.jpg",
            "写真.jpg",
            "\U0001f4f7.jpg",
            "\u2028.jpg",
        )
    ),
)
"""What undamaged files are called; Linux allows any byte but two."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(short_corpus, marks=pytest.mark.slow, id="short"),
        pytest.param(corpus, marks=[pytest.mark.faults, ALL], id="whole"),
    ],
)
def files(request: pytest.FixtureRequest) -> list[Hostile]:
    return list(request.param())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = create_model("model1", widths=[2, 2])
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(path, WeightsMetadata("model1", {"widths": [2, 2]}, 16), network.state_dict())
    return path


def assert_is_one_line(said: str) -> None:
    assert len(said.splitlines()) == 1, said
    assert len(said) < 1000, said
    assert "unexpected" not in said
    assert "Traceback" not in said


def measure(command: Sequence[str], folder: Path) -> tuple[int, str, str]:
    """Run a command and return its exit status, its output and its errors; check its memory."""
    with (folder / "said").open("w+b") as said, (folder / "errors").open("w+b") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=errors)
        deadline = time.monotonic() + PATIENCE
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"{command[:3]} hangs")
            time.sleep(0.05)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        peak = ended[2].ru_maxrss * 1024
    sys.stdout.write(f"{Path(command[-1]).name}: peak {peak / GIBI:.2f} GiB\n")
    assert peak < MEMORY
    texts = [(folder / name).read_text(errors="replace") for name in ("said", "errors")]
    assert "Traceback" not in texts[1], texts[1][-3000:]
    return process.returncode, *texts


def test_preprocessing(files: list[Hostile], tmp_path: Path) -> None:
    archives = tmp_path / "data" / "demo" / "archives"
    archives.mkdir(parents=True)
    good = {f"good/{name}": data for name, data in whole_files().items()}
    with zipfile.ZipFile(archives / "photos.zip", "w") as archive:
        for name, data in (good | {file.name: file.data for file in files}).items():
            archive.writestr(name, data)
        archive.writestr("../escaped.jpg", good["good/baseline.jpg"])
        archive.writestr("/escaped.jpg", good["good/baseline.jpg"])
    named = list_members(archives / "photos.zip")[0]
    assert len(named) == len(good) + len(files) + 1  # what would escape upward is left aside
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    demo = params["profiles"]["demo"]
    params["profile"], demo["preprocess"]["image_size"] = "demo", 32
    demo["split"] |= {"train": 10, "test": 2, "validation": 0}
    run_stage("drop_grayscale", params, tmp_path)
    table = pd.read_csv(tmp_path / "data" / "demo" / "color.csv", keep_default_na=False)
    assert sorted(table["id"]) == sorted(f"photos.zip/{name}" for name in named)
    assert set(table["reason"]) >= {"", "unreadable"}
    for said in table.loc[table["reason"] == "unreadable", "error"]:
        assert_is_one_line(said)
    kept = int(table["kept"].sum())
    demo["split"]["train"] = kept - 2
    run_stage("split", params, tmp_path)
    run_stage("preprocess", params, tmp_path)
    manifest = json.loads((tmp_path / "data" / "demo" / "lab" / "manifest.json").read_text())
    assert sum(len(subset["ids"]) for subset in manifest.values()) == kept
    assert {path.name for path in tmp_path.iterdir()} == {"data", "params.yaml", "said", "errors"}
    assert not (tmp_path.parent / "escaped.jpg").exists()


def run_stage(name: str, params: Mapping[str, Any], folder: Path) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    status, _, errors = measure([sys.executable, str(ROOT / "stages" / f"{name}.py")], folder)
    assert status == 0, errors[-3000:]


def fill(folder: Path, files: list[Hostile]) -> int:
    """Write hostile files, names and things into a folder; return how many."""
    for file in files:
        (folder / file.name).write_bytes(file.data)
    good = whole_files()["baseline.jpg"]
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(good)
    secret = folder.parent / "secret"
    secret.mkdir()
    (secret / "photo.jpg").write_bytes(good)
    links = {
        "out.jpg": secret / "photo.jpg",
        "folder.jpg": secret,
        "up": Path(".."),
        "nothing.jpg": Path("missing.jpg"),
        "circle.jpg": Path("circle.jpg"),
        "endless.jpg": Path("/dev/zero"),
    }
    for name, to in links.items():
        (folder / name).symlink_to(to)
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket.jpg"))
    (folder / "directory.jpg").mkdir()
    (folder / "directory.jpg" / "inner.jpg").write_bytes(good)
    return len(files) + len(NAMES) + len(links) + 2 + 2


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all regular files below a folder, links not followed."""
    return {
        str(path): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in folder.rglob("*")
    }


def test_colorize(files: list[Hostile], weights: Path, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    count = fill(photos, files)
    before = tree(tmp_path)
    command = [sys.executable, "-m", "colorizer.apps.colorize", "--json", "--force"]
    command += ["--model", str(weights), "-o", str(out), str(photos)]
    status, said, _ = measure(command, tmp_path)
    assert status == 1  # of those that failed
    records = [json.loads(line) for line in said.splitlines()]
    assert len({record["source"] for record in records}) == len(records) == count
    for record in records:
        assert record["status"] in ("colorized", "copied", "skipped", "failed")
        assert (record["status"] in ("skipped", "failed")) <= bool(record["message"])
        assert "unexpected" not in record["message"], record
    colored = {r["target"] for r in records if r["status"] == "colorized"}
    assert len(colored) > len(NAMES)
    assert {path for path, data in tree(out).items() if data is not None} == colored
    after = {path: data for path, data in tree(tmp_path).items() if not path.startswith(str(out))}
    assert {path: data for path, data in after.items() if Path(path).name not in WRITTEN} == before


WRITTEN = ("said", "errors")  # by `measure`


@pytest.fixture(scope="module")
def server(weights: Path) -> Iterator[Server]:
    with Server(save_model(weights), weights.parent / "server.log") as running:
        yield running
        assert "Traceback" not in running.log.read_text(errors="replace")


def test_served_model(files: list[Hostile], server: Server) -> None:
    good = base64.b64encode(whole_files()["baseline.jpg"]).decode()
    statuses = []
    for file in files:
        data = [[base64.b64encode(file.data).decode()]]
        answer = server.post({"dataframe_split": {"columns": ["image"], "data": data}})
        statuses.append(answer.status_code)
        assert answer.status_code in (200, 400), (file.name, answer.text[:1000])
        if answer.status_code == 400:
            assert_is_one_line(answer.json()["message"])
    assert {200, 400} == set(statuses)
    assert server.post({"dataframe_split": {"columns": ["image"], "data": [[good]]}}).ok
    assert server.peak_memory() < MEMORY


def test_page(files: list[Hostile], weights: Path, serve: Callable[..., str]) -> None:
    page = serve("web", "--model", weights)
    process = psutil.Process().children()[-1]
    good = Hostile("name", "", whole_files()["baseline.jpg"])
    named = [(file.name, file) for file in files]
    named += [(os.fsdecode(name).encode(errors="replace").decode(), good) for name in NAMES]
    look = {"model": str(weights)}
    for name, file in named:
        answer = requests.post(
            f"{page}/api/photos", params={"name": name}, data=file.data, timeout=60
        )
        assert answer.status_code in (200, 400), (name, answer.text)
        if answer.status_code == 400:
            assert_is_one_line(answer.json()["message"])
            continue
        for photo in answer.json()["photos"]:
            address = f"{page}/api/photos/{photo['id']}"
            assert requests.put(f"{address}/forced?forced=true", timeout=60).ok
            for part in ("after", "file"):
                shown = requests.get(f"{address}/{part}", params=look, timeout=60)
                assert shown.status_code in (200, 400), (name, part, shown.text)
            assert requests.delete(address, timeout=60).ok
    assert requests.get(f"{page}/api/session", timeout=60).json()["photos"] == []
    assert process.is_running()
    assert process.memory_info().rss < MEMORY
