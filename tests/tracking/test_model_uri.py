"""Models by name: from MLflow's registry, a file, or what ships."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import LoggedModelOutput

from colorizer.errors import ColorizerError
from colorizer.tracking import model_uri
from colorizer.tracking import registry as registries
from colorizer.tracking.model_uri import TRIAL, find_named, find_weights, list_known
from colorizer.tracking.registry import find_registry

HERE = "sqlite:///.*mlflow.db"
NOWHERE = "there is no registry here, and there is: "


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where there is no project, no registry and nothing that ships."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(registries, "REPOSITORY", tmp_path / "repository")
    monkeypatch.setattr(model_uri, "PRETRAINED", (tmp_path / "clone", tmp_path / "installed"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The weights that ship."""
    path = tmp_path / "clone" / "colorizer.safetensors"
    path.parent.mkdir()
    path.write_text("shipped")
    return path


class Kept:
    """A registry: two versions of one model, another model, a best one, and a run's two models."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "mlflow.db"
        self.address = f"sqlite:///{self.database}"
        self.client = mlflow.MlflowClient(self.address)
        self._register(folder)
        self._log_run(folder)

    def _register(self, folder: Path) -> None:
        for name, versions in {"colorizer": 1, "colorizer-model2": 2}.items():
            self.client.create_registered_model(name)
            for number in range(1, versions + 1):
                weights = folder / name / str(number) / "artifacts" / "weights.safetensors"
                weights.parent.mkdir(parents=True)
                weights.write_text(f"{name} {number}")
                tags = {"psnr": f"2{number}.5", "profile": "demo"}
                self.client.create_model_version(name, weights.parents[1].as_uri(), tags=tags)
            self.client.set_registered_model_alias(name, "champion", "1")
        self.client.set_registered_model_alias("colorizer-model2", "paper", "2")

    def _log_run(self, folder: Path) -> None:
        experiment = self.client.create_experiment("test", (folder / "artifacts").as_uri())
        self.run = self.client.create_run(experiment).info.run_id
        weights = folder / "weights.safetensors"
        weights.write_text("an artifact")
        self.client.log_artifact(self.run, str(weights), "some")
        self.models = {}
        for name in ("first", "second"):
            weights.write_text(f"logged {name}")
            (folder / name / "artifacts").mkdir(parents=True)
            weights.rename(folder / name / "artifacts" / weights.name)
            model = self.client.create_logged_model(experiment, name, source_run_id=self.run)
            self.client.log_model_artifacts(model.model_id, str(folder / name))
            self.client.finalize_logged_model(model.model_id, "READY")
            self.client.log_outputs(self.run, [LoggedModelOutput(model.model_id, step=1)])
            self.models[name] = model.model_id


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Kept(tmp_path_factory.mktemp("registry"))


FOUND = {
    "colorizer": "colorizer 1",
    "colorizer@champion": "colorizer 1",
    "colorizer-model2": "colorizer-model2 1",
    "colorizer-model2@paper": "colorizer-model2 2",
    "colorizer-model2/1": "colorizer-model2 1",
    "colorizer-model2/2": "colorizer-model2 2",
    "colorizer-model2/latest": "colorizer-model2 2",
    "models:/colorizer": "colorizer 1",
    "models:/colorizer-model2/1": "colorizer-model2 1",
    "models:/colorizer-model2@paper": "colorizer-model2 2",
    "models:/{first}": "logged first",
    "runs:/{run}": "logged second",
    "runs:/{run}/first": "logged first",
    "runs:/{run}/some/weights.safetensors": "an artifact",
    "shipped": "shipped",
}


@pytest.mark.parametrize("name", FOUND)
def test_a_model_is_found_by_any_spelling(
    registry: Kept, name: str, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.address)
    spelled = name.format(run=registry.run, **registry.models)
    assert find_weights(spelled).read_text() == FOUND[name]


MISSING = {
    "colorizer-model9": "no registered model 'colorizer-model9' at {here}; there is: {names}; ",
    "colorizer-model9@paper": "no registered model 'colorizer-model9' at {here}; there is: {names}",
    "two words": "no registered model 'two words' at {here}; there is: {names}; ",
    "none": "no registered model 'none' at {here}; there is: {names}; ",
    "colorizer@best": "no alias 'best' of colorizer at {here}; there is: {versions}; ",
    "models:/colorizer@best": "no alias 'best' of colorizer at {here}; there is: {versions}; ",
    "colorizer/7": "no version 7 of colorizer at {here}; there is: {versions}; ",
    "models:/colorizer/7": "no version 7 of colorizer at {here}; there is: {versions}; ",
    "colorizer-model9/latest": "no registered model 'colorizer-model9' at {here}; there is: ",
    f"models:/m-{'0' * 32}": f"no logged model 'm-{'0' * 32}' at {{here}}; there is: {{names}}; ",
    "runs:/abc": "no run 'abc' at {here}; there is: {names}; ",
    "runs:/{run}/third": "no model runs:/{run}/third at {here}; there is: {logged}; ",
    "runs:/{run}/some/other.onnx": "runs:/{run}/some/other.onnx cannot be fetched from {here}: ",
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_told_in_one_line_that_lists_what_there_is(
    registry: Kept, name: str, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.database.parent)
    with pytest.raises(ColorizerError) as error:
        find_weights(name.format(run=registry.run))
    (line,) = str(error.value).splitlines()
    assert line.startswith(
        MISSING[name].format(
            here=registry.address,
            names="colorizer, colorizer-model2",
            versions="colorizer/1 champion",
            logged=f"runs:/{registry.run}/first, runs:/{registry.run}/second",
            run=registry.run,
        )
    )


@pytest.mark.parametrize("name", [name for name in FOUND if name not in ("colorizer", "shipped")])
def test_without_a_registry_no_other_name_stands_for_what_ships(name: str, shipped: Path) -> None:
    with pytest.raises(ColorizerError, match=f"{NOWHERE}shipped; train one") as error:
        find_weights(name.format(run="0" * 32, first=f"m-{'0' * 32}"))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("by", ["address", "folder", "repository"])
def test_the_registry_is_the_environment_s_or_the_project_s(
    registry: Kept, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "address":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.address)
    elif by == "folder":
        monkeypatch.chdir(registry.database.parent)
    else:
        monkeypatch.setattr(registries, "REPOSITORY", registry.database.parent)
    assert find_weights().read_text() == "colorizer 1"


def test_the_address_comes_before_the_folder(
    registry: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.database.parent)
    assert find_registry() == registry.address
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert find_registry() == "http://127.0.0.1:9"


@pytest.mark.parametrize("name", ["colorizer", "colorizer@champion", "runs:/abc", None])
def test_a_registry_that_does_not_answer_is_told_in_one_line(
    name: str | None, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ColorizerError, match=r"9 does not answer: .*--model shipped") as error:
        find_weights(name) if name else list_known()
    assert len(str(error.value).splitlines()) == 1
    assert find_weights("shipped") == shipped


def test_without_any_model_a_line_says_how_to_get_one() -> None:
    for name in ("colorizer", "shipped"):
        with pytest.raises(ColorizerError, match=r"no weights ship .*: train one") as error:
            find_weights(name)
        assert len(str(error.value).splitlines()) == 1
    with pytest.raises(ColorizerError, match=f"{NOWHERE}none; train one"):
        find_weights("colorizer-model2")
    assert list_known() == []


@pytest.mark.parametrize("name", ["weights.safetensors", "folder/network.onnx"])
def test_a_weights_file_is_itself(name: str) -> None:
    with pytest.raises(ColorizerError, match=f"{name}: no such weights file"):
        find_weights(name)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).touch()
    assert find_weights(name) == Path(name)


def test_what_ships_is_found_where_it_is_installed(tmp_path: Path) -> None:
    installed = tmp_path / "installed" / "colorizer.safetensors"
    installed.parent.mkdir()
    installed.touch()
    assert find_weights("shipped") == installed


def test_what_ships_stands_for_the_best_where_there_is_no_champion(
    registry: Kept,
    shipped: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert find_weights() == shipped
    monkeypatch.chdir(registry.database.parent)
    with no_champion(registry):
        assert find_weights() == shipped
        with pytest.raises(ColorizerError, match="no alias 'champion' of colorizer"):
            find_weights("colorizer@champion")
    assert caplog.messages == [
        f"{registry.address} has no colorizer@champion: using the weights that ship "
        "(--model shipped)",
    ]


def test_what_ships_comes_before_the_champion_of_a_trial(
    registry: Kept,
    shipped: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(registry.database.parent)
    with trial(registry):
        assert find_weights() == shipped
        assert find_weights("colorizer@champion").read_text() == "colorizer 1"
        assert find_weights("colorizer/1").read_text() == "colorizer 1"
    assert find_weights().read_text() == "colorizer 1"
    assert caplog.messages == [
        "colorizer@champion is a demo's: using the weights that ship (--model shipped)"
    ]


@contextmanager
def trial(registry: Kept) -> Iterator[None]:
    """Mark the best model's version as a trial's meanwhile."""
    registry.client.set_model_version_tag("colorizer", "1", TRIAL, "true")
    yield
    registry.client.delete_model_version_tag("colorizer", "1", TRIAL)


@contextmanager
def no_champion(registry: Kept) -> Iterator[None]:
    """Take the best model's alias from it meanwhile."""
    registry.client.delete_registered_model_alias("colorizer", "champion")
    yield
    registry.client.set_registered_model_alias("colorizer", "champion", "1")


