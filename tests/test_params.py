import copy
import inspect
import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from colorizer.errors import ColorizerError
from colorizer.methods.registry import METHODS
from colorizer.models.registry import NETWORKS
from colorizer.params import Archive, Params, load_params
from colorizer.params.arguments import Arguments
from colorizer.params.methods import Method
from colorizer.params.recipe import Recipe

Change = Callable[[tuple[str | int, ...], Any], Path]

MISSING = object()


@pytest.fixture(scope="module")
def original(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def change(original: dict[str, Any], tmp_path: Path) -> Change:
    """Return a function that writes params.yaml with one knob set, or left out."""

    def write(knob: tuple[str | int, ...], value: Any) -> Path:
        block = document = copy.deepcopy(original)
        for part in knob[:-1]:
            block = block[part]
        block[knob[-1]] = value
        if value is MISSING:
            del block[knob[-1]]
        path = tmp_path / "params.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        return path

    return write


def load_in_vain(path: Path) -> str:
    with pytest.raises(ColorizerError, match=r"params\.yaml") as error:
        load_params(path)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_params_of_the_project_are_valid(root: Path) -> None:
    params = load_params(root / "params.yaml")
    assert set(params.profiles) == {"paper", "photos", "demo", "mirflickr1m"}
    assert params.active is params.profiles[params.profile]


def test_paper_profile_is_the_study_s(root: Path) -> None:
    paper = load_params(root / "params.yaml").profiles["paper"]
    assert (paper.split.train, paper.split.test) == (8000, 1000)
    assert (paper.preprocess.image_size, paper.train.epochs) == (320, 120)
    assert (paper.train.batch_size, paper.train.lr) == (128, 0.001)
    assert set(paper.models) == {
        *("model1", "model2", "model3", "unet", "zhang2016", "rebalanced"),
        *("model3_tuned", "flagship"),
    }
    study = {name: paper.models[name].recipe for name in ("model1", "model2", "model3")}
    assert set(study.values()) == {Recipe()}
    assert paper.models["model3_tuned"].recipe.calibrate == 400
    assert "recipe" not in paper.models["model3_tuned"].arguments


def test_demo_profile_needs_no_download(root: Path) -> None:
    demo = load_params(root / "params.yaml").profiles["demo"]
    for archive in demo.download.archives:
        assert (root / archive.source).stat().st_size == archive.bytes


@pytest.mark.parametrize("profile", ["paper", "demo"])
def test_active_profile_is_the_one_named(change: Change, profile: str) -> None:
    params = load_params(change(("profile",), profile))
    assert params.active is params.profiles[profile]


@pytest.mark.parametrize("block", ["engine", "tracking"])
def test_machine_and_tracking_have_defaults(root: Path, change: Change, block: str) -> None:
    expected = getattr(load_params(root / "params.yaml"), block)
    assert getattr(load_params(change((block,), MISSING)), block) == expected


@pytest.mark.parametrize(
    "block",
    [
        lambda params: params,
        lambda params: params.engine,
        lambda params: params.active,
        lambda params: params.active.train,
        lambda params: params.active.download.archives[0],
    ],
)
def test_params_are_frozen(root: Path, block: Callable[[Params], BaseModel]) -> None:
    frozen = block(load_params(root / "params.yaml"))
    for knob in type(frozen).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(frozen, knob, getattr(frozen, knob))


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("profiles.demo.train.epoch", 3),
        ("profiles.demo.trian", {"seed": 7}),
        ("engine.worker", 2),
        ("trackin", True),
        ("profiles.demo.download.archives.0.sha1", "abc"),
        ("profiles.demo.train.lr", 0),
        ("profiles.demo.train.epochs", 0),
        ("profiles.demo.train.epochs", 1.5),
        ("profiles.demo.train.seed", "seven"),
        ("profiles.paper.split.train", -8000),
        ("profiles.paper.split.test", None),
        ("profiles.paper.drop_grayscale.max_gray_chroma", -0.1),
        ("profiles.paper.drop_grayscale.drop_toned", "perhaps"),
        ("profiles.demo.preprocess.image_size", 0),
        ("profiles.demo.preprocess.resample", "cubic"),
        ("profiles.demo.preprocess.resample", "lanczos"),  # PyTorch has no such filter
        ("profiles.demo.download.archives", []),
        ("profiles.demo.download.archives.0.md5", "no digest"),
        ("profiles.demo.download.archives.0.bytes", 0),
        ("profiles.demo.register.metric", "accuracy"),
        ("profiles.demo.models", [1]),
        ("profiles.demo.evaluate.grid_photos", 0),
        ("engine.accelerator", "two\nlines"),
        ("engine.precision", 32),
        ("engine.backend", "spark"),
        ("engine.scheduler", 8786),
        ("profiles.demo.train.lr", MISSING),
        ("profiles.demo.register", MISSING),
        ("profile", MISSING),
    ],
)
def test_wrong_knob_is_an_error_that_names_it(change: Change, knob: str, value: Any) -> None:
    path = change(tuple(int(part) if part.isdigit() else part for part in knob.split(".")), value)
    message = load_in_vain(path)
    assert f"{knob}: " in message
    if isinstance(value, str | int | float) and value is not MISSING:
        assert repr(value) in message


