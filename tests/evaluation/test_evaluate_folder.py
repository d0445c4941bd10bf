import io
import json
import shutil
import sys
import zipfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from colorizer.apps.cli import main
from colorizer.data.archive import decode_photo
from colorizer.data.make_references import make_references
from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation.baselines import make_baselines, mean_of_references
from colorizer.evaluation.evaluate import evaluate, summarize
from colorizer.evaluation.evaluate_folder import evaluate_folder
from colorizer.evaluation.predictions import by_network
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.training.run_record import WEIGHTS

NAMES = [f"mirflickr/im{n}.jpg" for n in (2, 3, 4)]


def save_model(folder: Path, name: str, size: int) -> Path:
    torch.manual_seed(size)
    widths = [2, 4] if name == "model1" else [2, 4, 4]
    folder.mkdir()
    metadata = WeightsMetadata(name, {"widths": widths}, size)
    save_weights(folder / WEIGHTS, metadata, create_model(name, widths=widths).state_dict())
    return folder / WEIGHTS


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "small": save_model(folder / "small", "model1", 24),
        "large": save_model(folder / "large", "model2", 32),
    }


def only_small(models: dict[str, Path]) -> dict[str, Path]:
    return {"small": models["small"]}


def write_photos(folder: Path, sample_photos: dict[str, bytes]) -> Path:
    for place, name in zip(("a.jpg", "deep/b.jpg", "deep/er/c.jpg"), NAMES, strict=True):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(sample_photos[name])
    return folder


@pytest.fixture
def folder(tmp_path: Path, sample_photos: dict[str, bytes]) -> Path:
    return write_photos(tmp_path / "photographs", sample_photos)


@dataclass(frozen=True)
class Evaluated:
    """What the command made of three photographs and two models, and its last line."""

    photos: Path
    out: Path
    line: str


