"""Whether a result that exists is of the photograph, the model and the options at hand."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizer.inference.resume import difference
from colorizer.photo.marking import Mark

MARK = Mark("colorizer 0.1.0 (flagship 01ab)", "sha256:00", "strength 1.3")


def result(path: Path, xmp: bytes) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(buffer, "jpeg", xmp=xmp)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (MARK, ""),
        (replace(MARK, software="colorizer 0.0.9 (flagship 01ab)"), ""),
        (replace(MARK, source="sha256:01"), "was made from another file"),
        (
            replace(MARK, software="colorizer 0.1.0 (model2 77)"),
            "was made by another model (model2 77)",
        ),
        (replace(MARK, parameters=""), "was made with other options (none)"),
    ],
)
def test_a_mark_says_what_differs(tmp_path: Path, there: Mark, said: str) -> None:
    assert difference(result(tmp_path / "color.jpg", there.write(b"")), MARK) == said


def test_what_has_no_mark_says_nothing(tmp_path: Path) -> None:
    assert difference(result(tmp_path / "color.jpg", b""), MARK) == ""
    (tmp_path / "broken.jpg").write_bytes(b"mine")
    assert difference(tmp_path / "broken.jpg", MARK) == ""
