"""Models by name: from MLflow's registry, a file, or what ships."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
import pytest

from colorizer.errors import ColorizerError
from colorizer.tracking import model_uri as names
from colorizer.tracking.model_uri import (
    find_named,
    find_registry,
    find_weights,
    list_known,
    model_uri,
)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where there is no project, no registry and nothing that ships."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(names, "REPOSITORY", tmp_path / "repository")
    monkeypatch.setattr(names, "PRETRAINED", (tmp_path / "clone", tmp_path / "installed"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A registry's database, with two versions of one model, another model, and a best one."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        for name, versions in {"colorizer": 1, "colorizer-model2": 2}.items():
            client.create_registered_model(name)
            for number in range(1, versions + 1):
                weights = folder / name / str(number) / "artifacts" / "weights.safetensors"
                weights.parent.mkdir(parents=True)
                weights.write_text(f"{name} {number}")
                tags = {"psnr": f"2{number}.5", "profile": "demo"}
                client.create_model_version(name, weights.parents[1].as_uri(), tags=tags)
            client.set_registered_model_alias(name, "champion", "1")
        client.set_registered_model_alias("colorizer-model2", "paper", "2")
        yield folder / "mlflow.db"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("colorizer", "colorizer 1"),
        ("colorizer-model2", "colorizer-model2 1"),
        ("colorizer-model2@paper", "colorizer-model2 2"),
        ("colorizer-model2/2", "colorizer-model2 2"),
        ("models:/colorizer-model2/1", "colorizer-model2 1"),
        ("models:/colorizer-model2@paper", "colorizer-model2 2"),
    ],
)
@pytest.mark.parametrize("by", ["address", "folder", "repository"])
def test_a_registered_model_is_found_by_its_name(
    registry: Path, name: str, content: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "address":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registry}")
    elif by == "folder":
        monkeypatch.chdir(registry.parent)
    else:
        monkeypatch.setattr(names, "REPOSITORY", registry.parent)
    assert find_weights(name).read_text() == content


def test_the_address_comes_before_the_folder(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    assert find_registry() == f"sqlite:///{registry}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert find_registry() == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("colorizer-model9", "colorizer-model9 not found"),
        ("colorizer@best", "alias best not found"),
        ("colorizer/7", "version=7"),
        ("two words", "two words"),
    ],
)
def test_an_unknown_model_is_told_in_one_line_that_says_what_to_do(
    registry: Path, name: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    with pytest.raises(ColorizerError, match=found) as error:
        find_weights(name)
    assert "make demo" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_registry_that_does_not_answer_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for ask in (find_weights, list_known):
        with pytest.raises(ColorizerError) as error:
            ask()
        assert len(str(error.value).splitlines()) == 1


def test_without_any_model_a_line_says_how_to_get_one() -> None:
    with pytest.raises(ColorizerError, match="no registry here: train one") as error:
        find_weights()
    assert len(str(error.value).splitlines()) == 1
    assert list_known() == []


@pytest.mark.parametrize("name", ["weights.safetensors", "folder/network.onnx"])
def test_a_weights_file_is_itself(name: str) -> None:
    with pytest.raises(ColorizerError, match=f"{name}: no such weights file"):
        find_weights(name)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).touch()
    assert find_weights(name) == Path(name)


@pytest.mark.parametrize("place", [0, 1], ids=["clone", "installed"])
def test_what_ships_serves_where_no_registry_has_it(
    registry: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("colorizer", "extra"):
        ship(name, place)
    assert find_weights() == names.PRETRAINED[place] / "colorizer.safetensors"
    monkeypatch.chdir(registry.parent)
    assert find_weights().read_text() == "colorizer 1"
    assert find_weights("extra") == names.PRETRAINED[place] / "extra.safetensors"


@pytest.mark.parametrize("name", ["colorizer@demo", "colorizer@champoin", "colorizer/2"])
def test_what_ships_stands_for_no_other_alias_or_version(registry: Path, name: str) -> None:
    ship("colorizer")
    with pytest.raises(ColorizerError, match=f"no model '{name}'"):
        find_weights(name)


@pytest.mark.parametrize("name", ["colorizer@champion", "models:/colorizer@champion"])
def test_what_ships_is_the_champion_where_there_is_no_registry(name: str) -> None:
    ship("colorizer")
    assert find_weights(name) == names.PRETRAINED[0] / "colorizer.safetensors"


def test_what_ships_comes_before_the_champion_of_a_trial(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    with mark("colorizer", registry):
        assert find_weights().read_text() == "colorizer 1"  # there is no other
        ship("colorizer")
        assert find_weights() == names.PRETRAINED[0] / "colorizer.safetensors"
        assert find_weights("colorizer@champion").read_text() == "colorizer 1"
        assert find_weights("colorizer/1").read_text() == "colorizer 1"
    assert find_weights().read_text() == "colorizer 1"


def ship(name: str, place: int = 0) -> None:
    names.PRETRAINED[place].mkdir(exist_ok=True)
    (names.PRETRAINED[place] / f"{name}.safetensors").touch()


@contextmanager
def mark(name: str, registry: Path) -> Iterator[None]:
    """Mark a model's first version as a trial's meanwhile."""
    client = mlflow.MlflowClient(f"sqlite:///{registry}")
    client.set_model_version_tag(name, "1", names.TRIAL, "true")
    yield
    client.delete_model_version_tag(name, "1", names.TRIAL)


def test_models_are_listed_with_their_aliases_and_scores(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    ship("colorizer")
    known = [(m.name, m.version, m.aliases, m.scores) for m in list_known()]
    assert known == [
        ("colorizer", 0, (), {}),
        ("colorizer", 1, ("champion",), {"psnr": 21.5}),
        ("colorizer-model2", 1, ("champion",), {"psnr": 21.5}),
        ("colorizer-model2", 2, ("paper",), {"psnr": 22.5}),
    ]


def test_the_caller_s_tracking_address_stays(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    find_weights()
    list_known()
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_the_environment_s_address_is_not_fixed(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for address in (f"sqlite:///{registry}", "http://127.0.0.1:1"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with suppress(ColorizerError):
            list_known()
        assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == address


def test_mlflow_that_is_not_installed_is_told(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.parent)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ColorizerError, match="pip install mlflow"):
        find_weights()


def test_names_become_uris() -> None:
    assert model_uri("colorizer-model2") == "models:/colorizer-model2@champion"
    assert model_uri("models:/a@b") == "models:/a@b"


def test_weights_of_a_training_go_by_their_folder_and_no_two_by_one_name(tmp_path: Path) -> None:
    files = [tmp_path / "small" / "weights.safetensors", tmp_path / "other.safetensors"]
    files[0].parent.mkdir()
    for file in files:
        file.touch()
    assert find_named(map(str, files)) == dict(zip(("small", "other"), files, strict=True))
    with pytest.raises(ColorizerError, match="another is called 'small' already: rename it"):
        find_named([str(files[0])] * 2)
