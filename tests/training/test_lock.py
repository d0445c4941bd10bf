"""A training's folder belongs to one process at a time."""

from pathlib import Path

import pytest

from colorizer.errors import ColorizerError
from colorizer.training.lock import only_process


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    with (
        only_process(tmp_path / "run"),
        pytest.raises(ColorizerError, match="another process is training"),
        only_process(tmp_path / "run"),
    ):
        pass
    with only_process(tmp_path / "run"):  # free again
        pass