def test_unknown_profile_is_an_error_that_lists_the_others(change: Change) -> None:
    message = load_in_vain(change(("profile",), "papper"))
    assert "profile is 'papper'" in message
    assert "'paper', 'demo'" in message or "'demo', 'paper'" in message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/photos.zip", "b/photos.zip"),
        ("https://a.org/photos.zip?version=2", "photos.zip"),
    ],
)
def test_two_archives_of_one_name_are_an_error(change: Change, first: str, second: str) -> None:
    archives = [{"source": source, "bytes": 1, "md5": "0" * 32} for source in (first, second)]
    message = load_in_vain(change(("profiles", "demo", "download", "archives"), archives))
    assert "profiles.demo.download: " in message
    assert "photos.zip" in message


def test_missing_file_is_an_error_that_says_where_to_stand(tmp_path: Path) -> None:
    message = load_in_vain(tmp_path / "params.yaml")
    assert "not found" in message
    assert "project's root" in message


@pytest.mark.parametrize(
    "content",
    [
        b"profile: [demo\n",
        b"profile: demo\n\tprofiles: {}\n",
        b"profile: *demo\n",
        b"profile: \x01\n",
        b"",
        b"- demo\n",
        b"demo\n",
    ],
)
def test_file_that_is_no_mapping_in_yaml_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    load_in_vain(path)


def test_file_that_is_no_utf8_is_an_error(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes((root / "params.yaml").read_bytes() + "# für später\n".encode("latin-1"))
    load_in_vain(path)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sample/sample.zip", "sample.zip"),
        ("sample.zip", "sample.zip"),
        ("https://a.org/v3/photos.zip", "photos.zip"),
        ("https://a.org/photos.zip?download=1&from=b/c", "photos.zip"),
    ],
)
def test_archive_is_called_by_its_file_s_name(source: str, name: str) -> None:
    assert Archive(source=source, bytes=1, md5="0" * 32).name == name


@pytest.mark.parametrize("workers", [0, -2])
def test_a_number_of_workers_that_means_nothing_is_refused(change: Change, workers: int) -> None:
    message = load_in_vain(change(("engine", "workers"), workers))
    assert f"engine.workers: one or more, or -1 for one a core (found {workers})" in (message)


def test_an_old_name_says_the_new_one(change: Change) -> None:
    message = load_in_vain(change(("profiles", "demo", "drop_grayscale", "max_grey_chroma"), 4.0))
    assert message.endswith("drop_grayscale: max_grey_chroma is now max_gray_chroma")
    assert "\n" not in message
    message = load_in_vain(change(("profiles", "demo", "evaluate", "batch_size"), 64))
    assert message.endswith("evaluate: photographs are scored one by one: remove batch_size")


def test_the_flagship_of_before_is_told_its_new_name(change: Change) -> None:
    entry = {"widths": [4] * 6, "dilations": [1] * 6}
    message = load_in_vain(change(("profiles", "demo", "models", "flagship"), entry))
    assert "the flagship with dilations is now model3_tuned" in message


def test_archives_to_train_on_are_among_those_downloaded(root: Path) -> None:
    given = yaml.safe_load((root / "params.yaml").read_text())
    given["profiles"]["photos"]["split"]["train_only"] = ["more0.zip", "more2.zip"]
    with pytest.raises(ValidationError, match=r"train_only has 'more2\.zip', but download"):
        Params.model_validate(given)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"sizes": [[128, 0.5], [192, 0.4]]}, "add up to 0.9, not to 1"),
        ({"weight_decay": 0.1}, "set optimizer to adamw"),
        ({"aspect": 0.9}, "greater than or equal to 1"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(recipe: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate(recipe)


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("recipe.calibrate", 6, "calibrate is 6, but split.train is 6: leave photographs"),
        ("recipe.select", "validation", "select is validation, but split.validation is 0"),
        ("recipe.sizes", [[32, 0.5], [64, 0.5]], "sizes reaches 64, but preprocess.image_size is"),
        ("split.train", 9, "engine.devices is 2, but of model1's 9 photographs train.batch_size 4"),
        ("train.batch_size", 1, "leaves a batch of 1: choose another batch size"),
    ],
)
def test_knobs_that_do_not_agree_are_told_before_any_work(
    original: dict[str, Any], root: Path, knob: str, value: Any, said: str
) -> None:
    given = copy.deepcopy(original) | {"profile": "demo", "models": ["model1"]}
    given["engine"]["devices"] = 2
    demo = given["profiles"]["demo"]
    demo["models"] = {"model1": {"widths": [4, 8], "recipe": {}}}
    demo["split"] = {"seed": 7, "train": 6, "test": 3}
    demo["preprocess"]["image_size"] = 32
    demo["train"]["batch_size"] = 4
    Params.model_validate(given)
    block = demo["models"]["model1"] if knob.startswith("recipe") else demo
    part, name = knob.split(".")
    block[part][name] = value
    with pytest.raises(ValidationError, match=re.escape(said)):
        Params.model_validate(given)


