"""Folders of photographs in, the same folders in color out."""

import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.color.monochrome import Measures, Verdict
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError, UsageError
from colorizer.inference import batch, recolor_file
from colorizer.inference.batch import Outcome, colorize_all
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.folder import Left
from colorizer.inference.options import Options
from colorizer.inference.plan import Task, plan
from colorizer.inference.recolor_file import Colorized, colorize_data, make_mark
from colorizer.inference.torch_network import TorchNetwork
from colorizer.methods.hints import Hint
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo import large
from colorizer.photo.decode import ImageError
from colorizer.photo.marking import read_mark
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.restoration import restore

DOUBTS = [Verdict(Measures(r, r / 2, 20, 3, 8, 0.3)) for r in np.linspace(0, 10, 101)]
YESTERDAY = 1_700_000_000


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    torch.manual_seed(0)
    metadata = WeightsMetadata("model1", {"widths": [4, 8]}, size=32)
    network = TorchNetwork(create_model("model1", widths=[4, 8]), metadata, precision="float32")
    return Colorizer(network)


def photograph(mode: str = "L", size: tuple[int, int] = (60, 40), format: str = "jpeg") -> bytes:
    ramp = np.linspace(20, 230, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)
    image = Image.fromarray(np.stack((ramp, 255 - ramp, ramp // 2), -1)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    files = {
        "one.jpg": photograph(),
        "deep/er/two.JPG": photograph(size=(30, 50)),
        "deep/three.png": photograph(format="png"),
        "deep/color.jpg": photograph("RGB"),
        "broken.jpg": photograph()[:200],
        "notes.txt": b"not a photograph",
        ".hidden/four.jpg": photograph(),
    }
    for name, data in files.items():
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (YESTERDAY, YESTERDAY))
    return tmp_path / "old"


def work(paths: list[Path], out: Path | None, colorizer: Colorizer, **how: object) -> list[Outcome]:
    options = Options(**how)  # type: ignore[arg-type]
    tasks = plan(paths, out, format=options.format, compare=options.compare)
    return list(colorize_all(tasks, colorizer, options))


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_a_folder_keeps_its_structure_and_says_what_became_of_each(
    folder: Path, colorizer: Colorizer
) -> None:
    outcomes = work([folder], None, colorizer)
    assert [(str(o.task.source.relative_to(folder)), o.status) for o in outcomes] == [
        (".hidden", "skipped"),
        ("broken.jpg", "failed"),
        ("deep/color.jpg", "copied"),
        ("deep/er/two.JPG", "colorized"),
        ("deep/three.png", "colorized"),
        ("notes.txt", "skipped"),
        ("one.jpg", "colorized"),
    ]
    assert "broken.jpg: no readable image" in outcomes[1].message
    assert "--force" in outcomes[2].message
    assert outcomes[5].message.endswith("notes.txt: a text")
    result = folder.with_name("old_colorized")
    assert files(result) == {"deep/color.jpg", "deep/er/two.JPG", "deep/three.png", "one.jpg"}
    assert (result / "deep/color.jpg").read_bytes() == (folder / "deep/color.jpg").read_bytes()
    for path in result.rglob("*.*"):
        assert path.stat().st_mtime == YESTERDAY
    with Image.open(result / "deep/er/two.JPG") as image:
        assert (image.size, image.mode, image.format) == ((30, 50), "RGB", "JPEG")


def test_the_lightness_stays_and_the_colors_are_the_network_s(
    folder: Path, colorizer: Colorizer
) -> None:
    work([folder / "deep/three.png"], folder / "out", colorizer)
    before = PhotoFile.parse((folder / "deep/three.png").read_bytes()).rgb
    after = PhotoFile.parse((folder / "out/three.png").read_bytes()).rgb
    assert np.array_equal(after, colorizer.colorize(before))
    assert not np.array_equal(after, before)


def test_a_restored_photograph_has_the_restored_lightness(colorizer: Colorizer) -> None:
    data = photograph(format="png")
    new = colorize_data(data, colorizer, Options(restore="light", compare=True))
    before = PhotoFile.parse(data).rgb
    after = PhotoFile.parse(new.data).rgb
    assert np.array_equal(after, colorizer.colorize(restore(before)))
    assert not np.array_equal(after, colorizer.colorize(before))
    assert new.sheet is not None
    scan = PhotoFile.parse(new.sheet).rgb[:, : before.shape[1]]
    assert np.abs(scan.astype(int) - before).mean() < 2  # as it was


def test_what_is_done_is_known_by_its_content(folder: Path, colorizer: Colorizer) -> None:
    source, target = folder / "one.jpg", folder / "out/one.jpg"
    work([source], folder / "out", colorizer)
    made = target.read_bytes()
    statuses = {}
    for name, how in (("same", {}), ("stronger", {"strength": 2.0})):
        (outcome,) = work([source], folder / "out", colorizer, **how)
        statuses[name] = (outcome.status, outcome.message.partition(" ")[2])
    source.write_bytes(photograph(size=(50, 40)))
    (outcome,) = work([source], folder / "out", colorizer)
    assert outcome.status == "differs"
    assert "was made from another file: --overwrite replaces it" in outcome.message
    assert statuses["same"] == ("exists", "exists: --overwrite replaces it")
    assert statuses["stronger"][0] == "differs"
    assert "other options (none)" in statuses["stronger"][1]
    assert target.read_bytes() == made
    (outcome,) = work([source], folder / "out", colorizer, overwrite=True)
    assert outcome.status == "colorized"


def test_a_second_time_replaces_nothing_unless_asked(folder: Path, colorizer: Colorizer) -> None:
    work([folder], None, colorizer)
    kept = folder.with_name("old_colorized") / "one.jpg"
    kept.write_bytes(b"mine")
    statuses = {outcome.status for outcome in work([folder], None, colorizer)}
    assert statuses == {"skipped", "failed", "exists"}
    assert kept.read_bytes() == b"mine"
    work([folder], None, colorizer, overwrite=True)
    assert kept.read_bytes() != b"mine"


def test_a_photograph_in_color_is_colored_anew_only_by_force(colorizer: Colorizer) -> None:
    data = photograph("RGB", format="png")
    assert colorize_data(data, colorizer, Options()).data == data
    forced = colorize_data(data, colorizer, Options(force=True))
    assert forced.anew
    rgb = PhotoFile.parse(data).rgb
    assert np.array_equal(PhotoFile.parse(forced.data).rgb, colorizer.colorize(rgb))


def test_a_toned_print_is_colored_from_its_lightness_or_keeps_its_tone(
    colorizer: Colorizer,
) -> None:
    ramp = np.linspace(20, 230, 2400).reshape(40, 60, 1)
    buffer = io.BytesIO()
    Image.fromarray((ramp * [1, 0.85, 0.6]).astype(np.uint8)).save(buffer, "png")
    data = buffer.getvalue()
    assert colorize_data(data, colorizer, Options()).anew
    kept = colorize_data(data, colorizer, Options(tone="keep"))
    assert (kept.data, kept.anew, kept.verdict.kind) == (data, False, "toned")
    assert "--tone remove" in kept.message
    assert colorize_data(data, colorizer, Options(tone="keep", force=True)).anew
    assert colorize_data(photograph(), colorizer, Options(tone="keep")).anew


def test_a_doubtful_photograph_is_colored_and_said(
    folder: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful = next(verdict for verdict in DOUBTS if verdict.doubtful)
    monkeypatch.setattr(recolor_file, "judge", lambda rgb: doubtful)
    (outcome,) = work([folder / "one.jpg"], None, colorizer)
    assert (outcome.status, outcome.verdict) == ("colorized", doubtful)
    assert outcome.message.startswith(f"{folder / 'one.jpg'} was colored but may be in color")
    (forced,) = work([folder / "one.jpg"], folder / "out", colorizer, force=True)
    assert forced.message == ""


def test_strength_scales_the_colors(colorizer: Colorizer) -> None:
    none = colorize_data(photograph(format="png"), colorizer, Options(strength=0)).data
    assert np.ptp(PhotoFile.parse(none).rgb.astype(int), axis=2).max() <= 1


def test_sixteen_bits_stay_sixteen(colorizer: Colorizer) -> None:
    levels = np.linspace(1000, 60000, 4096).reshape(64, 64).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "tiff")
    photo = PhotoFile.parse(buffer.getvalue())
    assert photo.levels.dtype == np.uint16
    new = colorize_data(buffer.getvalue(), colorizer, Options(mark=False)).data
    expected = recolor(photo.levels, colorizer.predict_photo(photo.rgb))
    assert expected.dtype == np.uint16
    assert new == photo.encode(expected)


def test_result_bears_the_mark_of_its_source_model_and_options(colorizer: Colorizer) -> None:
    data, options = photograph(), Options(strength=1.3, hints=(Hint(3, 4, (9, 8, 7)),))
    mark = read_mark(colorize_data(data, colorizer, options).data)
    assert mark == make_mark(data, colorizer, options)
    assert mark is not None
    assert mark.source == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert re.fullmatch(r"strength 1.3, hints sha256:\w{64}", mark.parameters)
    others = [
        make_mark(data + b"\0", colorizer, options),
        make_mark(data, None, options),
        make_mark(data, colorizer, Options(strength=1.3, hints=(Hint(3, 4, (9, 8, 6)),))),
    ]
    assert mark not in others
    assert read_mark(colorize_data(data, colorizer, Options(mark=False)).data) is None


def test_mark_names_the_weights_by_their_digest(tmp_path: Path, colorizer: Colorizer) -> None:
    (tmp_path / "weights").write_bytes(b"weights")
    named = Colorizer(colorizer.network, tmp_path / "weights")
    assert named.model == f"model1 {hashlib.sha256(b'weights').hexdigest()[:12]}"
    assert colorizer.model == "model1"


def test_visible_mark_is_written_where_it_is_seen(colorizer: Colorizer) -> None:
    cut = photograph("LA", (200, 120), "png")
    plain, marked = (
        PhotoFile.parse(colorize_data(cut, colorizer, Options(force=True, visible_mark=v)).data)
        for v in (False, True)
    )
    changed = np.argwhere((plain.levels != marked.levels).any(axis=2))
    assert changed.min(axis=0).tolist() > [90, 100]
    assert marked.alpha is not None
    assert (marked.alpha[tuple(changed.T)] == 255).all()


def test_of_a_format_without_metadata_it_is_said_once(
    colorizer: Colorizer, caplog: pytest.LogCaptureFixture
) -> None:
    recolor_file._warn_of_no_mark.cache_clear()
    results = [colorize_data(photograph(), colorizer, Options("BMP")) for _ in range(2)]
    assert [read_mark(result.data) for result in results] == [None, None]
    assert len(caplog.messages) == 1
    assert "BMP" in caplog.messages[0]


def test_copied_photograph_is_not_marked(colorizer: Colorizer) -> None:
    for format in (None, "PNG"):
        copied = colorize_data(photograph("RGB"), colorizer, Options(format))
        assert not copied.anew
        assert read_mark(copied.data) is None


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_another_format_changes_the_suffix_and_the_file(
    folder: Path, format: str, colorizer: Colorizer
) -> None:
    [done] = work([folder / "one.jpg"], None, colorizer, format=format)
    assert done.task.target == folder / f"one_colorized.{format.lower().replace('tiff', 'tif')}"
    with Image.open(done.task.target) as image:
        assert image.format == format
    [copied] = work([folder / "deep/color.jpg"], None, colorizer, format=format)
    with Image.open(copied.task.target) as image:
        assert (copied.status, image.format) == ("copied", format)


def test_a_sheet_shows_both(folder: Path, colorizer: Colorizer) -> None:
    work([folder / "one.jpg"], folder / "out", colorizer, compare=True)
    with Image.open(folder / "out/one_compare.jpg") as sheet:
        assert sheet.size == (120, 40)
        assert np.ptp(np.asarray(sheet)[:, :50].astype(int), axis=2).max() < 12  # gray on the left


def test_a_sheet_replaces_nothing_unless_asked(folder: Path, colorizer: Colorizer) -> None:
    mine = folder / "one_colorized_compare.jpg"
    mine.write_bytes(b"mine")
    [outcome] = work([folder / "one.jpg"], None, colorizer, compare=True)
    assert (outcome.status, mine.read_bytes()) == ("exists", b"mine")
    assert outcome.message == f"{mine} exists: --overwrite replaces it"
    [outcome] = work([folder / "one.jpg"], None, colorizer, compare=True, overwrite=True)
    assert outcome.status == "colorized"
    assert mine.read_bytes() != b"mine"


def test_a_sheet_never_takes_a_photograph_s_place(folder: Path) -> None:
    (folder / "one_compare.jpg").write_bytes(photograph())
    both, out = [folder / "one.jpg", folder / "one_compare.jpg"], folder / "out"
    assert len(plan(both, out)) == 2
    with pytest.raises(UsageError, match=r"would both become .*/one_compare\.jpg: color"):
        plan(both, out, compare=True)


def test_photographs_of_one_name_have_sheets_and_maps_of_their_own(folder: Path) -> None:
    (folder / "one.png").write_bytes(photograph(format="png"))
    both = [folder / "one.jpg", folder / "one.png"]
    names = [
        [p.name for p in task.outputs] for task in plan(both, None, compare=True, confidence=True)
    ]
    assert names == [
        ["one_colorized.jpg", "one_colorized_compare.jpg", "one_confidence.png"],
        ["one_colorized.png", "one_colorized.png_compare.jpg", "one.png_confidence.png"],
    ]


def test_what_an_earlier_run_made_is_not_colored_again(folder: Path) -> None:
    made = [
        *("one_colorized.jpg", "one_colorized_compare.jpg", "one_confidence.png"),
        *("deep/er/two_colorized.JPG", "deep/three.png_confidence.png"),
    ]
    for name in [*made, "other_colorized.jpg"]:  # of the last no original is here
        (folder / name).write_bytes(photograph())
    left = {
        str(task.source.relative_to(folder)) for task in plan([folder], None) if task.target is None
    }
    assert left == {*made, ".hidden", "notes.txt"}
    (task,) = plan([folder / "one_colorized.jpg"], None)  # named alone it is meant
    assert task.target


def test_targets(folder: Path) -> None:
    one = folder / "one.jpg"
    for out, target in ((None, folder / "one_colorized.jpg"), ("x", "x/one.jpg"), ("y.png",) * 2):
        (task,) = plan([one], out and Path(out))
        assert task.target == Path(target)
    inside = folder / "deep/colors"
    inside.mkdir()
    (inside / "five.jpg").write_bytes(photograph())
    assert folder / "deep/colors/five.jpg" not in {
        task.source for task in plan([folder / "deep"], inside)
    }


@pytest.mark.parametrize(
    ("paths", "out", "message"),
    [
        (["nothing.jpg"], None, "nothing.jpg: no such file or folder"),
        ([".hidden"], ".hidden", "into itself"),
        (["deep/er/two.JPG", "two.JPG"], "out", "would both become"),
        (["one.jpg"], "one.jpg", "would replace itself"),
        (["one.jpg", "two.JPG"], "both.jpg", "names one picture, and there are more"),
        (["deep"], "deep.jpg", "names one picture, and there are more"),
        (["one.jpg"], "one.heic", "such files are not written: choose .jpg"),
        (["one.jpg"], "notes.txt", "notes.txt is a file: name a folder"),
        (["deep"], "notes.txt", "notes.txt is a file: name a folder"),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_line(
    folder: Path, paths: list[str], out: str | None, message: str
) -> None:
    (folder / "two.JPG").write_bytes(photograph())
    with pytest.raises(UsageError, match=message) as error:
        plan([folder / path for path in paths], folder / out if out else None)
    assert len(str(error.value).splitlines()) == 1


def test_a_result_is_named_after_its_format(tmp_path: Path) -> None:
    files = {
        "GIF.png": photograph(format="gif"),
        "a.HEIC": photograph(),
        "a.jpg": photograph(),
        "b.jpe": photograph(),
        "no suffix": photograph(format="tiff"),
        "scan.1997": photograph(format="png"),
        "x.tiff": photograph(format="png"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    tasks = [task for task in plan([tmp_path], Path("out")) if isinstance(task, Task)]
    assert {task.source.name: task.target.name for task in tasks} == {
        "GIF.png": "GIF.png",
        "a.HEIC": "a.HEIC.jpg",  # since a.jpg is another's
        "a.jpg": "a.jpg",
        "b.jpe": "b.jpe",
        "no suffix": "no suffix.tif",
        "scan.1997": "scan.1997.png",
        "x.tiff": "x.png",
    }
    (alone,) = plan([tmp_path / "a.HEIC"], None)
    assert (alone.target, alone.kind) == (tmp_path / "a_colorized.jpg", "a JPEG picture")
    targets = {task.target for task in plan([tmp_path], Path("out"), format="WEBP")}
    assert len(targets) == len(files)


def test_what_is_in_color_is_copied_to_the_byte_under_its_own_name(
    tmp_path: Path, colorizer: Colorizer
) -> None:
    files = {
        "color.gif": photograph("RGB", format="gif"),
        "color.jp2": photograph("RGB", format="jpeg2000"),
        "gray.gif": photograph(format="gif"),
        "named.png": photograph("RGB", format="gif"),
    }
    (shoebox := tmp_path / "shoebox").mkdir()
    for name, data in files.items():
        (shoebox / name).write_bytes(data)
    outcomes = work([shoebox], None, colorizer)
    results = {outcome.task.target.name: outcome for outcome in outcomes if outcome.task.target}
    assert {name: one.status for name, one in results.items()} == {
        "color.gif": "copied",
        "color.jp2": "copied",
        "gray.png": "colorized",
        "named.png": "copied",
    }
    written = {path.name: path.read_bytes() for path in (tmp_path / "shoebox_colorized").iterdir()}
    assert written.keys() == results.keys()
    assert all(written[name] == files[name] for name in files if name in written)
    assert {outcome.status for outcome in work([shoebox], None, colorizer)} == {"exists"}
    asked = work([shoebox / "color.gif"], tmp_path / "asked", colorizer, format="PNG")
    assert [outcome.task.target.name for outcome in asked if outcome.task.target] == ["color.png"]
    (here,) = work([shoebox / "color.gif"], shoebox, colorizer)  # where it lies already
    assert (here.status, here.task.target) == ("exists", shoebox / "color.gif")
    assert "stays where it is" in here.message
    assert {path.name for path in shoebox.iterdir()} == files.keys()
    (gray,) = work([shoebox / "gray.gif"], shoebox, colorizer)
    assert (gray.status, gray.task.target) == ("colorized", shoebox / "gray.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_photograph_is_listed_with_the_reason(folder: Path) -> None:
    (folder / "linked.jpg").symlink_to("one.jpg")
    (folder / "gone").symlink_to("nothing")
    (folder / "circle").symlink_to("circle")
    (folder / "home").symlink_to(folder)
    (folder / "deep/like.jpg").mkdir()
    (folder / "deep/._one.jpg").write_bytes(b"attributes")
    (folder / "deep/zero.tif").touch()
    (folder / "deep/out").mkdir()
    os.mkfifo(folder / "deep/pipe.png")
    left = {
        str(found.source.relative_to(folder)): (found.status, found.kind)
        for found in plan([folder], folder / "deep/out")
        if isinstance(found, Left)
    }
    assert left == {
        ".hidden": ("skipped", "a hidden folder"),
        "circle": ("skipped", "a link that leads nowhere"),
        "deep/._one.jpg": ("skipped", "a file of the system"),
        "deep/like.jpg": ("skipped", "a folder named like a picture"),
        "deep/out": ("skipped", "the folder of results"),
        "deep/pipe.png": ("skipped", "a pipe"),
        "deep/zero.tif": ("failed", "named like a picture, but empty"),
        "gone": ("skipped", "a link to nothing"),
        "home": ("skipped", "a link to a folder"),
        "notes.txt": ("skipped", "a text"),
    }


def test_running_out_of_memory_is_not_swallowed(
    folder: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhaust(data: bytes) -> PhotoFile:
        raise MemoryError

    monkeypatch.setattr(PhotoFile, "parse", exhaust)
    with pytest.raises(MemoryError):
        work([folder], None, colorizer)


def test_an_interrupted_write_leaves_nothing(
    folder: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch.os, "utime", interrupt)
    with pytest.raises(KeyboardInterrupt):
        work([folder / "one.jpg"], folder / "out", colorizer)
    assert files(folder / "out") == set()


def test_a_folder_that_cannot_be_written_is_a_failure_and_the_rest_go_on(
    folder: Path, colorizer: Colorizer
) -> None:
    (folder.parent / "out").mkdir()
    (folder.parent / "out/deep").write_text("a file where a folder should be")
    outcomes = work([folder], folder.parent / "out", colorizer)
    assert [o.status for o in outcomes if o.status != "skipped"] == ["failed"] * 4 + ["colorized"]
    assert f"{folder.parent}/out/deep/color.jpg cannot be written: " in outcomes[2].message


def test_a_fault_of_our_own_fails_one_photograph_and_says_where(
    folder: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: bytes, *how: Any) -> Colorized:
        if data == (folder / "deep/three.png").read_bytes():
            raise ValueError("two\nlines")
        return colorize_data(data, *how)

    monkeypatch.setattr(batch, "colorize_data", fail)
    outcomes = work([folder / "deep/three.png", folder / "one.jpg"], folder / "out", colorizer)
    assert [o.status for o in outcomes] == ["failed", "colorized"]
    place = rf"unexpected ValueError at {Path(__file__).name}:\d+: two lines"
    assert re.fullmatch(rf"{folder}/deep/three\.png: {place}", outcomes[0].message)


def test_a_name_that_is_too_long_is_a_failure(tmp_path: Path, colorizer: Colorizer) -> None:
    (tmp_path / ("n" * 255)).write_bytes(photograph())  # the result's needs a suffix more
    (outcome,) = work([tmp_path], tmp_path / "out", colorizer)
    assert outcome.status == "failed"
    assert outcome.message.endswith("n: File name too long")


def test_large_photographs_are_worked_on_one_at_a_time(
    folder: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LARGE", 0)
    assert [o.status for o in work([folder], None, colorizer)].count("colorized") == 3


def test_what_is_no_photograph_is_an_error(colorizer: Colorizer) -> None:
    with pytest.raises(ImageError, match="no readable image"):
        colorize_data(b"junk", colorizer, Options())


def test_pages_of_a_tiff_become_pages_in_color(colorizer: Colorizer) -> None:
    gray, color = (np.asarray(Image.open(io.BytesIO(photograph(mode)))) for mode in ("L", "RGB"))
    buffer = io.BytesIO()
    Image.fromarray(gray).save(
        buffer, "TIFF", save_all=True, append_images=[Image.fromarray(color)]
    )
    new = colorize_data(buffer.getvalue(), colorizer, Options())
    first, second = PhotoFile.pages(new.data)
    assert new.anew
    marks = [read_mark(page.encode(page.levels, "TIFF")) for page in (first, second)]
    assert marks == [make_mark(buffer.getvalue(), colorizer, Options()), None]
    assert new.message.startswith("holds 2 pictures, of which 1 were colored; page 2 is in color")
    alone = io.BytesIO()
    Image.fromarray(gray).save(alone, "TIFF")
    expected = PhotoFile.parse(colorize_data(alone.getvalue(), colorizer, Options()).data)
    np.testing.assert_array_equal(first.levels, expected.levels)
    np.testing.assert_array_equal(second.levels, color)
    colors = io.BytesIO()
    Image.fromarray(color).save(
        colors, "TIFF", save_all=True, append_images=[Image.fromarray(color)]
    )
    same = colorize_data(colors.getvalue(), colorizer, Options())
    assert (same.anew, same.data) == (False, colors.getvalue())
    with pytest.raises(ColorizerError, match="hints are of one picture"):
        colorize_data(buffer.getvalue(), colorizer, Options(hints=(Hint(1, 1, (9, 9, 9)),)))


def strokes(size: tuple[int, int] = (60, 40)) -> NDArray[np.uint8]:
    """A picture that is transparent but for a red stroke over its middle."""
    rgba = np.zeros((size[1], size[0], 4), np.uint8)
    rgba[size[1] // 2, 5:-5] = (200, 30, 30, 255)
    return rgba


@pytest.mark.parametrize("with_model", [True, False])
def test_hints_color_a_photograph_of_either_kind(colorizer: Colorizer, with_model: bool) -> None:
    model = colorizer if with_model else None
    plain = Options(force=True)
    for mode in ("L", "RGB"):
        photo = photograph(mode, format="png")
        new = colorize_data(photo, model, Options(strokes=strokes()))
        assert new.anew
        rgb = np.asarray(Image.open(io.BytesIO(new.data)).convert("RGB")).astype(int)
        assert (rgb[20, 10:-10, 0] > rgb[20, 10:-10, 2] + 20).all()
        if with_model:
            assert new.data != colorize_data(photo, model, plain).data


def test_hints_keep_a_photograph_s_lightness() -> None:
    data = photograph(format="png")
    options = Options(hints=(Hint(30, 20, (180, 40, 40)),))
    new = colorize_data(data, None, options)
    before, after = (PhotoFile.parse(d).rgb for d in (data, new.data))
    assert np.abs(rgb_to_lab(before)[0] - rgb_to_lab(after)[0]).max() < 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(), "without a model, hints alone decide"),
        (Options(hints=(Hint(60, 0, (1, 2, 3)),)), "the photograph has 60x40 pixels"),
        (Options(strokes=strokes((40, 60))), "has 40x60 pixels; expected 60x40"),
    ],
)
def test_hints_that_do_not_fit_are_an_outcome(tmp_path: Path, options: Options, said: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(photograph())
    (outcome,) = colorize_all(plan([tmp_path / "photo.jpg"], None), None, options)
    assert outcome.status == "failed"
    assert said in outcome.message
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
