import io
import random
import stat
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from colorizer.data.archive import UNPACKED, ArchiveError, list_members, read_member, read_photo
from colorizer.params import Archive

MakeArchive = Callable[[Mapping[str, bytes]], Archive]


def test_members_are_images_by_name_or_others(make_archive: MakeArchive) -> None:
    archive = make_archive(
        {
            "photos/": b"",
            "photos/im2.jpg": b"",
            "photos/im1.JPEG": b"",
            "cover.webp": b"",
            "photos/.im1.jpg": b"",
            "__MACOSX/photos/im1.jpg": b"",
            "photos/notes.txt": b"",
            "README": b"",
        }
    )
    images, others = list_members(Path(archive.source))
    assert images == ["cover.webp", "photos/im1.JPEG", "photos/im2.jpg"]
    assert others == ["README", "__MACOSX/photos/im1.jpg", "photos/.im1.jpg", "photos/notes.txt"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short", None])
def test_file_that_is_no_zip_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "photos.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"photos\.zip") as error:
        list_members(path)
    assert len(str(error.value).splitlines()) == 1


def test_members_are_read_alike_from_many_threads(make_archive: MakeArchive) -> None:
    members = {f"im{n}.jpg": random.Random(n).randbytes(20_000) for n in range(24)}
    path = Path(make_archive(members).source)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda name: read_member(path, name), list(members) * 4))
    assert read == list(members.values()) * 4


def test_photo_is_named_by_archive_and_member(make_archive: MakeArchive) -> None:
    path = Path(make_archive({"photos/2008/im1.jpg": b"one"}).source)
    assert read_photo(path.parent, "photos.zip/photos/2008/im1.jpg") == b"one"


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"]
)
def test_damaged_member_is_an_error_and_the_others_are_read(
    tmp_path: Path, compression: int
) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("im1.jpg", b"one photograph " * 50)
        archive.writestr("im2.jpg", b"another")
        first = archive.getinfo("im1.jpg")
    data = bytearray(path.read_bytes())
    start = first.header_offset + 30 + len(first.filename)  # 30: a local header's fixed part
    data[start + first.compress_size // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"photos\.zip: im1\.jpg is damaged") as error:
        read_member(path, "im1.jpg")
    assert len(str(error.value).splitlines()) == 1
    assert read_member(path, "im2.jpg") == b"another"


def test_member_that_does_not_exist_is_an_error(make_archive: MakeArchive) -> None:
    path = Path(make_archive({"im1.jpg": b"one"}).source)
    with pytest.raises(ArchiveError, match=r"im9\.jpg"):
        read_member(path, "im9.jpg")


def test_bombs_encrypted_members_and_odd_directories_are_errors_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("im1.jpg", bytes(1000))
    good = path.read_bytes()
    entry = good.index(b"PK\1\2")
    changes = {"bomb": (24, b"\xf0\xff\xff\xff"), "encrypted": (8, b"\1"), "method": (10, b"\x0c")}
    for name, (place, new) in changes.items():
        at = entry + place
        wrong = tmp_path / f"{name}.zip"
        wrong.write_bytes(good[:at] + new + good[at + len(new) :])
        with pytest.raises(ArchiveError, match=f"{name}.zip: im1") as error:
            read_member(wrong, list_members(wrong)[0][0])
        assert len(str(error.value).splitlines()) == 1


def zipped(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive, and return its bytes."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    return path.read_bytes()


def test_what_becomes_far_more_than_it_says_or_than_is_there_is_never_unpacked(
    tmp_path: Path,
) -> None:
    honest, path = tmp_path / "honest.zip", tmp_path / "photos.zip"
    large = [("im1.jpg", bytes(UNPACKED + 1))]
    good = zipped(honest, large, zipfile.ZIP_DEFLATED)
    entry = good.rindex(b"PK\1\2")
    for place, new, line in (
        (0, b"PK", r"of 65,\d{3}; at most 100 times as many are read"),
        (20, b"\xff\xff\xff\x7f", r"of 65,\d{3}; at most 100 times as many are read"),  # packed
        (24, b"\x10\0\0\0", "Bad CRC-32"),  # bytes of the photograph
    ):
        at = entry + place
        path.write_bytes(good[:at] + new + good[at + len(new) :])
        tracemalloc.start()
        with pytest.raises(ArchiveError, match=line):
            read_member(path, "im1.jpg")
        assert tracemalloc.get_traced_memory()[1] < UNPACKED / 8
        tracemalloc.stop()
        path = path.with_name(f"{path.stem}_.zip")  # opened archives are kept
    zipped(path, large)
    assert read_member(path, "im1.jpg") == large[0][1]  # as large, and no bomb


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_odd_members_are_files_like_others_and_nothing_leaves_the_archive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, inner = tmp_path / "photos.zip", io.BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.writestr("im1.jpg", b"nested")
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "../up.jpg",
            "a/../../up.jpg",
            "/root.jpg",
            "C:\\a.jpg",
            "./here.jpg",
            "\r.jpg",
        ):
            archive.writestr(name, b"a photograph")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("nested.zip", inner.getvalue())
        archive.writestr("twice.jpg", b"first")
        archive.writestr("twice.jpg", b"last")
    images, others = list_members(path)
    assert images == ["./here.jpg", "/root.jpg", "C:\\a.jpg", "link.jpg", "twice.jpg"]
    assert others == ["\r.jpg", "../up.jpg", "a/../../up.jpg", "nested.zip"]
    assert "photos.zip: names that stand twice: 1" in caplog.text
    read = [read_photo(tmp_path, f"photos.zip/{name}") for name in images]
    assert read == [b"a photograph"] * 3 + [b"/etc/passwd", b"last"]
    assert list(tmp_path.rglob("*")) == [path]


def test_an_archive_cut_off_anywhere_is_an_error_of_one_line(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", [(f"im{n}.jpg", bytes(100)) for n in range(20)])
    for tenth in range(10):
        path = tmp_path / f"{tenth}.zip"
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(ArchiveError, match=f"{tenth}.zip is no readable zip") as error:
            list_members(path)
        assert len(str(error.value).splitlines()) == 1


def test_a_name_costs_less_than_opening_the_archive_did(tmp_path: Path) -> None:
    """Of which a million take a minute."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(5_000):
            archive.writestr(f"images/{number % 9}/im{number}.jpg", b"")
    times = [time.thread_time()]
    for _ in range(2):
        assert len(list_members(path)[0]) == 5_000
        times.append(time.thread_time())
    assert times[2] - times[1] < times[1] - times[0]


def test_too_little_memory_is_no_damage_of_an_archive(
    make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Path(make_archive({"im1.jpg": b"one"}).source)

    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(zipfile.ZipFile, "open", fail)
    with pytest.raises(MemoryError):
        read_member(archive, "im1.jpg")
    monkeypatch.setattr(zipfile, "ZipFile", fail)
    with pytest.raises(MemoryError):
        list_members(archive.with_name("other.zip"))
