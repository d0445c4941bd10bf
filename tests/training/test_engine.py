"""Devices, precision, compiling: what is asked for, what there is, what `auto` makes of it."""

import importlib.util

import pytest
import torch
from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.params import Engine
from colorizer.training import engine
from colorizer.training.device import choose_device
from colorizer.training.engine import (
    WORTH_COMPILING,
    choose_precision,
    compile_pays,
    make_fabric,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """What torchrun tells the first of two processes on the first of two machines."""
    told = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "4"}
    told |= {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("available", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_the_gpu_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, available: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device(Engine()) == torch.device(expected)
    assert choose_device(Engine(accelerator="cpu")) == CPU


@pytest.mark.parametrize("accelerator", ["cuda", "mps"])
def test_a_gpu_that_is_not_there_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, accelerator: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ColorizerError) as caught:
        make_fabric(Engine.model_validate({"accelerator": accelerator}))
    assert str(caught.value) == (
        f"engine.accelerator is {accelerator}, but PyTorch sees no GPU of that kind: "
        "use auto or cpu"
    )


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_auto_is_bf16_where_the_hardware_has_it(
    monkeypatch: pytest.MonkeyPatch, device: torch.device, native: bool, expected: str
) -> None:
    monkeypatch.setattr(engine, "computes_bf16", lambda asked: native and asked == device)
    assert choose_precision(Engine(), device) == expected
    assert choose_precision(Engine(precision="32-true"), device) == "32-true"
    assert choose_precision(Engine(precision="bf16-mixed"), device) == "bf16-mixed"


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_precision_is_the_fabrics(precision: str) -> None:
    asked = Engine.model_validate({"accelerator": "cpu", "precision": precision})
    with make_fabric(asked).autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == {"32-true": torch.float32, "bf16-mixed": torch.bfloat16}[precision]


@pytest.mark.parametrize("devices", [1, 2, 4, 8])
def test_devices_are_the_fabrics(devices: int) -> None:
    fabric = make_fabric(Engine(accelerator="cpu", devices=devices))
    assert (fabric.world_size, fabric.global_rank, fabric.device) == (devices, 0, CPU)


@pytest.mark.parametrize("devices", [3, 5, 16])
def test_devices_that_cannot_share_the_photographs_are_one_clear_line(devices: int) -> None:
    with pytest.raises(ColorizerError) as caught:
        make_fabric(Engine.model_construct(accelerator="cpu", devices=devices))  # as from torchrun
    assert str(caught.value) == (
        f"a training is shared by 1, 2, 4 or 8 devices, but {devices} are asked for: "
        "change engine.devices in params.yaml, or what torchrun starts"
    )


@pytest.mark.usefixtures("torchrun")
def test_torchrun_decides_how_many_processes_there_are() -> None:
    fabric = make_fabric(Engine(accelerator="cpu", devices=8))
    assert (fabric.world_size, fabric.is_global_zero) == (4, True)


@pytest.mark.usefixtures("torchrun")
def test_processes_of_torchrun_that_cannot_share_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "6")
    with pytest.raises(ColorizerError, match="but 6 are asked for"):
        make_fabric(Engine(accelerator="cpu"))


@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_compiling_is_as_asked(device: torch.device) -> None:
    assert compile_pays(Engine(compile="always"), device, steps=1)
    assert not compile_pays(Engine(compile="never"), device, steps=10 * WORTH_COMPILING)


@pytest.mark.parametrize("triton", [True, False])
def test_auto_compiles_long_trainings_on_a_gpu_that_triton_can_compile_for(
    monkeypatch: pytest.MonkeyPatch, triton: bool
) -> None:
    def find_spec(name: str) -> object:
        assert name == "triton"
        return object() if triton else None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert compile_pays(Engine(), CUDA, steps=WORTH_COMPILING) is triton
    assert compile_pays(Engine(), CUDA, steps=WORTH_COMPILING - 1) is False
    assert compile_pays(Engine(), CPU, steps=10 * WORTH_COMPILING) is False


def test_mixed_precision_leaves_true_colors_as_they_are() -> None:
    class Seen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(2, 2, 1)

        def forward(self, ab: Tensor) -> Tensor:
            seen.append(ab)
            computed.append(self.layer(ab))
            return computed[-1].sum()

    seen: list[Tensor] = []
    computed: list[Tensor] = []
    model = Seen()
    fabric = make_fabric(Engine(accelerator="cpu", precision="bf16-mixed"))
    stepped, _ = fabric.setup(model, torch.optim.Adam(model.parameters()))
    ab = torch.rand(1, 2, 4, 4)
    stepped(ab)
    assert torch.equal(seen[0], ab)
    assert computed[0].dtype == torch.bfloat16
