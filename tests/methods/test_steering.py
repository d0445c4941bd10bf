"""Colors steered by references, where what looks alike is known."""

import numpy as np
import pytest

from colorizer.methods.steering import Reference, Sight, steer

SHAPE = 70, 100
CELLS = 5, 7  # of 16 pixels each
CHANNELS = 400  # so many that random features are alike by chance nowhere


def reference(seed: int, *, ab: tuple[float, float] = (30.0, -20.0)) -> Reference:
    """Return a picture of one color, which the network believes gray, with features of its own."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(CHANNELS, *CELLS)).astype(np.float32)
    lightness = np.full(SHAPE, 50, np.float32)
    sight = Sight(lightness, np.zeros((2, *SHAPE), np.float32), features)
    return Reference(sight, np.broadcast_to(np.float32(ab)[:, None, None], (2, *SHAPE)))


def test_a_photograph_like_itself_gets_nearly_its_own_colors() -> None:
    own = reference(1)
    found = steer(own.sight, [own])
    assert (found.ab.dtype, found.ab.shape) == (np.float32, (2, *SHAPE))
    assert found.alike > 0.7
    distance = np.linalg.norm(found.ab - own.ab, axis=0)
    assert np.median(distance) < 0.3 * np.hypot(30, 20)
    hue = np.degrees(np.arctan2(found.ab[1], found.ab[0]) - np.arctan2(-20, 30))
    assert np.abs(hue).max() < 1


def test_what_looks_like_nothing_in_the_reference_keeps_its_colors() -> None:
    photo, other = reference(1), reference(2)
    found = steer(photo.sight, [other])
    assert found.alike < 0.01
    assert np.abs(found.ab - photo.sight.ab).max() < 2


def test_of_several_references_the_one_that_looks_alike_counts() -> None:
    photo, other = reference(1), reference(2, ab=(-30, 20))
    found = steer(photo.sight, [other, photo])
    assert np.median(found.ab[0]) > 15


def test_lightness_tells_apart_what_features_do_not() -> None:
    own = reference(1)
    lightness = own.sight.lightness.copy()
    lightness[:, 50:] = 90
    features = np.repeat(own.sight.features[:, :, :1], CELLS[1], axis=2)
    sight = Sight(lightness, own.sight.ab, features)
    ab = np.where(np.arange(100) < 48, own.ab, -own.ab).astype(np.float32)
    found = steer(sight, [Reference(sight, ab)]).ab
    assert np.median(found[0, :, :40]) > 15
    assert np.median(found[0, :, 60:]) < -15


@pytest.mark.parametrize(("factor", "stronger"), [(4.0, True), (0.25, False)])
def test_colors_come_nearer_to_the_references_strength(factor: float, stronger: bool) -> None:
    photo, other = reference(1), reference(2)
    ab = np.full((2, *SHAPE), 10, np.float32)
    dull = Sight(photo.sight.lightness, ab, photo.sight.features)
    far = Sight(np.full(SHAPE, 50, np.float32), ab, other.sight.features)
    changed = np.hypot(*steer(dull, [Reference(far, factor * ab)]).ab) / np.hypot(*ab)
    assert (changed > 1.05).all() if stronger else (changed < 0.95).all()
    assert (changed > 0.7).all()
    assert (changed < 1.5).all()
