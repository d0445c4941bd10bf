import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from colorizer.color.lab import convention
from colorizer.errors import ColorizerError
from colorizer.models import create_model, list_models
from colorizer.models.weights import HALF_TOLERANCE, load_model, save_weights, write_half
from colorizer.models.weights_metadata import FORMAT, KEY, WeightsMetadata

METADATA = WeightsMetadata("model1", {"widths": [2, 3], "norm": "group", "init": "xavier"}, size=48)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return create_model(METADATA.model, **METADATA.arguments)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(path, METADATA, network().state_dict())
    return path


def read_header(path: Path) -> dict[str, Any]:
    """Read a safetensors file's JSON header with nothing but the format's description."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    return header


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a weights file again that describes itself otherwise."""
    described = json.loads(read_header(path)["__metadata__"][KEY])
    change(described)
    save_file(load_file(path), path, metadata={KEY: json.dumps(described)})


def refusal(path: Path) -> str:
    with pytest.raises(ColorizerError) as error:
        load_model(path)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_what_was_saved_is_loaded_bit_for_bit(weights: Path) -> None:
    model, metadata = load_model(weights)
    assert metadata == METADATA
    expected = network().state_dict()
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())


def test_a_loaded_network_is_ready_for_use(weights: Path) -> None:
    model, _ = load_model(weights)
    assert not any(module.training for module in model.modules())
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}


@pytest.mark.parametrize("name", list_models())
def test_every_model_can_be_saved_with_its_default_arguments(name: str, tmp_path: Path) -> None:
    save_weights(
        tmp_path / "weights", WeightsMetadata(name, {}, 64), create_model(name).state_dict()
    )
    assert load_model(tmp_path / "weights")[1] == WeightsMetadata(name, {}, 64)


def test_channels_last_weights_are_saved_as_they_count(tmp_path: Path) -> None:
    model = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_weights(tmp_path / "weights", METADATA, model.state_dict())
    expected = network().state_dict()
    loaded = load_model(tmp_path / "weights")[0].state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.items())


def test_the_same_weights_are_the_same_bytes(weights: Path, tmp_path: Path) -> None:
    save_weights(tmp_path / "again", METADATA, network().state_dict())
    assert (tmp_path / "again").read_bytes() == weights.read_bytes()


def test_the_file_is_no_pickle_and_says_what_it_is(weights: Path) -> None:
    header = read_header(weights)
    described = json.loads(header.pop("__metadata__")[KEY])
    assert header.keys() == network().state_dict().keys()
    assert described == {
        "format": FORMAT,
        "model": METADATA.model,
        "arguments": METADATA.arguments,
        "size": METADATA.size,
        "resample": "bicubic",
        "geometry": "square",
        "color": convention(),
    }


def test_saving_again_replaces(weights: Path) -> None:
    save_weights(weights, METADATA, network(seed=1).state_dict())
    loaded = load_model(weights)[0].state_dict()
    assert all(torch.equal(tensor, loaded[key]) for key, tensor in network(1).state_dict().items())
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.safetensors")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"weights" * 100, b"\x80\x04.", b"\x02\0\0\0\0\0\0\0{}"]
)
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(content)
    refusal(tmp_path / "weights")


@pytest.mark.parametrize("missing", [1, 100])
def test_a_file_cut_short_is_refused(weights: Path, missing: int) -> None:
    weights.write_bytes(weights.read_bytes()[:-missing])
    assert "no readable weights file" in refusal(weights)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"format": "pt"}, {KEY: '{"format": "colorizer/999"}'}]
)
def test_another_format_is_refused(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save_file({"head.weight": torch.zeros(1)}, path, metadata=metadata)
    assert f"expected {FORMAT!r}" in refusal(path)


@pytest.mark.parametrize("change", [{"ab_scale": 128.0}, {"space": "CIELAB D50/2"}, {"new": 1}])
def test_another_color_convention_is_refused(weights: Path, change: dict[str, Any]) -> None:
    color = convention() | change
    rewrite(weights, lambda described: described.update(color=color))
    assert str(convention()) in refusal(weights)


def _without_head(tensors: dict[str, Tensor]) -> None:
    del tensors["head.weight"]


def _with_more(tensors: dict[str, Tensor]) -> None:
    tensors["tail.weight"] = torch.zeros(1)


def _wider(tensors: dict[str, Tensor]) -> None:
    tensors["head.weight"] = torch.zeros(2, 99, 2, 2)


@pytest.mark.parametrize("damage", [_without_head, _with_more, _wider])
def test_weights_that_do_not_fit_are_refused(
    damage: Callable[[dict[str, Tensor]], None], tmp_path: Path
) -> None:
    tensors = dict(network().state_dict())
    damage(tensors)
    save_weights(tmp_path / "weights", METADATA, tensors)
    assert "the weights do not fit model1" in refusal(tmp_path / "weights")


def test_weights_of_a_model_that_is_not_known_here_are_refused(weights: Path) -> None:
    rewrite(weights, lambda described: described.update(model="model9"))
    with pytest.raises(ColorizerError, match="no model is called 'model9'"):
        load_model(weights)


def test_half_precision_takes_half_the_bytes_and_colors_alike(
    weights: Path, tmp_path: Path
) -> None:
    target = tmp_path / "half.safetensors"
    difference = write_half(weights, target)
    assert {tensor.dtype for tensor in load_file(target).values()} == {torch.float16}
    (whole, metadata), (half, same) = load_model(weights), load_model(target)
    assert same == metadata
    assert {parameter.dtype for parameter in half.parameters()} == {torch.float32}
    lightness = torch.rand(1, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        moved = 110 * (half(lightness) - whole(lightness)).abs().max()
    assert 0 < moved < HALF_TOLERANCE
    assert 0 < difference < HALF_TOLERANCE


def test_batch_normalization_keeps_its_count_in_half_precision(tmp_path: Path) -> None:
    metadata = WeightsMetadata("model1", {"widths": [2, 3], "norm": "batch"}, size=16)
    model = create_model(metadata.model, **metadata.arguments)
    save_weights(tmp_path / "weights", metadata, model.state_dict())
    write_half(tmp_path / "weights", tmp_path / "half")
    assert load_file(tmp_path / "half")["encoder.0.norm.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("weight", [1e6, float("nan")], ids=["too large for it", "not finite"])
def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path, weight: float) -> None:
    model = network()
    state = model.state_dict()
    state["head.weight"].fill_(weight)
    save_weights(tmp_path / "weights", METADATA, state)
    with pytest.raises(ColorizerError, match=r"in half precision .*: nothing was written"):
        write_half(tmp_path / "weights", tmp_path / "half")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_bins_as_files_before_spelled_them_are_read(tmp_path: Path) -> None:
    metadata = WeightsMetadata("zhang2016", {"width": 1}, 16)
    weights = create_model("zhang2016", width=1).state_dict()
    weights["centres"] = weights.pop("centers") + 1
    save_weights(tmp_path / "weights", metadata, weights)
    loaded = load_model(tmp_path / "weights")[0].state_dict()
    assert torch.equal(loaded["centers"], weights["centres"])
