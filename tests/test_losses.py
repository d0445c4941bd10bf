import pytest
import torch

from colorizer.losses import l2
from colorizer.metrics import squared_error


def test_l2_worked_by_hand() -> None:
    preds = torch.tensor([[[[0.0, 1.0]], [[2.0, 0.0]]]])  # (1, 2, 1, 2)
    target = torch.tensor([[[[0.0, 0.0]], [[0.0, 1.0]]]])
    assert l2(preds, target).item() == (0 + 1 + 4 + 1) / 4


def test_l2_of_equals_is_zero() -> None:
    ab = torch.rand(2, 2, 3, 5)
    assert l2(ab, ab).item() == 0


def test_l2_is_the_mean_over_photographs_of_the_metric() -> None:
    generator = torch.Generator().manual_seed(0)
    preds, target = torch.randn(2, 3, 2, 5, 7, generator=generator)
    torch.testing.assert_close(l2(preds, target), squared_error(preds, target).mean())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_l2_is_computed_in_float32_whatever_the_network_gives(dtype: torch.dtype) -> None:
    preds = torch.full((1, 2, 4, 4), 300.0, dtype=dtype)  # its square overflows float16
    loss = l2(preds, torch.zeros_like(preds))
    assert loss.dtype == torch.float32
    assert loss.shape == ()
    assert loss.item() == 90_000


def test_the_gradient_is_twice_the_difference_over_the_count() -> None:
    preds = torch.tensor([[[[1.0]], [[-3.0]]]], requires_grad=True)
    l2(preds, torch.zeros(1, 2, 1, 1)).backward()
    assert preds.grad is not None
    assert preds.grad.flatten().tolist() == [1.0, -3.0]
