"""The index of similar photographs."""

from pathlib import Path

import numpy as np
import pytest

from colorizer.errors import ColorizerError
from colorizer.methods.similar import DIRECTIONS, Index, pool


def made(count: int = 300, channels: int = 80) -> tuple[list[str], np.ndarray]:
    """Return pooled features of photographs in clusters of three."""
    random = np.random.default_rng(1)
    middles = np.repeat(random.normal(size=(count // 3, channels)), 3, axis=0)
    pooled = 5 + 2 * middles + 0.1 * random.normal(size=(count, channels))
    return [f"photos.zip/{n}.jpg" for n in range(count)], pooled.astype(np.float32)


def test_those_of_its_cluster_are_found_first(tmp_path: Path) -> None:
    ids, pooled = made()
    Index.fit(ids, pooled, model="flagship 0123").save(tmp_path / "similar")
    index = Index.load(tmp_path / "similar")
    assert (index.model, index.descriptors.shape) == ("flagship 0123", (300, DIRECTIONS))
    for place in (0, 100, 299):
        found = index.search(pooled[place], 3)
        assert found[0] == (ids[place], pytest.approx(1, abs=1e-5))
        assert {name for name, _ in found} == set(ids[place // 3 * 3 : place // 3 * 3 + 3])
        assert found[2][1] > 0.9
    assert len(index.search(pooled[0], 1000)) == 300


def test_features_are_averaged_over_all_places() -> None:
    features = np.stack([np.full((2, 3), 1.0), np.arange(6).reshape(2, 3)]).astype(np.float32)
    np.testing.assert_allclose(pool(features), [1, 2.5])


def test_an_index_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match="holds no index of similar photographs"):
        Index.load(tmp_path)
    with pytest.raises(ColorizerError, match="0 photographs"):
        Index.fit([], np.zeros((0, 4), np.float32), model="")
