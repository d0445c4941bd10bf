"""The spellings of a model's name, right and wrong."""

from pathlib import Path

import pytest

from colorizer.errors import ColorizerError
from colorizer.tracking.names import (
    Best,
    File,
    Logged,
    Reference,
    Run,
    Shipped,
    Version,
    parse,
    plain_name,
)

ID = "0123456789abcdef" * 2

SPELLINGS: dict[str, Reference] = {
    "colorizer": Best(),
    "shipped": Shipped(),
    "colorizer@champion": Version("colorizer", alias="champion"),
    "colorizer@demo": Version("colorizer", alias="demo"),
    "colorizer/1": Version("colorizer", number="1"),
    "colorizer-model2": Version("colorizer-model2", alias="champion"),
    "colorizer-model2@paper": Version("colorizer-model2", alias="paper"),
    "colorizer-model2/12": Version("colorizer-model2", number="12"),
    "colorizer-model2/latest": Version("colorizer-model2", number="latest"),
    "models:/colorizer": Version("colorizer", alias="champion"),
    "models:/shipped": Version("shipped", alias="champion"),
    "models:/colorizer@paper": Version("colorizer", alias="paper"),
    "models:/colorizer/2": Version("colorizer", number="2"),
    f"models:/m-{ID}": Logged(f"m-{ID}"),
    f"runs:/{ID}": Run(ID),
    f"runs:/{ID}/model2": Run(ID, "model2"),
    f"runs:/{ID}/some/weights.safetensors": Run(ID, "some/weights.safetensors"),
    "weights.safetensors": File(Path("weights.safetensors")),
    "a/b/network.onnx": File(Path("a/b/network.onnx")),
    "./colorizer@demo.onnx": File(Path("colorizer@demo.onnx")),
}

MISSPELLED = {
    "": "the model's name is empty",
    " ": "the model's name is empty",
    "@champion": "the model's name is empty",
    "/3": "the model's name is empty",
    "models:/": "the model's name is empty",
    "models:/@champion": "the model's name is empty",
    "models://server/colorizer/3": "the model's name is empty",
    "colorizer@": "no alias after @",
    "colorizer@ ": "no alias after @",
    "models:/colorizer@": "no alias after @",
    "colorizer@demo@paper": "no such spelling",
    "colorizer@demo/3": "no such spelling",
    "colorizer/3@demo": "'3@demo' is no version's number",
    "colorizer/": "'' is no version's number",
    "colorizer/3/4": "'3/4' is no version's number",
    "colorizer/three": "'three' is no version's number",
    "colorizer/²": "'²' is no version's number",
    "models:/colorizer/Production": "'Production' is no version's number",
    "runs:/": "no run or no model's name after runs:/",
    f"runs:/{ID}/": "no run or no model's name after runs:/",
    "s3://bucket/model": "no such spelling",
    "https://example.org/model": "no such spelling",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_understood(name: str) -> None:
    assert parse(name) == SPELLINGS[name]


@pytest.mark.parametrize("name", MISSPELLED)
def test_a_misspelled_name_is_refused_with_what_is_expected(name: str) -> None:
    with pytest.raises(ColorizerError) as error:
        parse(name)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"model {name!r}: {MISSPELLED[name]}; expected shipped, a registered")


def test_a_folder_and_a_file_of_another_kind_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/model1").mkdir(parents=True)
    Path("runs/weights.pt").touch()
    with pytest.raises(ColorizerError, match="a folder: name the file in it"):
        parse("runs/model1")
    with pytest.raises(ColorizerError, match="a file, but of another kind"):
        parse("runs/weights.pt")


def test_files_can_be_called_after_any_spelling() -> None:
    plain = {name: plain_name(name) for name in SPELLINGS}
    assert plain["models:/colorizer@paper"] == "colorizer-paper"
    assert plain[f"runs:/{ID}/model2"] == f"{ID}-model2"
    assert plain["a/b/network.onnx"] == "network"
    assert not any(set(name) & set("/:@") for name in plain.values() if name != "colorizer@demo")
