"""The weights that ship: what a fresh clone colors photographs with."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.color.lab import rgb_to_lab
from colorizer.color.tone import is_black_and_white
from colorizer.data.make_references import to_reference
from colorizer.evaluation.evaluate import evaluate, summarize
from colorizer.evaluation.predictions import by_network
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.onnx_network import OnnxNetwork, find_graph
from colorizer.inference.torch_network import TorchNetwork
from colorizer.photo.decode import decode
from colorizer.tracking import model_uri, registry
from pictures import references_of

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "models" / "pretrained" / "colorizer.safetensors"


@pytest.fixture(scope="module")
def network() -> TorchNetwork:
    return TorchNetwork.from_file(WEIGHTS, precision="float32")


@pytest.fixture(scope="module")
def scores(network: TorchNetwork, sample_photos: dict[str, bytes]) -> dict[str, float]:
    """The scores on the bundled photographs that are in color, none of which it learned from."""
    pictures = {
        name: decode(data).rgb for name, data in sample_photos.items() if name.endswith(".jpg")
    }
    colored = {name: rgb for name, rgb in pictures.items() if not is_black_and_white(rgb)}
    small = [to_reference(rgb) for rgb in colored.values()]
    photos = references_of([reference.rgb for reference in small], list(colored))
    return summarize(evaluate(by_network(network, photos, colored.__getitem__), photos))


def test_it_is_small_and_in_half_precision() -> None:
    assert WEIGHTS.stat().st_size <= 20e6
    with safe_open(WEIGHTS, framework="pt") as file:
        assert {str(file.get_tensor(name).dtype) for name in file.keys()} == {"torch.float16"}  # noqa: SIM118


def test_a_clone_finds_it_without_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(registry, "REPOSITORY", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert model_uri.find_weights() == WEIGHTS


@pytest.mark.slow
def test_photographs_are_as_colorful_as_people_take_them(scores: dict[str, float]) -> None:
    assert 0.7 < scores["chroma_ratio"] < 1.3
    assert scores["colorfulness_gap"] < 15  # of 46; no color is 46 short


@pytest.mark.slow
def test_it_does_not_lean_to_red(scores: dict[str, float]) -> None:
    assert abs(scores["delta_a"]) < 5
    assert scores["red_share_ratio"] < 1.5


def test_a_black_and_white_photograph_comes_out_in_color(
    network: TorchNetwork, sample_photos: dict[str, bytes]
) -> None:
    photo = Image.open(io.BytesIO(sample_photos["mirflickr/im1.jpg"])).convert("L")
    colored = Colorizer(network)(photo)
    assert colored.size == photo.size
    assert not is_black_and_white(np.asarray(colored))


def test_the_graph_beside_it_is_its_own_and_gives_the_same_colors(
    network: TorchNetwork, sample_photos: dict[str, bytes]
) -> None:
    graph = find_graph(WEIGHTS)
    assert graph, "write it anew: colorizer export --model shipped --beside --overwrite"
    assert graph.stat().st_size < 500_000
    by_torch, by_onnx = Colorizer(network), Colorizer.from_file(WEIGHTS)
    assert isinstance(by_onnx.network, OnnxNetwork)
    differences = []
    for name in ("mirflickr/im1.jpg", "mirflickr/im2.jpg", "mirflickr/im3.jpg"):
        rgb = decode(sample_photos[name]).rgb
        pair = (rgb2lab(colorizer.colorize(rgb)) for colorizer in (by_torch, by_onnx))
        differences.append(deltaE_ciede2000(*pair).mean())
    assert max(differences) < 0.3
    lightness = rgb_to_lab(rgb)[None, :1]
    shares = (colorizer.predict_ab_and_classes(lightness)[1] for colorizer in (by_torch, by_onnx))
    np.testing.assert_allclose(*shares, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 640)])
def test_small_and_very_long_photographs_are_colored(height: int, width: int) -> None:
    ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    rgb = np.repeat(ramp[..., None], 3, axis=2)
    colored = Colorizer.from_file(WEIGHTS).colorize(rgb)
    assert colored.shape == rgb.shape
    assert np.abs(rgb_to_lab(colored)[0] - rgb_to_lab(rgb)[0]).mean() < 0.5


def test_its_card_says_what_the_file_is(network: TorchNetwork) -> None:
    text = (WEIGHTS.parent / "README.md").read_text(encoding="utf-8")
    assert f"{network.metadata.size}×{network.metadata.size}" in text
    assert network.metadata.model in text
    assert json.dumps(network.metadata.arguments["widths"]) in text


def test_loading_it_imports_no_pytorch_and_its_compiler_never(tmp_path: Path) -> None:
    """They cost as much of a command's start as all else, and SciPy's linear algebra a tenth."""
    program = (
        "import sys; from pathlib import Path; from colorizer import Colorizer; "
        "from colorizer.inference.start import load_beside_loops; "
        f"weights = Path({str(WEIGHTS)!r}); "
        "colorizer = load_beside_loops(lambda: Colorizer.from_file(weights)); "
        "assert colorizer.metadata.model == 'flagship'; "
        "print({'torch', 'scipy.linalg'} & set(sys.modules)); "
        "from colorizer.inference.torch_network import TorchNetwork; "
        "TorchNetwork.from_file(weights); print('torch._dynamo' in sys.modules)"
    )
    named = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    env = {name: value for name, value in os.environ.items() if name not in named}
    env |= {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["set()", "False"], done.stderr
    assert not list(tmp_path.iterdir())  # such as ONNX Runtime's identifier of the device
