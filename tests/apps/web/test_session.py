import errno
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizer import Colorizer
from colorizer.apps.web import choices as choices_module
from colorizer.apps.web.choices import choices
from colorizer.apps.web.look import Look
from colorizer.apps.web.photograph import PREVIEW, Photograph
from colorizer.apps.web.session import OutdatedError, Session
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.inference.batch import Options, colorize_data
from colorizer.photo.decode import decode
from colorizer.photo.marking import digest, read_mark
from colorizer.tracking.names import NO_MODEL
from colorizer.tracking.registry import KnownModel

WEIGHTS = str(Path(__file__).parents[3] / "models" / "pretrained" / "colorizer.safetensors")
RED = (200, 30, 30)


def encode(image: Image.Image, format: str = "png") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session")


@pytest.fixture
def session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(choices_module, "list_known", list)
    return Session([WEIGHTS], folder)


@pytest.fixture(scope="module")
def gray(sample_photos: dict[str, bytes]) -> bytes:
    """A bundled photograph in black and white."""
    with Image.open(io.BytesIO(sample_photos["mirflickr/im2.jpg"])) as image:
        return encode(image.convert("L"), "jpeg")


def add(session: Session, name: str, data: bytes) -> Photograph:
    (photo,), reasons = session.add(name, data)
    assert not reasons
    return photo


def stroke(size: tuple[int, int], box: tuple[int, int, int, int]) -> bytes:
    """Return a red rectangle on a transparent picture."""
    picture = Image.new("RGBA", size)
    picture.paste((*RED, 255), box)
    return encode(picture)


def chroma(data: bytes) -> NDArray[np.float32]:
    return np.hypot(*rgb_to_lab(decode(data).rgb)[1:])


def test_a_photograph_comes_back_at_full_size_as_the_library_colors_it(
    session: Session, gray: bytes
) -> None:
    photo = add(session, "granny.JPG", gray)
    name, data = session.finish(photo.id, Look(WEIGHTS, 1.2))
    assert name == "granny_colorized.JPG"
    rgb = decode(gray).rgb
    expected = Colorizer.load(WEIGHTS).colorize(rgb, strength=1.2)
    result = decode(data).rgb.astype(int)
    assert result.shape == expected.shape
    assert np.abs(result - expected).mean() < 1.5  # what JPEG loses
    assert chroma(data).mean() > 3


def test_a_large_photograph_is_shown_small_and_finished_large(
    session: Session, gray: bytes
) -> None:
    with Image.open(io.BytesIO(gray)) as image:
        large = image.resize((1500, 1000))
    photo = add(session, "large.png", encode(large))
    preview = decode(session.show(photo.id, Look(WEIGHTS))).rgb
    assert preview.shape == (round(PREVIEW * 2 / 3), PREVIEW, 3)
    assert photo.size == (1500, 1000)
    result = decode(session.finish(photo.id, Look(WEIGHTS))[1]).rgb
    lightness = [rgb_to_lab(rgb)[0] for rgb in (result, np.asarray(large.convert("RGB")))]
    assert np.abs(lightness[0] - lightness[1]).max() < 1
    small = np.asarray(Image.fromarray(result).resize(preview.shape[1::-1]))
    assert np.abs(small.astype(int) - preview).mean() < 3


def test_sixteen_bits_stay_sixteen(session: Session) -> None:
    levels = np.linspace(0, 65535, 60 * 80).reshape(60, 80).astype(np.uint16)
    photo = add(session, "scan.tif", encode(Image.fromarray(levels), "tiff"))
    name, data = session.finish(photo.id, Look(WEIGHTS))
    assert name == "scan_colorized.tif"
    with Image.open(io.BytesIO(data)) as image:
        assert image.tag_v2[258] == (16, 16, 16)  # BitsPerSample