def test_knobs_of_a_model_that_is_not_chosen_hold_nothing_up(original: dict[str, Any]) -> None:
    """The profile's other entries have recipes for more photographs than a small trial has."""
    given = copy.deepcopy(original) | {"profile": "paper", "models": ["model1"]}
    split = given["profiles"]["paper"]["split"]
    split.update(train=6, test=4, validation=0)
    assert Params.model_validate(given).active.models["model3_tuned"].recipe.calibrate > 6


@pytest.mark.parametrize("devices", [0, 3, 16])
def test_devices_that_cannot_share_a_training_are_refused(change: Change, devices: int) -> None:
    assert "engine.devices: " in load_in_vain(change(("engine", "devices"), devices))


def test_two_archives_of_one_content_are_an_error(change: Change) -> None:
    archives = [{"source": name, "md5": "0" * 32} for name in ("a.zip", "b.zip")]
    message = load_in_vain(change(("profiles", "demo", "download", "archives"), archives))
    assert "two archives have the same md5" in message


Knob = tuple[str | int, ...]


def walk(block: Any, at: Knob = ()) -> Iterator[tuple[Knob, Any]]:
    """Yield all knobs of a document, and blocks, each with its value."""
    if at:
        yield at, block
    if isinstance(block, dict):
        for name, value in block.items():
            yield from walk(value, (*at, name))
    elif isinstance(block, list) and block and isinstance(block[0], dict):
        for place, value in enumerate(block):
            yield from walk(value, (*at, place))


def wrong_values(value: Any) -> list[Any]:
    """Return what cannot stand in place of a value, by its type."""
    of_any = [{"no": "knob"}, [[{}]], float("nan"), float("inf")]
    if isinstance(value, dict):
        return [[], 5, "text", None]
    if isinstance(value, bool):
        return [*of_any, None, 2, "perhaps"]
    if isinstance(value, int):
        return [*of_any, None, True, "seven", -1.5, 10**30]
    if isinstance(value, float):
        return [*of_any, None, True, "seven", -1.5]
    if isinstance(value, list):
        return [*of_any[:1], *of_any[2:], None, 5, "text", [None], [True]]
    return [*of_any, None, True, 5, 0.5, []]


MAY_BE_NULL = ("bytes", "md5", "image_size", "short_side")


def test_every_knob_refuses_what_it_cannot_be_and_is_named(
    original: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = copy.deepcopy(original)
    del original["profiles"]["paper"], original["profiles"]["mirflickr1m"]
    recipe = {k: v for k, v in Recipe().model_dump(mode="json").items() if k != "sizes"}
    original["profile"], original["models"] = "photos", ["model1", "flagship"]
    original["profiles"]["photos"]["models"]["model1"]["recipe"] = recipe
    original["profiles"]["photos"]["models"]["flagship"] |= {"quantile": 0.5, "smooth": 2}
    path, tried = root / "params.yaml", 0
    assert load_with(original, monkeypatch, path) == ""
    for knob, value in list(walk(original)):
        for wrong in wrong_values(value):
            if wrong is None and knob[-1] in MAY_BE_NULL:
                continue
            said = load_with(replaced(original, knob, wrong), monkeypatch, path)
            assert str(knob[-1]) in said, (knob, wrong, said)
            assert len(said.splitlines()) == 1 and len(said) < 600, said
            tried += 1
        if isinstance(value, dict):
            said = load_with(replaced(original, (*knob, "knobb"), 1), monkeypatch, path)
            assert "knobb" in said, (knob, said)
    assert tried > 500


def replaced(document: Any, knob: Knob, value: Any) -> Any:
    """Return a document with another value, and share the rest."""
    if not knob:
        return value
    first, *rest = knob
    if isinstance(document, list):
        return [
            replaced(v, tuple(rest), value) if n == first else v for n, v in enumerate(document)
        ]
    return document | {first: replaced(document.get(first, {}), tuple(rest), value)}


def load_with(document: Any, monkeypatch: pytest.MonkeyPatch, path: Path) -> str:
    """Return what is wrong with a params.yaml that says so; "" if nothing is."""
    monkeypatch.setattr(yaml, "safe_load", lambda _: document)
    try:
        load_params(path)
    except ColorizerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_100,
        b"profile: 2001-99-99\n",
        b"a: &a [1]\n" + b"".join(b"b%d: &a [*a, *a, *a, *a, *a, *a]\n" % n for n in range(30)),
    ],
    ids=["nested", "date", "aliases"],
)
def test_yaml_that_would_end_or_hang_a_reader_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert len(load_in_vain(path)) < 600


@pytest.mark.parametrize("names", [["model1", "model1"], ["model9"], []])
def test_models_are_known_and_named_once(change: Change, names: list[str]) -> None:
    assert "models" in load_in_vain(change(("models",), names))


def test_methods_and_arguments_are_those_that_there_are() -> None:
    assert get_args(Method) == METHODS
    taken: set[str] = set()
    for name in NETWORKS:
        network = getattr(import_module(f"colorizer.models.{name}"), name)
        taken |= set(inspect.signature(network).parameters)
    assert taken == set(Arguments.model_fields)
