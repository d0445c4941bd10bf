"""Outs of the pipeline that were damaged: one line says which, and what makes them anew."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xxhash

from colorizer.data.dataset import LabDataset, ab_path, lightness_path, manifest_path
from colorizer.data.manifests import read_colors, read_split
from colorizer.data.references import Reference, References, write_references
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import read_sums
from colorizer.params import Split
from colorizer.tracking.published import Published
from colorizer.training.run_record import Epoch, RunRecord, write_run

RECORD = RunRecord("f", "model1", "demo", {"train": {"epochs": 2}}, {}, {}, "", "", "", 1, 2, 1)
SPLIT = Split(seed=7, train=2, test=1, validation=1)


def read_lab(folder: Path) -> None:
    LabDataset.open(folder, "train").require_sound()


def published(folder: Path) -> Published:
    return Published(folder, folder, folder / "timing.json")


READERS: dict[str, Callable[[Path], object]] = {
    "manifest.json": read_lab,
    "train_lightness.npy": read_lab,
    "train_ab.npy": read_lab,
    "test.json": lambda folder: References.open(folder, "test"),
    "test.rgb": lambda folder: References.open(folder, "test"),
    "color.csv": lambda folder: read_colors(folder / "color.csv"),
    "split.csv": lambda folder: read_split(folder / "split.csv", SPLIT),
    "run.json": lambda folder: published(folder).record,
    "history.csv": lambda folder: published(folder).history,
    "timing.json": lambda folder: published(folder).history,
    "metrics.json": lambda folder: published(folder).metrics,
    "scores/about.json": lambda folder: published(folder).complete,
    "sums.csv": read_sums,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one of each."""
    lab = np.arange(2 * 3 * 4 * 4, dtype=np.float16).reshape(2, 3, 4, 4)
    np.save(lightness_path(tmp_path, "train"), lab[:, :1])
    np.save(ab_path(tmp_path, "train"), lab[:, 1:])
    digest = xxhash.xxh3_128_hexdigest(b"".join(xxhash.xxh3_128_digest(row.data) for row in lab))
    manifest = {"train": {"ids": ["a", "b"], "digest": digest}}
    manifest_path(tmp_path).write_text(json.dumps(manifest))
    write_references(tmp_path, "test", [("a", Reference(np.full((4, 6, 3), 7, np.uint8), []))])
    (tmp_path / "color.csv").write_text("id,kept\na,True\nb,False\n")
    (tmp_path / "color.json").write_text('{"photographs": 2}')
    (tmp_path / "split.csv").write_text("id,subset\na,train\nb,train\nc,test\nd,validation\n")
    epochs = [Epoch(number, 0.5, 0.6, 9.0, 2) for number in (1, 2)]
    write_run(tmp_path, tmp_path / "timing.json", RECORD, epochs)
    (tmp_path / "scores").mkdir()
    published(tmp_path).write_metrics({"test": {"psnr": 20.0}}, {"test": "d"})
    return tmp_path


@pytest.mark.parametrize("name", [name for name in READERS if name != "sums.csv"])
def test_what_is_whole_is_read(folder: Path, name: str) -> None:
    READERS[name](folder)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[: len(content) // 2 - 1], id="half"),
        pytest.param(lambda content: b"\x89PNG\r\n\x1a\n\xff\xfe" * 9, id="another file"),
        pytest.param(None, id="a folder"),
    ],
)
def test_a_damaged_out_is_named_in_one_line_with_what_makes_it_anew(
    folder: Path, name: str, damage: Callable[[bytes], bytes] | None
) -> None:
    path = folder / name
    content = path.read_bytes() if path.exists() else b"id,photographs\na,1\n"
    path.unlink(missing_ok=True)
    if damage is None:
        path.mkdir()
    else:
        path.write_bytes(damage(content))
    with pytest.raises(ColorizerError, match=r"`dvc repro`|run the stage") as raised:
        READERS[name](folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("name", ["color.csv", "split.csv", "history.csv", "sums.csv"])
def test_a_table_cut_at_the_end_of_a_line_is_noticed(folder: Path, name: str, lines: int) -> None:
    if name == "sums.csv":
        (folder / name).write_text("id,photographs\na,1\nb,1\n")
        (folder / "metrics.json").write_text('{"photographs": 2}')
    whole = (folder / name).read_text().splitlines(keepends=True)
    (folder / name).write_text("".join(whole[:-lines]))
    with pytest.raises(ColorizerError, match=rf"{name} is damaged .*`dvc repro`"):
        READERS[name](folder)


@pytest.mark.parametrize("name", ["train_lightness.npy", "train_ab.npy", "test.rgb"])
@pytest.mark.parametrize("place", [-1, -9])
def test_one_bit_of_a_picture_is_noticed(folder: Path, name: str, place: int) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ColorizerError, match=r"damaged .*digest"):
        READERS[name](folder)