def test_strength_is_how_strong_the_colors_are(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    none, half, whole = (
        chroma(session.show(photo.id, Look(WEIGHTS, strength))).mean() for strength in (0, 0.5, 1)
    )
    assert none < 0.5 < 1 < half < 0.7 * whole


def test_it_says_what_is_in_color_already(
    session: Session, gray: bytes, sample_photos: dict[str, bytes]
) -> None:
    assert add(session, "gray.jpg", gray).verdict.kind == "gray"
    assert add(session, "color.jpg", sample_photos["mirflickr/im2.jpg"]).verdict.kind == "color"


def test_a_stroke_counts_where_it_is_painted_and_at_full_size(
    session: Session, gray: bytes
) -> None:
    photo = add(session, "photo.jpg", gray)
    unpainted = session.finish(photo.id, Look(WEIGHTS))[1]
    width, height = photo.shown
    box = (width // 4, height // 4, width // 4 + 60, height // 4 + 20)
    session.paint(photo.id, stroke((width, height), box), 0)
    ab = rgb_to_lab(decode(session.finish(photo.id, Look(WEIGHTS))[1]).rgb)[1:]
    under = ab[:, box[1] + 4 : box[3] - 4, box[0] + 4 : box[2] - 4].reshape(2, -1)
    shown = recolor(decode(photo.before).rgb, red_ab()[:, None, None])
    expected = rgb_to_lab(shown)[1:, box[1] + 10, box[0] + 30]
    assert np.hypot(*(np.median(under, 1) - expected)) < 6
    session.paint(photo.id, None, 1)
    assert session.finish(photo.id, Look(WEIGHTS))[1] == unpainted


def red_ab() -> NDArray[np.float32]:
    return rgb_to_lab(np.array(RED, np.uint8)[None, None])[1:, 0, 0]


def test_strokes_alone_color_where_no_model_does(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    assert chroma(session.show(photo.id, Look(NO_MODEL))).mean() < 0.5
    width, height = photo.shown
    session.paint(photo.id, stroke((width, height), (10, 10, 40, 30)), 0)
    painted = rgb_to_lab(decode(session.show(photo.id, Look(NO_MODEL))).rgb)[1:]
    assert painted[0].mean() > 10  # the only hint there is colors all that is not black or white


def test_the_palette_is_the_point_s_and_obeys_strokes(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    x, y = (side // 2 for side in photo.shown)
    before = session.palette(photo.id, Look(WEIGHTS), x, y)
    assert 1 < len(before) <= 6
    point = decode(photo.before).rgb[y : y + 1, x : x + 1]
    shown = np.array([[tuple(bytes.fromhex(color[1:])) for color in before]], np.uint8)
    assert np.abs(rgb_to_lab(shown)[0] - rgb_to_lab(point)[0]).max() < 1
    session.paint(photo.id, stroke(photo.shown, (x - 5, y - 5, x + 5, y + 5)), 0)
    after = session.palette(photo.id, Look(WEIGHTS), x, y)
    first = np.array([[tuple(bytes.fromhex(after[0][1:]))]], np.uint8)
    assert rgb_to_lab(first)[1] > 20
    assert after[0] not in before
    assert session.palette(photo.id, Look(NO_MODEL), x, y) == []
    with pytest.raises(ColorizerError, match=f"no pixel {photo.shown[0]},0: the picture has"):
        session.palette(photo.id, Look(WEIGHTS), photo.shown[0], 0)


def test_strokes_of_another_size_are_refused(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    with pytest.raises(ColorizerError, match="the strokes' picture has 50x40 pixels; expected"):
        session.paint(photo.id, stroke((50, 40), (1, 1, 9, 9)), 0)
    assert photo.revision == 0
    assert photo.hints is None


def test_the_archive_has_every_photograph_under_a_name_of_its_own(
    session: Session, gray: bytes
) -> None:
    photos = [add(session, name, gray) for name in ("a.jpg", "folder/a.jpg", "b.jpg")]
    parts = list(session.finish_all(Look(WEIGHTS), count=3))
    assert len(parts) == 4  # one by one, so that a large archive begins at once
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.namelist() == ["a_colorized.jpg", "a_colorized_2.jpg", "b_colorized.jpg"]
        assert archive.read("b_colorized.jpg") == session.finish(photos[2].id, Look(WEIGHTS))[1]


def test_the_archive_names_what_could_not_be_finished(session: Session, gray: bytes) -> None:
    photos = [add(session, name, gray) for name in ("not_colored.txt", "a.jpg", "b.jpg")]
    photos[1].file.unlink()
    with zipfile.ZipFile(
        io.BytesIO(b"".join(session.finish_all(Look(WEIGHTS), count=3)))
    ) as archive:
        assert archive.namelist() == [
            "not_colored.txt_colorized.jpg",
            "b_colorized.jpg",
            "not_colored.txt",
        ]
        (line,) = archive.read("not_colored.txt").decode().splitlines()
    assert line.startswith("a.jpg: its file is gone: No such file")


def test_an_archive_of_other_photographs_than_the_page_shows_is_refused(
    session: Session, gray: bytes
) -> None:
    session.add("a.jpg", gray)
    with pytest.raises(OutdatedError, match="shows 2 photographs, and there are 1: load it again"):
        session.finish_all(Look(WEIGHTS), count=2)


def test_strokes_of_two_windows_do_not_replace_each_other(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    first = stroke(photo.shown, (10, 10, 40, 30))
    session.paint(photo.id, first, 0)
    for strokes in (stroke(photo.shown, (50, 50, 90, 90)), None):
        with pytest.raises(OutdatedError, match="painted on in another window meanwhile"):
            session.paint(photo.id, strokes, 0)
    assert (photo.strokes, photo.revision) == (first, 1)


def test_names_are_as_long_as_a_file_s_may_be(session: Session, gray: bytes) -> None:
    photos = [add(session, f"{120 * 'é'}.jpg", gray) for _ in range(2)]
    name, _ = session.finish(photos[0].id, Look(WEIGHTS))
    assert len(name.encode()) <= 255
    assert name.endswith("é_colorized.jpg")
    data = b"".join(session.finish_all(Look(WEIGHTS), count=2))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(set(archive.namelist())) == 2
        assert all(len(name.encode()) <= 255 for name in archive.namelist())


def test_a_transparent_photograph_is_colored_as_by_the_command(
    session: Session, gray: bytes
) -> None:
    with Image.open(io.BytesIO(gray)) as image:
        photo = image.resize((120, 90)).convert("RGBA")
    photo.paste((0, 0, 0, 0), (0, 0, 60, 90))  # black that nobody sees
    added = add(session, "cut.png", encode(photo))
    assert decode(added.before).rgb[:, :50].min() > 250
    _, data = session.finish(added.id, Look(WEIGHTS))
    expected = colorize_data(encode(photo), Colorizer.load(WEIGHTS), Options(force=True)).data
    by_page, by_command = (
        np.asarray(Image.open(io.BytesIO(d))).astype(int) for d in (data, expected)
    )
    assert np.abs(by_page - by_command).max() <= 8  # the page's is by way of a JPEG file


def test_two_files_of_the_same_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices_module, "list_known", list)
    named = ["a/m/weights.onnx", "b/m/weights.onnx", "c/weights.onnx"]
    assert [choice.label for choice in choices(named)][:3] == [*named[:2], "c/weights.onnx"]


def test_a_photograph_can_be_painted_all_over(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    session.paint(photo.id, stroke(photo.shown, (0, 0, *photo.shown)), 0)
    painted = rgb_to_lab(decode(session.show(photo.id, Look(WEIGHTS))).rgb)[1]
    assert painted.mean() > 20


def test_a_photograph_that_was_removed_leaves_nothing(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    session.remove(photo.id)
    assert not photo.file.exists()
    with pytest.raises(ColorizerError, match="add it again"):
        session.show(photo.id, Look(WEIGHTS))


def test_photographs_come_and_go_while_others_list_them(session: Session, gray: bytes) -> None:
    for name in ("one.jpg", "two.jpg"):
        add(session, name, gray)
    for photo in session.photos.values():
        session.remove(photo.id)
        add(session, "three.jpg", gray)
    assert [photo.name for photo in session.photos.values()] == ["three.jpg", "three.jpg"]


def test_what_cannot_be_read_is_not_taken_in(session: Session, gray: bytes) -> None:
    for data in (b"", b"no picture", gray[: len(gray) // 2]):
        with pytest.raises(ColorizerError):
            session.add("photo.jpg", data)
    assert not session.photos


def test_pages_are_photographs_of_their_own(
    session: Session, gray: bytes, sample_photos: dict[str, bytes]
) -> None:
    pages = [
        Image.open(io.BytesIO(data)).resize((90 + 10 * number, 60))
        for number, data in enumerate((gray, sample_photos["mirflickr/im3.jpg"], gray))
    ]
    buffer = io.BytesIO()
    pages[0].save(buffer, "tiff", save_all=True, append_images=pages[1:])
    known = set(session.photos)
    photos, reasons = session.add("album.tif", buffer.getvalue())
    assert not reasons
    assert [photo.name for photo in photos] == [f"album_page{page}.tif" for page in (1, 2, 3)]
    assert [photo.size[0] for photo in photos] == [90, 100, 110]
    assert [photo.is_copied("remove") for photo in photos] == [False, True, False]
    name, data = session.finish(photos[2].id, Look(WEIGHTS))
    assert name == "album_page3_colorized.tif"
    assert decode(data).rgb.shape == (60, 110, 3)
    mark = read_mark(data)
    assert mark is not None
    assert mark.source == digest(buffer.getvalue())  # of the file that a person has
    session.remove(photos[2].id)
    assert session.finish(photos[1].id, Look(WEIGHTS))[0] == "album_page2.tif"
    for photo in photos[:2]:
        session.remove(photo.id)
    assert not photos[0].file.exists()
    assert set(session.photos) == known


def test_a_result_is_named_after_its_format(session: Session, gray: bytes) -> None:
    names = ("phone.HEIC", "photo", "scan.JPE", "anna.1938")
    photos = [add(session, name, gray) for name in names]
    assert [session.finish(photo.id, Look(NO_MODEL))[0] for photo in photos] == [
        "phone_colorized.jpg",
        "photo_colorized.jpg",
        "scan_colorized.JPE",
        "anna.1938_colorized.jpg",
    ]


def test_what_is_no_picture_is_named(session: Session) -> None:
    with pytest.raises(ColorizerError, match="a text, no photograph"):
        session.add("photo.jpg", b"Dear Anna,")


def test_a_part_is_the_whole_s_own_pixels(session: Session, gray: bytes) -> None:
    with Image.open(io.BytesIO(gray)) as image:
        photo = add(session, "large.png", encode(image.resize((1500, 1000))))
    part = decode(session.show(photo.id, Look(WEIGHTS), part="700,310,301,203")).rgb
    whole = decode(session.finish(photo.id, Look(WEIGHTS))[1]).rgb
    assert np.abs(part - whole[310:513, 700:1001].astype(int)).mean() < 1.5  # what JPEG loses
    for outside in ("1400,0,101,10", "0,0,0,10", "1,2,3"):
        with pytest.raises(ColorizerError, match="expected left,top,width,height within"):
            session.show(photo.id, part=outside)


def test_what_is_in_color_is_copied_unless_it_is_forced_or_painted_on(
    session: Session, sample_photos: dict[str, bytes]
) -> None:
    data = sample_photos["mirflickr/im2.jpg"]
    photo = add(session, "color.jpg", data)
    assert session.finish(photo.id, Look(WEIGHTS)) == ("color.jpg", data)
    assert session.show(photo.id, Look(WEIGHTS)) == session.show(photo.id)
    session.force(photo.id, True)
    assert session.finish(photo.id, Look(WEIGHTS))[0] == "color_colorized.jpg"
    session.force(photo.id, False)
    session.paint(photo.id, stroke(photo.shown, (10, 10, 40, 30)), 0)
    assert not photo.is_copied("remove")


def test_a_photograph_is_restored_as_by_the_command(session: Session, gray: bytes) -> None:
    with Image.open(io.BytesIO(gray)) as image:
        faded = encode(image.point(lambda level: 90 + level // 4))
    photo = add(session, "faded.png", faded)
    name, data = session.finish(photo.id, Look(WEIGHTS, restore="light"))
    options = Options(restore="light")
    assert (name, data) == (
        "faded_colorized.png",
        colorize_data(faded, Colorizer.load(WEIGHTS), options).data,
    )
    shown = decode(session.show(photo.id, Look(WEIGHTS, restore="light"))).rgb
    assert np.abs(shown - decode(data).rgb.astype(int)).mean() < 3  # what JPEG loses
    assert np.ptp(decode(session.show(photo.id)).rgb) < 0.4 * np.ptp(shown)


def test_how_sure_the_model_is_can_be_seen(session: Session, gray: bytes) -> None:
    photo = add(session, "photo.jpg", gray)
    levels = decode(session.show_confidence(photo.id, Look(WEIGHTS))).rgb[..., 0]
    expected = 255 * Colorizer.load(WEIGHTS).confidence(decode(gray).rgb)
    assert levels.shape == expected.shape
    assert np.abs(levels - expected).mean() < 3  # what JPEG loses
    with pytest.raises(ColorizerError, match="not classes"):
        session.show_confidence(photo.id, Look(NO_MODEL))


def test_where_there_is_no_room_nothing_is_kept(
    tmp_path: Path, gray: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices_module, "list_known", list)

    def fill_up(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    session = Session([NO_MODEL], tmp_path)
    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(ColorizerError, match=r"cannot be kept in .*: No space left on device"):
        session.add("photo.jpg", gray)
    assert not session.photos
    assert not list(tmp_path.iterdir())


def test_a_model_is_loaded_once(
    session: Session, gray: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Colorizer, "from_file", lambda *_, **__: pytest.fail("loaded again"))
    photo = add(session, "photo.jpg", gray)
    session.show(photo.id, Look(WEIGHTS))


def test_a_model_that_is_missing_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices_module, "list_known", list)
    missing = str(tmp_path / "missing.safetensors")
    for models in ([missing], [WEIGHTS, missing]):
        with pytest.raises(ColorizerError, match="no such weights file"):
            Session(models, tmp_path)


def test_models_that_are_not_offered_are_not_loaded(
    session: Session, gray: bytes, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(Path(WEIGHTS).read_bytes())
    photo = add(session, "photo.jpg", gray)
    for ask in (session.show, session.finish):
        with pytest.raises(ColorizerError, match=r"no model '.*other.safetensors' here"):
            ask(photo.id, Look(str(other)))


def test_no_model_is_needed_to_paint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices_module, "list_known", list)
    monkeypatch.setattr(Colorizer, "load", lambda *_, **__: pytest.fail("loaded"))
    (choice,) = Session([NO_MODEL], tmp_path).coloring.choices
    assert (choice.name, choice.label) == (NO_MODEL, "painted colors alone")


def test_the_best_then_the_registered_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [KnownModel("shipped", 0, ()), KnownModel("colorizer-model3", 2, ("demo", "paper"))]
    monkeypatch.setattr(choices_module, "list_known", lambda: known)
    assert [(choice.name, choice.label) for choice in choices(["colorizer"])] == [
        ("colorizer", "colorizer"),
        ("colorizer-model3/2", "colorizer-model3/2 (demo, paper)"),
        (NO_MODEL, "painted colors alone"),
    ]
    assert [choice.label for choice in choices(["/runs/model1/weights.safetensors"])][:2] == [
        "model1/weights.safetensors",
        "colorizer-model3/2 (demo, paper)",
    ]


def test_a_registry_that_is_down_offers_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down() -> None:
        raise ColorizerError("MLflow does not answer")

    monkeypatch.setattr(choices_module, "list_known", down)
    assert [choice.name for choice in choices(["my.onnx"])] == ["my.onnx", NO_MODEL]
    assert caplog.messages == ["MLflow does not answer"]


def test_a_photograph_that_others_look_like(
    session: Session, gray: bytes, sample_photos: dict[str, bytes]
) -> None:
    photo, color = add(session, "bowl.jpg", gray), sample_photos["mirflickr/im2.jpg"]
    plain = session.show(photo.id, Look(WEIGHTS))
    alike = Look(WEIGHTS, like=session.coloring.add_like(color))
    away = [
        np.abs(rgb_to_lab(decode(data).rgb) - rgb_to_lab(decode(color).rgb))[1:].mean()
        for data in (plain, session.show(photo.id, alike))
    ]
    assert away[1] < 0.5 * away[0]
    assert max(decode(session.show_like(alike.like)).rgb.shape) <= 256
    mark = read_mark(session.finish(photo.id, alike)[1])
    assert mark is not None
    assert mark.parameters.startswith("like sha256:")
    with pytest.raises(ColorizerError, match="not here any more: choose it again"):
        session.show(photo.id, Look(WEIGHTS, like="gone"))
    with pytest.raises(ColorizerError, match="a black-and-white photograph"):
        session.coloring.add_like(gray)
