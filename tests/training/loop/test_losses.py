from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from colorizer.color.ab_quantization import bin_centers
from colorizer.color.lab import denormalize_ab
from colorizer.errors import ColorizerError
from colorizer.evaluation.scoring.metrics import squared_error
from colorizer.models import create_model
from colorizer.training.loop.ab_encoding import encode
from colorizer.training.loop.losses import HUBER, Objective, cross_entropy, gradient, huber, l2


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


def test_huber_is_l2_for_small_errors_and_linear_beyond() -> None:
    small = torch.full((1, 2, 2, 2), HUBER / 2)
    torch.testing.assert_close(huber(small, small * 0), l2(small, small * 0))
    one, two = (huber(torch.full((1, 2, 2, 2), x), torch.zeros(1, 2, 2, 2)) for x in (1.0, 2.0))
    torch.testing.assert_close(two - one, torch.tensor(2 * HUBER))


def test_gradient_minds_edges_and_not_the_whole() -> None:
    target = torch.zeros(1, 2, 4, 4)
    assert gradient(target + 3, target) == 0
    step = target.clone()
    step[..., 2:] = 1  # of each row's three differences one errs by 1, of each column's none
    assert gradient(step, target).item() == pytest.approx((1 / 3 + 0) / 2)


def test_cross_entropy_is_least_for_the_true_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(1, 2, 4, 4, generator=generator) - 0.5
    weights = torch.ones(len(bin_centers()))
    bins, shares = encode(denormalize_ab(target))
    truth = torch.full((1, len(weights), 4, 4), -100.0).scatter(1, bins, shares.log())
    entropy = -(shares * shares.log()).sum(1).mean()
    torch.testing.assert_close(cross_entropy(truth, target, weights), entropy)
    other = truth + torch.randn(truth.shape, generator=generator)
    assert cross_entropy(other, target, weights) > entropy


def test_cross_entropy_weighs_each_pixel_by_its_nearest_bin() -> None:
    weights = torch.zeros(len(bin_centers()))
    weights[bin_centers().tolist().index([20.0, 30.0])] = 3
    target = torch.zeros(1, 2, 1, 2)
    target[0, :, 0, 0] = torch.tensor([21.0, 29.0]) / 110
    flat = torch.zeros(1, len(weights), 1, 2)
    expected = 3 * torch.tensor(float(len(weights))).log() / 2  # one of two pixels counts
    torch.testing.assert_close(cross_entropy(flat, target, weights), expected)


def test_cross_entropy_learns_the_mean_color_of_what_a_logit_covers() -> None:
    target = torch.zeros(1, 2, 2, 2)
    target[0, 0] = torch.tensor([[0.0, 0.4], [0.2, 0.2]])
    weights = torch.ones(len(bin_centers()))
    logits = torch.randn(1, len(weights), 1, 1, generator=torch.Generator().manual_seed(1))
    mean = target.mean((2, 3), keepdim=True)
    torch.testing.assert_close(
        cross_entropy(logits, target, weights), cross_entropy(logits, mean, weights)
    )


@pytest.mark.parametrize("loss", ["l2", "huber"])
def test_an_objective_is_its_loss_of_the_network(loss: str) -> None:
    torch.manual_seed(0)
    network = create_model("model1", widths=[2, 4])
    lightness, ab = torch.rand(2, 1, 8, 8), torch.rand(2, 2, 8, 8)
    plain = {"l2": l2, "huber": huber}[loss](network(lightness), ab)
    torch.testing.assert_close(Objective(network, loss)(lightness, ab), plain)
    both = Objective(network, loss, gradient_weight=2.0)(lightness, ab)
    torch.testing.assert_close(both, plain + 2 * gradient(network(lightness), ab))


def test_an_objective_of_bins_trains_the_logits() -> None:
    torch.manual_seed(0)
    network = create_model("zhang2016", width=2)
    weights = torch.rand(len(bin_centers()))
    lightness, ab = torch.rand(2, 1, 16, 16), torch.rand(2, 2, 16, 16) - 0.5
    objective = Objective(network, "bins", bin_weights=weights).eval()
    torch.testing.assert_close(
        objective(lightness, ab), cross_entropy(network.logits(lightness), ab, weights)
    )
    other = create_model("zhang2016", width=2).eval()
    torch.testing.assert_close(
        objective.of(other)(lightness, ab), cross_entropy(other.logits(lightness), ab, weights)
    )


def test_bins_of_what_predicts_none_are_refused() -> None:
    with pytest.raises(ColorizerError, match="head: bins"):
        Objective(create_model("model1"), "bins")


@pytest.mark.parametrize(("loss", "function"), [("l2", l2), ("huber", huber)])
def test_a_rare_color_s_pixel_counts_more(loss: str, function: Callable[..., Tensor]) -> None:
    weights = torch.ones(len(bin_centers()))
    weights[bin_centers().tolist().index([20.0, 30.0])] = 5
    target = torch.zeros(1, 2, 8, 8)
    target[0, :, 2, 3] = torch.tensor([21.0, 29.0]) / 110
    network = create_model("model1", widths=[2, 4])
    lightness = torch.rand(1, 1, 8, 8)
    counts = torch.ones(1, 1, 8, 8)
    counts[..., 2, 3] = 5
    expected = function(network(lightness), target, counts)
    objective = Objective(network, loss, bin_weights=weights)
    torch.testing.assert_close(objective(lightness, target), expected)
    assert expected > function(network(lightness), target)


@pytest.mark.parametrize("function", [l2, huber])
def test_pixels_that_count_alike_change_nothing(function: Callable[..., Tensor]) -> None:
    preds, target = torch.rand(2, 2, 4, 4), torch.rand(2, 2, 4, 4)
    weighted = function(preds, target, torch.ones(2, 1, 4, 4))
    torch.testing.assert_close(weighted, function(preds, target))
