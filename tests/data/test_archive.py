import random
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from colorizer.data.archive import ArchiveError, list_members, read_member, read_photo
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
    changes = {"bomb": (24, b"\xf0\xff\xff\xff"), "encrypted": (8, b"\1"), "method": (10, b"\x63")}
    for name, (place, new) in changes.items():
        at = entry + place
        wrong = tmp_path / f"{name}.zip"
        wrong.write_bytes(good[:at] + new + good[at + len(new) :])
        with pytest.raises(ArchiveError, match=f"{name}.zip: im1") as error:
            read_member(wrong, list_members(wrong)[0][0])
        assert len(str(error.value).splitlines()) == 1
