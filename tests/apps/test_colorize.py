"""The command `colorize`, as a person runs it."""

import errno
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image

import colorizer
from colorizer.apps import color_all, command_line
from colorizer.apps.colorize import main
from colorizer.inference import batch
from colorizer.inference.recolor_file import Colorized, colorize_data
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    metadata = WeightsMetadata("model1", {"widths": [4, 8]}, size=32)
    save_weights(path, metadata, create_model("model1", widths=[4, 8]).state_dict())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one.png", "old/two.jpg", "old/deep/three.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.tile(np.arange(48, dtype=np.uint8) * 5, (32, 1))).save(path)
    (tmp_path / "old/broken.jpg").write_bytes(b"junk")
    return tmp_path


def run(
    folder: Path, *arguments: str | Path, data: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    source = str(Path(colorizer.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "colorizer.apps.colorize", *map(str, arguments)],
        cwd=folder,
        env=kept | {"PYTHONPATH": source, "COLUMNS": "200"} | environment,
        input=data,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command in this process: exit code, stdout, stderr."""

    def run(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["colorize", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        return (1, out, f"{err}{code}\n") if isinstance(code, str) else (int(code or 0), out, err)

    return run


def test_help_needs_nothing_heavy(folder: Path) -> None:
    done = run(folder, "--help")
    assert done.returncode == 0
    assert b"--strength" in done.stdout
    code = (
        "import sys; from typer.testing import CliRunner; from colorizer.apps.colorize import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "print({'torch', 'numpy', 'PIL', 'mlflow'} & set(sys.modules))"
    )
    source = str(Path(colorizer.__file__).parents[1])
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "set()\n"


def test_a_photograph_is_colored_beside_itself(folder: Path, weights: Path) -> None:
    done = run(folder, "one.png", "--model", weights)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"one_colorized.png\n")
    with Image.open(folder / "one_colorized.png") as image:
        assert (image.mode, image.size) == ("RGB", (48, 32))


def test_a_folder_is_summed_up_and_a_failure_shows_in_the_exit_code(
    folder: Path, weights: Path, here: Run
) -> None:
    code, _, said = here(folder, "old", "-o", "new", "--model", weights)
    assert code == 1
    assert said.splitlines() == [
        "error: old/broken.jpg: named like a picture, but a text",
        "colored           2",
        "failed            1  old/broken.jpg: named like a picture, but a text",
    ]
    assert (folder / "new/deep/three.jpg").exists()
    (folder / "old/broken.jpg").unlink()
    again = here(folder, "old", "-o", "new", "--model", weights)
    assert again == (0, "", "left alone        2  the result exists\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_lets_what_is_begun_end_and_says_what_was_done(
    tmp_path: Path, weights: Path, here: Run, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "old").mkdir()
    for name in range(60):
        Image.new("L", (8, 8), name).save(tmp_path / f"old/{name}.png")
    before = signal.signal(number, signal.default_int_handler)  # a background job ignores SIGINT
    begun, interrupted, once = itertools.count(), threading.Event(), iter([number])

    def interrupt(*_: object, **__: object) -> None:
        for number in once:
            signal.raise_signal(number)
        interrupted.set()

    def color_a_few_first(*given: Any) -> Colorized:
        if next(begun) > 8:
            interrupted.wait(60)
        return colorize_data(*given)

    monkeypatch.setattr(color_all, "say", interrupt)
    monkeypatch.setattr(batch, "colorize_data", color_a_few_first)
    code, _, said = here(tmp_path, "old", "--model", weights)
    assert code == 128 + number
    done = list((tmp_path / "old_colorized").iterdir())
    assert 0 < len(done) < 60
    assert all(path.suffix == ".png" for path in done)
    assert said.splitlines() == [
        f"colored     {len(done):>7}",
        f"interrupted after {len(done)} of 60 files: the same command does the rest",
    ]
    assert signal.signal(number, before) == signal.default_int_handler


@pytest.mark.parametrize(
    ("names", "exit_code", "said"),
    [
        (["old/two.jpg", "one.png", "notes.txt"], 0, "skipped           1  a text: notes.txt"),
        (["old/broken.jpg", "one.png"], 1, "colored           1"),
        (["old/broken.jpg", "notes.txt"], 3, "skipped           1  a text: notes.txt"),
        (["notes.txt"], 3, "notes.txt: a text"),
        (["empty"], 3, "error: no photograph there"),
    ],
)
def test_exit_codes(
    folder: Path, weights: Path, here: Run, names: list[str], exit_code: int, said: str
) -> None:
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("two: Anna, 1931")
    code, _, lines = here(folder, *names, "--model", weights)
    assert code == exit_code
    assert said in lines.splitlines()


def test_names_with_line_breaks_stay_on_one_line(folder: Path, weights: Path, here: Run) -> None:
    (folder / "old/broken.jpg").rename(folder / "old/bro\nken.jpg")
    _, _, said = here(folder, "old", "--model", weights)
    assert said.splitlines()[0] == r"error: old/bro\nken.jpg: named like a picture, but a text"


def test_records_are_for_scripts(folder: Path, weights: Path, here: Run) -> None:
    _, out, _ = here(folder, "old", "--model", weights, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert [(r["source"], r["status"]) for r in records] == [
        ("old/broken.jpg", "failed"),
        ("old/deep/three.jpg", "colorized"),
        ("old/two.jpg", "colorized"),
    ]
    assert records[1]["target"] == "old_colorized/deep/three.jpg"
    assert records[1]["seconds"] > 0
    assert (records[1]["verdict"], records[1]["verdict_reason"]) == ("gray", "gray")
    assert records[1]["verdict_confidence"] > 0.9
    assert records[0]["verdict"] is None
    assert records[0]["message"] == "old/broken.jpg: named like a picture, but a text"
    assert (records[0]["target"], records[0]["kind"]) == (None, "named like a picture, but a text")
    assert records[1]["kind"] == "a JPEG picture"


def test_standard_input_becomes_standard_output(folder: Path, weights: Path) -> None:
    data = (folder / "old/two.jpg").read_bytes()
    done = run(folder, "-", "--model", weights, "--format", "png", data=data)
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (48, 32))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "line"),
    [
        (["nothing.jpg"], 2, "error: nothing.jpg: no such file or folder"),
        (
            ["one.png", "--format", "gif"],
            2,
            "error: --format is 'gif': choose avif, bmp, jpeg, jxl",
        ),
        (["one.png", "--tone", "sepia"], 2, "error: --tone is 'sepia': choose remove, keep"),
        (["one.png", "--watch"], 2, "error: --watch needs one folder, found one.png"),
        (
            ["-", "-o", "x.jpg", "--json"],
            2,
            "error: - goes to standard output: leave out --out, --json",
        ),
        (["one.png", "-o", "x.png", "--format", "jpg"], 2, "error: -o x.png is to be PNG"),
        (["old", "--watch", "-o", "old"], 2, "error: old would be colored into itself"),
        (["one.png", "--restore", "all"], 2, "error: --restore is 'all': choose light"),
        (["one.png", "--like", "gone.jpg"], 2, "error: --like gone.jpg: No such file"),
        (["one.png", "--like", "one.png"], 2, "error: --like one.png: a black-and-white"),
        (["one.png", "--like", "auto", "--like", "x"], 2, "error: --like auto finds photographs"),
        (["one.png", "--method", "welsh2002"], 2, "error: --method welsh2002 takes colors from"),
        (["one.png", "--method", "levin"], 2, "error: no method 'levin' that takes references"),
        (["one.png", "--model", "gone.onnx"], 3, "error: gone.onnx: no such weights file"),
        (["-"], 3, "error: no readable image"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    folder: Path, weights: Path, here: Run, arguments: list[str], exit_code: int, line: str
) -> None:
    if arguments == ["-"]:
        arguments = ["-", "--model", str(weights)]
    before = sorted(folder.rglob("*"))
    code, out, err = here(folder, *arguments)
    assert (code, out) == (exit_code, "")
    (said,) = err.splitlines()
    assert said.startswith(line)
    assert sorted(folder.rglob("*")) == before


def test_an_output_that_takes_no_more_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def fill() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SystemExit, match="3"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fill"])
        command_line.run(app)
    assert capsys.readouterr().err == "error: the output: No space left on device\n"


@pytest.mark.slow
def test_a_registry_that_does_not_answer_is_one_line(folder: Path) -> None:
    environment = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    done = run(folder, "one.png", **environment)
    assert (done.returncode, done.stdout) == (3, b"")
    (said,) = done.stderr.decode().splitlines()
    assert said.startswith("error: MLflow at http://127.0.0.1:9 does not answer")


def test_a_method_takes_a_photograph_s_colors_without_any_model(folder: Path, here: Run) -> None:
    red = np.zeros((32, 48, 3), np.uint8)
    red[..., 0], red[::2, :, 2] = np.arange(48) * 5, 90
    Image.fromarray(red).save(folder / "red.png")
    taken = "--like", "red.png", "--method", "reinhard2001"
    assert here(folder, "one.png", *taken) == (0, "", "one_colorized.png\n")
    rgb = np.asarray(Image.open(folder / "one_colorized.png")).astype(int)
    assert rgb[:, 24, 0].mean() > rgb[:, 24, 1].mean() + 20


def test_a_hint_colors_a_photograph_without_any_model(folder: Path, here: Run) -> None:
    hints = "--hint", "5,5,#c02020", "--hint", "40,20,#2020c0"
    assert here(folder, "one.png", *hints, "--model", "none") == (0, "", "one_colorized.png\n")
    rgb = np.asarray(Image.open(folder / "one_colorized.png")).astype(int)
    assert rgb[5, 5, 0] > rgb[5, 5, 2]
    assert rgb[20, 40, 2] > rgb[20, 40, 0]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["one.png", "--hint", "5,5,red"], "hint '5,5,red': expected x,y,#rrggbb"),
        (["one.png", "--model", "none"], "--model none needs hints"),
        (
            ["one.png", "--model", "none", "--strength", "2"],
            "--strength multiplies a model's colors",
        ),
        (["old", "--hint", "5,5,#ff0000"], "hints need a single photograph, found 2"),
        (["one.png", "--hints", "gone.png"], "--hints gone.png: No such file"),
        (["one.png", "--hints", "old/broken.jpg"], "--hints old/broken.jpg: no readable image"),
        (["one.png", "--hints", "one.png"], "--hints one.png: expected transparency where there"),
    ],
)
def test_hints_that_cannot_be_used_are_one_line(
    folder: Path, here: Run, arguments: list[str], line: str
) -> None:
    before = sorted(folder.rglob("*"))
    code, _, said = here(folder, *arguments)
    assert code == 2
    assert line in said
    assert len(said.splitlines()) == 1
    assert sorted(folder.rglob("*")) == before


def test_a_map_of_the_confidence_stands_beside_the_result(folder: Path, here: Run) -> None:
    code, out, _ = here(folder, "one.png", "--confidence", "--json", "--model", "shipped")
    assert code == 0
    assert json.loads(out)["status"] == "colorized"
    with Image.open(folder / "one_confidence.png") as image:
        assert (image.mode, image.size) == ("L", (48, 32))
        assert len(np.unique(np.asarray(image))) > 1
    assert (folder / "one_colorized.png").exists()


def test_a_network_without_classes_has_no_confidence(
    folder: Path, weights: Path, here: Run
) -> None:
    code, _, err = here(folder, "one.png", "--confidence", "--model", weights)
    assert code == 3
    assert "model1 predicts one color a pixel, not classes: use the flagship" in err
    assert not (folder / "one_colorized.png").exists()


@pytest.mark.slow
def test_a_watched_folder_is_colored_as_files_arrive_and_ends_when_asked(
    folder: Path, weights: Path
) -> None:
    watched, results = folder / "old", folder / "old_colorized"
    whole = (folder / "one.png").read_bytes()

    def wait_for(*names: str) -> None:
        deadline = time.monotonic() + 60
        while not all((results / name).exists() for name in names):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    command = [sys.executable, "-m", "colorizer.apps.colorize", "--watch", "old", "--json"]
    source = str(Path(colorizer.__file__).parents[1])
    with subprocess.Popen(
        [*command, "--model", str(weights)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": source},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for("two.jpg", "deep/three.jpg")
        (watched / "scan.png").write_bytes(whole[:60])  # and the scanner pauses
        (watched / "new").mkdir()
        (folder / "one.png").rename(watched / "new/moved.png")
        wait_for("new/moved.png")
        (watched / "scan.png").write_bytes(whole)
        wait_for("scan.png")
        process.terminate()
        records, table = process.communicate(timeout=60)
    assert process.returncode == 1
    statuses = [(r["source"], r["status"]) for r in map(json.loads, records.splitlines())]
    assert statuses.count(("old/broken.jpg", "failed")) == 1
    assert statuses.count(("old/scan.png", "colorized")) == 1
    assert len([s for s in statuses if s[1] == "colorized"]) == 4
    assert not list(results.rglob(".*"))
    assert "colored" in table
    assert "Traceback" not in table
