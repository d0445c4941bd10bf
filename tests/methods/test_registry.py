"""Methods by name."""

import sys

import pytest

from colorizer.errors import MissingExtraError, UsageError
from colorizer.methods import gupta2012
from colorizer.methods.registry import color_like


def test_a_method_is_found_by_its_name() -> None:
    assert color_like("gupta2012") is gupta2012.colorize


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'gupta'.*reinhard2001, welsh2002, gupta2012"):
        color_like("gupta")


def test_a_method_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("colorizer.methods.charpiat2008", "colorizer.methods.graph_cuts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "maxflow", None)
    with pytest.raises(MissingExtraError, match=r"\[methods\]"):
        color_like("charpiat2008")
