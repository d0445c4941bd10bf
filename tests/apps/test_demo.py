"""The demo borrows params.yaml and gives it back as it was."""

import shutil
from pathlib import Path

import pytest

from colorizer.apps.demo import active_profile
from colorizer.errors import ColorizerError
from colorizer.params import load_params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params_file(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


def test_another_profile_is_active_for_a_while(params_file: Path) -> None:
    before = params_file.read_text()
    with active_profile("demo", params_file):
        assert load_params(params_file).profile == "demo"
        assert "# photographs" in params_file.read_text()  # comments stay
    assert params_file.read_text() == before


def test_params_come_back_after_a_failure(params_file: Path) -> None:
    before = params_file.read_text()
    with pytest.raises(KeyboardInterrupt), active_profile("demo", params_file):
        raise KeyboardInterrupt
    assert params_file.read_text() == before


def test_an_unknown_profile_is_refused_and_nothing_changes(params_file: Path) -> None:
    before = params_file.read_text()
    with pytest.raises(ColorizerError, match="'poster'"), active_profile("poster", params_file):
        pass
    assert params_file.read_text() == before
