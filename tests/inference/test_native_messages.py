"""C libraries print past Python; it does not reach the terminal, and joins the file's message."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from colorizer.inference import batch
from colorizer.inference.batch import colorize_all
from colorizer.inference.native_messages import keep_native_messages
from colorizer.inference.options import Options
from colorizer.inference.plan import plan
from colorizer.inference.recolor_file import Colorized
from colorizer.photo.decode import ImageError
from colorizer.photo.photofile import PhotoFile


def test_what_c_libraries_print_is_kept_and_python_s_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with keep_native_messages() as messages:
        with messages.reading() as printed:
            os.write(2, b"TIFFReadDirectory: Warning\nTIFFReadDirectory: Warning\n")
            sys.stderr.write("ours\n")
            assert printed() == ["TIFFReadDirectory: Warning"]
        with messages.reading_alone() as printed:
            assert printed() == []
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "ours\nafter\n"


def test_what_is_printed_joins_the_message_of_the_file_that_it_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = {
        "bad.png": b"Fax4Decode: Bad code word\n",
        "failing.png": b"ZIPDecode: Decoding error\n",
        "odd.png": b"TIFFReadDirectory: Warning, unknown field\n",
    }
    names = {}
    for shade, name in enumerate(["bad.png", "failing.png", "good.png", "odd.png"]):
        Image.new("L", (8, 8), shade).save(tmp_path / name)
        names[(tmp_path / name).read_bytes()] = name

    def read(data: bytes) -> Iterator[None]:
        os.write(2, says.get(names[data], b""))
        if names[data] == "failing.png":
            raise ImageError("no readable image")
        yield

    def color(data: bytes, *_: object) -> Colorized:
        list(read(data))
        return Colorized(data, True, None)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "colorize_data", color)
    monkeypatch.setattr(PhotoFile, "pages", read)
    with keep_native_messages() as messages:
        tasks = plan([tmp_path], tmp_path / "out")
        outcomes = list(colorize_all(tasks, None, Options(), messages))
    said = {outcome.task.source.name: outcome.message for outcome in outcomes}
    bad, failing = tmp_path / "bad.png", tmp_path / "failing.png"
    assert said == {
        "bad.png": f"{bad} is damaged: look at the result (Fax4Decode: Bad code word)",
        "failing.png": f"{failing}: no readable image (ZIPDecode: Decoding error)",
        "good.png": "",
        "odd.png": "",
    }
