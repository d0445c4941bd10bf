import numpy as np
import pytest
import torch

from colorizer.color.ab_quantization import (
    annealed_mean,
    bin_centers,
    chroma_quantile,
    order_by_chroma,
)
from colorizer.color.lab import rgb_to_lab
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from colorizer.training.loop.ab_encoding import (
    count_bins,
    encode,
    nearest_bin,
    rebalancing_weights,
)

ORDER = order_by_chroma(bin_centers())


def ab_of(*colors: tuple[float, float]) -> torch.Tensor:
    """Return one photograph of one row of pixels."""
    return torch.tensor(colors).T[None, :, None]


def test_the_bins_are_the_squares_of_the_grid_that_srgb_reaches() -> None:
    centers = bin_centers()
    assert len(centers) == 260
    assert (centers % 10 == 0).all()
    assert len({tuple(c) for c in centers.tolist()}) == 260
    random = np.random.default_rng(0).integers(0, 256, (20_000, 1, 3), dtype=np.uint8)
    nearest = torch.from_numpy(rgb_to_lab(random)[1:].reshape(2, -1).T)
    assert torch.cdist(nearest, centers).min(1).values.max() < 10 / np.sqrt(2) + 1.5


def test_a_center_is_mostly_its_own_bin() -> None:
    centers = bin_centers()
    bins, weights = encode(centers.T[None, :, None])
    assert bins.shape == weights.shape == (1, 5, 1, 260)
    assert bins[0, 0, 0].tolist() == list(range(260))
    inner = torch.tensor([tuple(c) == (0, 0) for c in centers.tolist()])
    # itself at distance 0 and four at 10: 1 / (1 + 4 exp(-2))
    expected = 1 / (1 + 4 * np.exp(-2))
    assert weights[0, 0, 0][inner].item() == pytest.approx(expected, rel=1e-5)


def test_weights_add_up_to_one_and_nearer_bins_have_more() -> None:
    generator = torch.Generator().manual_seed(0)
    ab = torch.rand(2, 2, 8, 8, generator=generator) * 160 - 80
    bins, weights = encode(ab)
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 8, 8))
    assert (weights.diff(dim=1) <= 1e-7).all()
    distances = (bin_centers()[bins[:, 0]] - ab.round().permute(0, 2, 3, 1)).norm(dim=-1)
    everywhere = torch.cdist(ab.round().permute(0, 2, 3, 1).reshape(-1, 2), bin_centers())
    torch.testing.assert_close(distances.flatten(), everywhere.min(1).values)


@pytest.mark.parametrize("value", [-500.0, 500.0])
def test_what_lies_beyond_is_the_outermost(value: float) -> None:
    bins, weights = encode(ab_of((value, value)))
    assert torch.isfinite(weights).all()
    assert 0 <= bins.min() <= bins.max() < 260


def test_the_annealed_mean_goes_from_the_mode_to_the_mean() -> None:
    centers = bin_centers()
    logits = torch.full((1, 260, 1, 1), -50.0)
    red, blue = (centers.tolist().index(color) for color in ([60.0, 40.0], [10.0, -40.0]))
    logits[0, red], logits[0, blue] = np.log(0.7), np.log(0.3)
    mean = annealed_mean(logits, centers, 1.0).flatten()
    torch.testing.assert_close(mean, 0.7 * centers[red] + 0.3 * centers[blue])
    mode = annealed_mean(logits, centers, 0.01).flatten()
    torch.testing.assert_close(mode, centers[red])
    between = annealed_mean(logits, centers, 0.38).flatten()
    share = 0.7 ** (1 / 0.38) / (0.7 ** (1 / 0.38) + 0.3 ** (1 / 0.38))
    torch.testing.assert_close(between, share * centers[red] + (1 - share) * centers[blue])


@pytest.mark.parametrize("quantile", [0.3, 0.5, 0.8])
def test_the_quantile_of_chroma_has_its_share_of_the_weight_below_it(quantile: float) -> None:
    logits = torch.randn(2, 260, 5, 5, generator=torch.Generator().manual_seed(0))
    chroma = chroma_quantile(logits, bin_centers(), ORDER, quantile)
    assert chroma.shape == (2, 1, 5, 5)
    shares, chromas = logits.softmax(1), bin_centers().norm(dim=1).view(1, -1, 1, 1)
    below, up_to = (
        (shares * mask).sum(1, keepdim=True) for mask in (chromas < chroma, chromas <= chroma + 10)
    )
    assert (below <= quantile + 1e-5).all()
    assert (up_to >= quantile).all()


def test_the_quantile_of_chroma_moves_without_steps() -> None:
    """Else two machines, or two frames, would differ by a visible step."""
    logits = torch.randn(1, 260, 1, 1, generator=torch.Generator().manual_seed(0))
    path = torch.linspace(-3, 3, 20_001).view(-1, 1, 1, 1)
    gray = (bin_centers().norm(dim=1) < 20).float().view(1, -1, 1, 1)
    chroma = chroma_quantile(logits + path * gray, bin_centers(), ORDER, 0.5).flatten()
    assert chroma[0] - chroma[-1] > 20
    assert chroma.diff().abs().max() < 1


def test_encoding_and_the_mean_give_a_photograph_back(sample_photos: dict[str, bytes]) -> None:
    rgb = resize(decode(sample_photos["mirflickr/im2.jpg"]).rgb, size=32, resample="bilinear")
    ab = torch.from_numpy(rgb_to_lab(rgb))[None, 1:]
    bins, weights = encode(ab)
    logits = torch.full((1, 260, 32, 32), -100.0).scatter(1, bins, weights.log())
    again = annealed_mean(logits, bin_centers(), 1.0)
    assert (again - ab).abs().mean() < 1.5  # a grid of step 10, spread over five


def test_pixels_are_counted_by_their_nearest_bin() -> None:
    counts = count_bins(ab_of((1, 2), (-3, 4), (21, 19)))
    centers = bin_centers().tolist()
    assert counts.sum() == 3
    assert counts[centers.index([0.0, 0.0])] == 2
    assert counts[centers.index([20.0, 20.0])] == 1


def test_rare_colors_count_more_and_the_mean_pixel_one() -> None:
    generator = torch.Generator().manual_seed(0)
    counts = (torch.rand(260, generator=generator) * 1000).long()
    counts[100] = 100_000
    for uniform in (0.0, 0.5, 1.0):
        weights = rebalancing_weights(counts, uniform)
        assert (weights * counts / counts.sum()).sum().item() == pytest.approx(1, rel=1e-5)
    assert torch.allclose(rebalancing_weights(counts, 1.0), torch.ones(260))
    half, none = rebalancing_weights(counts, 0.5), rebalancing_weights(counts, 0.0)
    assert half[100] == half.min()
    assert none.max() / none.min() > half.max() / half.min() > 1


def test_the_annealed_mean_is_as_exact_under_autocast() -> None:
    logits = torch.randn(1, len(bin_centers()), 3, 3, generator=torch.Generator().manual_seed(0))
    plain = annealed_mean(logits, bin_centers(), 0.38)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = annealed_mean(logits, bin_centers(), 0.38)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, plain)


def test_the_nearest_bin_is_the_first_of_the_encoding() -> None:
    ab = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(0)) * 40
    assert torch.equal(nearest_bin(ab), encode(ab)[0][:, 0])
