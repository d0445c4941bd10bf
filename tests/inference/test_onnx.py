"""A network as ONNX: the same colors, at any size, and without PyTorch."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from PIL import Image
from torch import nn

import colorizer as package
from colorizer import Colorizer
from colorizer.apps.cli import app, main
from colorizer.errors import ColorizerError, NoClassesError
from colorizer.inference import export as onnx_export
from colorizer.inference.export import export_onnx
from colorizer.inference.onnx_network import OnnxNetwork, find_graph
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.heads import BinsNetwork
from colorizer.models.weights import load_model, save_weights, write_half
from colorizer.models.weights_metadata import Geometry, WeightsMetadata
from colorizer.tracking.model_uri import find_weights

MODELS: dict[str, dict[str, Any]] = {
    "model1": {"widths": [4, 8], "norm": "none"},
    "model2": {"widths": [4, 8, 8], "norm": "batch"},
    "model3": {"widths": [4, 8, 8, 8, 8, 8], "norm": "group"},
    "unet": {"widths": [4, 8, 8]},
    "zhang2016": {"width": 2},
    "rebalanced": {"widths": [4, 8, 8, 8, 8, 8]},
    "model3_tuned": {"widths": [4, 8, 8, 8, 8, 8]},
    "flagship": {"encoder": "lite0", "widths": [8, 8, 8], "smooth": 4, "attention": 0.25},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("onnx")


def save(name: str, folder: Path, geometry: Geometry = "square") -> Path:
    torch.manual_seed(0)
    arguments = MODELS[name]
    model = create_model(name, **arguments)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # as after training
            module.running_mean.normal_()  # type: ignore[union-attr,operator]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr,operator]
    weights = folder / f"{name}.safetensors"
    metadata = WeightsMetadata(name, arguments, size=32, geometry=geometry)
    save_weights(weights, metadata, model.state_dict())
    return weights


def export(name: str, folder: Path, geometry: Geometry = "square") -> tuple[Path, Path]:
    weights = save(name, folder, geometry)
    exported = weights.with_suffix(".onnx")
    assert export_onnx(weights, exported) < 1e-4
    return weights, exported


QUICK = ("zhang2016",)
"""A network that exports in seconds and has classes; `files` is one without."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(m, marks=() if m in QUICK else pytest.mark.slow) for m in MODELS],
)
def each(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, Path]:
    """A model's weights file, and the ONNX file exported from it."""
    return export(request.param, folder)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of the smallest model, exported by the command."""
    folder = tmp_path_factory.mktemp("model1")
    weights = save("model1", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        app(["export", "--model", str(weights)], standalone_mode=False)
    return weights, folder / "model1.onnx"


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 37, 64), (1, 1, 40), (2, 101, 5)])
def test_colors_are_those_of_pytorch_at_any_size(
    each: tuple[Path, Path], shape: tuple[int, int, int]
) -> None:
    count, height, width = shape
    lightness = np.random.default_rng(1).uniform(0, 100, (count, 1, height, width))
    weights, exported = each
    expected = TorchNetwork.from_file(weights, precision="float32").predict_ab(
        lightness.astype(np.float32)
    )
    found = OnnxNetwork(exported).predict_ab(lightness)
    assert (found.shape, found.dtype) == ((count, 2, height, width), np.float32)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, atol=0.01, rtol=0)


def test_classes_are_those_of_pytorch(each: tuple[Path, Path]) -> None:
    lightness = np.random.default_rng(2).uniform(0, 100, (1, 1, 37, 64)).astype(np.float32)
    by_torch = TorchNetwork.from_file(each[0], precision="float32")
    exported = OnnxNetwork(each[1])
    if not isinstance(by_torch.model, BinsNetwork):
        with pytest.raises(NoClassesError, match=by_torch.metadata.model):
            exported.predict_ab_and_classes(lightness)
        return
    expected, found = (n.predict_ab_and_classes(lightness) for n in (by_torch, exported))
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5, rtol=0)
    np.testing.assert_array_equal(found[2], expected[2])
    for network, (ab, *_) in ((by_torch, expected), (exported, found)):
        np.testing.assert_allclose(ab, network.predict_ab(lightness), atol=1e-4, rtol=0)


def test_the_file_says_what_it_is(each: tuple[Path, Path]) -> None:
    weights, exported = each
    assert OnnxNetwork(exported).metadata == load_model(weights)[1]
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    (taken,), (given, *_) = model.graph.input, model.graph.output
    shapes = [
        [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (taken, given)
    ]
    assert [taken.name, given.name] == ["lightness", "ab"]
    assert shapes == [["batch", 1, "height", "width"], ["batch", 2, "height", "width"]]
    assert str(Path(package.__file__).parent) not in str(model.SerializeToString())
    assert model.ir_version <= 9  # onnxruntime below 1.18 reads no later one
    assert [(opset.domain, opset.version <= 18) for opset in model.opset_import] == [("", True)]


def test_the_file_says_how_to_feed_it(files: tuple[Path, Path]) -> None:
    said = {entry.key: entry.value for entry in onnx.load(files[1]).metadata_props}
    assert said["input"].startswith("lightness: float32 (batch, 1, height, width), L* in 0..100")
    assert said["output"].startswith("ab: float32 (batch, 2, height, width), a* and b* in CIELAB")
    assert said["size"] == "any; knows whole pictures resized to 32x32, bicubic, antialiased"
    assert {"color", "use"} < set(said)


def test_a_photograph_is_colored_as_by_the_weights(files: tuple[Path, Path]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    weights, exported = files
    expected = Colorizer.from_file(weights, precision="float32").colorize(rgb)
    found = Colorizer.load(str(exported)).colorize(rgb)
    assert np.abs(found.astype(int) - expected).mean() < 0.5  # resized by another library


def test_a_photograph_is_seen_in_its_own_proportions_by_both(tmp_path: Path) -> None:
    wide = np.random.default_rng(3).integers(0, 256, (40, 100, 3), dtype=np.uint8)
    both = export("model1", tmp_path, geometry="keep")
    expected, found = (Colorizer.from_file(path).predict_photo(wide) for path in both)
    assert expected.shape == found.shape == (2, 32, 80)
    said = onnx.load(both[1]).metadata_props
    (size,) = (entry.value for entry in said if entry.key == "size")
    assert "a short side of 32 in their own proportions" in size


def test_neither_pytorch_nor_mlflow_is_needed(files: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(np.tile(np.arange(48, dtype=np.uint8) * 5, (32, 1))).save(tmp_path / "one.png")
    blocked = "import sys; sys.modules |= dict.fromkeys(['torch', 'mlflow', 'pandas', 'skimage'])"
    code = f"{blocked}; from colorizer.apps.colorize import main; main()"
    weights, exported = files

    def colorize(model: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, "one.png", "--model", str(model)],
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(package.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = colorize(weights)
    assert refused.returncode == 3
    assert refused.stderr == (
        f"error: {weights} needs PyTorch: pip install 'colorizer-unet[torch]'\n"
    )
    done = colorize(exported)
    assert (done.returncode, done.stderr) == (0, "one_colorized.png\n")
    with Image.open(tmp_path / "one_colorized.png") as image:
        assert (image.mode, image.size) == ("RGB", (48, 32))


def test_what_differs_from_pytorch_is_not_written(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_to_graph", lambda *_: onnx.load(files[1]))
    for difference in (1e-3, float("nan")):
        monkeypatch.setattr(onnx_export, "_compare", lambda *_, d=difference: d)
        with pytest.raises(ColorizerError, match="expected at most 1e-04"):
            export_onnx(files[0], tmp_path / "model.onnx")
        assert not list(tmp_path.iterdir())


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(ColorizerError, match=r"junk\.onnx is no readable ONNX model"):
        OnnxNetwork(tmp_path / "junk.onnx")
    graph = onnx.helper.make_graph([], "nothing", [], [])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(ColorizerError, match=r"other\.onnx"):
        OnnxNetwork(tmp_path / "other.onnx")


def test_a_missing_library_is_named(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ColorizerError, match="exporting needs onnxscript: pip install"):
        export_onnx(files[0], tmp_path / "model.onnx")


def test_a_graph_beside_the_weights_reads_its_numbers_from_them(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    for weights in (tmp_path / "float32.safetensors", tmp_path / "half.safetensors"):
        if weights.stem == "half":
            write_half(files[0], weights)
        else:
            shutil.copyfile(files[0], weights)
        graph = weights.with_suffix(".onnx")
        assert export_onnx(weights, graph, beside=True) < 1e-5
        assert find_graph(weights) == graph
        assert isinstance(Colorizer.from_file(weights).network, OnnxNetwork)
        onnx.checker.check_model(str(graph))
        stored = onnx.load(graph, load_external_data=False).graph.initializer
        assert sum(tensor.data_location == TensorProto.EXTERNAL for tensor in stored) == len(
            load_model(weights)[0].state_dict()
        )
    weights.write_bytes(files[0].read_bytes())
    assert find_graph(weights) is None  # of other weights
    assert isinstance(Colorizer.from_file(weights).network, TorchNetwork)


def test_a_graph_reads_no_numbers_from_outside_its_folder(tmp_path: Path) -> None:
    weights, folder = find_weights("shipped"), tmp_path / "models"
    folder.mkdir()
    secret = Path(shutil.copyfile(weights, tmp_path / "secret"))
    shutil.copyfile(weights, folder / "own")
    (folder / "link").symlink_to(secret)
    model = onnx.load(weights.with_suffix(".onnx"), load_external_data=False)

    def read(where: str) -> OnnxNetwork:
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = where
        onnx.save(model, folder / "model.onnx")
        return OnnxNetwork(folder / "model.onnx")

    read("own")
    for where in ("../secret", "no/../../secret", str(secret), "link"):
        with pytest.raises(ColorizerError, match=r"External data path|Absolute path not allowed"):
            read(where)


def test_a_tensor_is_answered_by_a_tensor(files: tuple[Path, Path]) -> None:
    lightness = torch.full((1, 1, 8, 8), 50.0)
    found = OnnxNetwork(files[1]).predict_ab(lightness)
    np.testing.assert_array_equal(found, OnnxNetwork(files[1]).predict_ab(lightness.numpy()))
    assert isinstance(found, torch.Tensor)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--format", "h5"], "--format is 'h5': choose onnx or safetensors"),
        (["-o", "model.pt"], "--out is model.pt: name a file that ends in .onnx"),
        (["--format", "safetensors", "-o", "model.onnx"], "name a file that ends in .safetensors"),
        (["--model", "old.onnx", "-o", "new.onnx"], "old.onnx is ONNX already"),
        (["--model", "old.onnx"], "old.onnx exists: --overwrite replaces it"),
        (["--model", "gone.safetensors"], "gone.safetensors: no such weights file"),
        (["--beside", "-o", "new.onnx"], "--beside writes ONNX beside the weights file"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    arguments: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.onnx").write_bytes(b"old")
    monkeypatch.setattr(sys, "argv", ["colorizer", "export", *arguments])
    with pytest.raises(SystemExit, match="3" if "no such" in line else "2"):
        main()
    assert line in capsys.readouterr().err
    assert Path("old.onnx").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old.onnx"]


def test_the_command_writes_a_file_that_works(files: tuple[Path, Path]) -> None:
    assert OnnxNetwork(files[1]).metadata == load_model(files[0])[1]


def test_the_command_writes_half_precision_too(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app(
        ["export", "--model", str(files[0]), "--format", "safetensors", "-o", "half.safetensors"],
        standalone_mode=False,
    )
    assert load_model(tmp_path / "half.safetensors")[1] == load_model(files[0])[1]
