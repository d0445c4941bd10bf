import numpy as np
import pytest

from colorizer.photo.visible_mark import draw_mark


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(20, 20), (90, 120), (1500, 1000)])
def test_mark_can_be_read_on_any_ground(shape: tuple[int, int], level: float, dtype: type) -> None:
    top = np.iinfo(dtype).max
    before = np.full((*shape, 3), round(level * top), dtype)
    after = before.copy()
    rows, columns = draw_mark(after)
    assert (rows.stop, columns.stop) == shape
    box = after[rows, columns].astype(float) / top
    if min(shape) > 20:  # or the word cannot be read
        assert box.max() - box.min() > 0.6
        assert 0.1 < (box > 0.7).mean() < 0.5
        assert box.shape[0] * box.shape[1] < 0.12 * shape[0] * shape[1]
    after[rows, columns] = before[rows, columns]
    np.testing.assert_array_equal(after, before)