@pytest.fixture(scope="module")
def evaluated(
    models: dict[str, Path],
    sample_photos: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Evaluated:
    base = tmp_path_factory.mktemp("evaluated")
    photos, out = write_photos(base / "photographs", sample_photos), base / "out"
    words = ["colorizer", "evaluate", "--photos", str(photos), "-o", str(out)]
    for model in models.values():
        words += ["--model", str(model)]
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    return Evaluated(photos, out, said.getvalue().splitlines()[-1])


def test_the_table_and_the_page_are_the_pipeline_s(evaluated: Evaluated) -> None:
    table = pd.read_csv(evaluated.out / "metrics.csv").set_index("model")
    assert list(table.index) == ["small", "large", "gray", "mean", "random", "truth"]
    assert table["photographs"].tolist() == [3] * 6
    assert table["auc_rebalanced"]["truth"] == pytest.approx(1, abs=1e-4)
    assert table["delta_e2000"]["truth"] < 0.01 < table["delta_e2000"]["large"]
    found = {path.name for path in evaluated.out.iterdir()}
    assert found == {
        *("report.html", "metrics.csv", "metrics.md", "differences.csv", "strata.csv", "scores"),
    }
    assert "3  photographs, scored in" in (evaluated.out / "report.html").read_text(
        encoding="utf-8"
    )
    per_image = pd.read_csv(evaluated.out / "scores/small/per_image.csv")
    assert per_image["id"].tolist() == ["a.jpg", "deep/b.jpg", "deep/er/c.jpg"]


def test_the_pipeline_gives_the_same_photographs_the_same_scores(
    evaluated: Evaluated, models: dict[str, Path], tmp_path: Path
) -> None:
    files = sorted(evaluated.photos.rglob("*.jpg"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in files:
            archive.write(path, path.name)
    split = pd.DataFrame({"id": [f"a.zip/{path.name}" for path in files], "subset": "test"})
    make_references(tmp_path, split, tmp_path / "references")
    photos = References.open(tmp_path / "references", "test")
    read = partial(decode_photo, tmp_path)
    seen = WeightsMetadata("", {}, 32).shape
    predict = {
        name: by_network(TorchNetwork.from_file(weights, precision="float32"), photos, read)
        for name, weights in models.items()
    }
    predict |= make_baselines(mean_of_references(photos), photos, seen)
    for name, predicted in predict.items():
        found = json.loads((evaluated.out / "scores" / name / "metrics.json").read_text())
        assert found == pytest.approx(summarize(evaluate(predicted, photos)), rel=1e-6), name


def test_what_is_gray_or_broken_is_left_out_and_named(
    folder: Path, models: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(np.full((40, 40), 99, np.uint8)).save(folder / "gray.png")
    (folder / "broken.jpg").write_bytes(b"no photograph")
    with caplog.at_level("INFO"):
        evaluate_folder(folder, only_small(models), tmp_path / "out", overwrite=False)
    assert any("broken.jpg" in message for message in caplog.messages)
    assert any("without true colors: 1" in message for message in caplog.messages)
    assert pd.read_csv(tmp_path / "out/metrics.csv")["photographs"].tolist() == [3] * 5


def test_results_are_replaced_only_on_request(
    folder: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    out = folder / "out"  # inside the photographs: its pictures are none of them
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    with pytest.raises(ColorizerError, match="--overwrite"):
        evaluate_folder(folder, models, out, overwrite=False)
    assert (out / "mine.txt").read_text() == "kept"
    with pytest.raises(ColorizerError, match="no earlier report"):
        evaluate_folder(folder, models, out, overwrite=True)
    assert (out / "mine.txt").read_text() == "kept"
    (out / "report.html").write_text("an earlier one")
    evaluate_folder(folder, only_small(models), out, overwrite=True)
    assert not (out / "mine.txt").exists()
    assert "photographs, scored in" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("above", [0, 1])
def test_photographs_are_never_replaced(folder: Path, models: dict[str, Path], above: int) -> None:
    out = [folder, folder.parent][above]
    (out / "report.html").write_text("an earlier one")
    with pytest.raises(ColorizerError, match="where the photographs are"):
        evaluate_folder(folder, models, out, overwrite=True)
    assert (folder / "a.jpg").exists()


def test_a_failure_leaves_nothing_and_what_was_there(
    folder: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    for name in ("report.html", "metrics.csv"):
        (tmp_path / "out" / name).write_text("an earlier one")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("colorizer.evaluation.evaluate_folder.write_report", fail)
    with pytest.raises(RuntimeError):
        evaluate_folder(folder, only_small(models), tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/metrics.csv").read_text() == "an earlier one"
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("kept", [0, 1])
def test_too_few_photographs_are_no_measure(
    folder: Path, models: dict[str, Path], tmp_path: Path, kept: int
) -> None:
    shutil.rmtree(folder / "deep")
    Image.fromarray(np.full((40, 40), 99, np.uint8)).save(folder / "gray.png")
    if not kept:
        (folder / "a.jpg").unlink()
    with pytest.raises(ColorizerError, match=f"{kept} readable photographs in color"):
        evaluate_folder(folder, models, tmp_path / "out", overwrite=False)
    assert not (tmp_path / "out").exists()


def test_a_model_called_as_a_baseline_is_refused(
    folder: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ColorizerError, match="gray: a baseline"):
        evaluate_folder(folder, {"gray": models["small"]}, tmp_path / "out")


def test_a_method_alone_is_scored_beside_the_baselines(
    folder: Path, tmp_path: Path, root: Path
) -> None:
    shipped = root / "models/pretrained/colorizer.safetensors"
    evaluate_folder(folder, {}, tmp_path / "out", methods=["welsh2002"], encoder=shipped)
    table = pd.read_csv(tmp_path / "out/metrics.csv").set_index("model")
    assert list(table.index) == ["welsh2002", "gray", "mean", "random", "truth"]
    assert table["colorfulness"]["welsh2002"] > 5 > table["colorfulness"]["gray"]


@pytest.mark.parametrize(("methods", "said"), [((), "name a --model"), (("gupta",), "no method")])
def test_what_is_no_method_is_refused_at_once(
    folder: Path, tmp_path: Path, methods: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ColorizerError, match=said):
        evaluate_folder(folder, {}, tmp_path / "out", methods=methods)
    assert not (tmp_path / "out").exists()


def test_the_command_says_where_the_page_is(evaluated: Evaluated) -> None:
    assert evaluated.line == str(evaluated.out / "report.html")


def test_the_command_says_in_one_line_that_there_is_no_folder(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr(
        sys,
        "argv",
        ["colorizer", "evaluate", "--photos", str(nowhere), "--model", str(models["small"])],
    )
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == f"error: --photos is {nowhere}: no such folder\n"