def test_models_are_listed_with_their_aliases_and_scores(
    registry: Kept, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.database.parent)
    known = [(m.name, m.version, m.aliases, m.scores) for m in list_known()]
    assert known == [
        ("shipped", 0, (), {}),
        ("colorizer", 1, ("champion",), {"psnr": 21.5}),
        ("colorizer-model2", 1, ("champion",), {"psnr": 21.5}),
        ("colorizer-model2", 2, ("paper",), {"psnr": 22.5}),
    ]


def test_the_caller_s_tracking_address_stays(
    registry: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.database.parent)
    find_weights()
    list_known()
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_the_environment_s_address_is_not_fixed(
    registry: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for address in (registry.address, "http://127.0.0.1:1"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with suppress(ColorizerError):
            list_known()
        assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == address


@pytest.mark.parametrize("name", ["colorizer", "colorizer/1", "runs:/abc"])
def test_mlflow_that_is_not_installed_is_told(
    registry: Kept, name: str, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.database.parent)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ColorizerError, match=r"need MLflow: pip install mlflow, .*--model shipped"):
        find_weights(name)
    assert find_weights("shipped") == shipped


def test_files_and_what_ships_need_no_mlflow(shipped: Path) -> None:
    code = f"""
import sys
from pathlib import Path
sys.modules["mlflow"] = None
from colorizer.tracking import model_uri, registry
model_uri.PRETRAINED = (Path({str(shipped.parent)!r}),)
registry.REPOSITORY = Path("/nowhere")
for name in ("shipped", "colorizer", {str(shipped)!r}):
    assert model_uri.find_weights(name) == Path({str(shipped)!r})
print(sorted({{"torch", "numpy", "pandas"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_weights_of_a_training_go_by_their_folder_and_no_two_by_one_name(tmp_path: Path) -> None:
    files = [tmp_path / "small" / "weights.safetensors", tmp_path / "other.safetensors"]
    files[0].parent.mkdir()
    for file in files:
        file.touch()
    assert find_named(map(str, files)) == dict(zip(("small", "other"), files, strict=True))
    with pytest.raises(ColorizerError, match="another is called 'small' already: rename it"):
        find_named([str(files[0])] * 2)
